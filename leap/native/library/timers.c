/* Timers that end in a signal or in a descriptor: alarm, setitimer, timer_create, timerfd.
 *
 * They stand in the page, and the governor sends their signals when their time has come: no thread
 * of ours lives in the program, and a timer outlives exec as it should. A timerfd is an eventfd,
 * which counts and is read the same way; the poke's handler fills it. */
#include "leap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static struct leap_timer *new_timer(int signo, int code)
{
    for (uint32_t at = 0; at < LEAP_TIMERS; at++) {
        struct leap_timer *timer = &leap_page->timers[at];
        int32_t nobody = 0;
        if (!atomic_compare_exchange_strong(&timer->pid, &nobody, -1))
            continue;
        uint32_t top = atomic_load(&leap_page->timers_top);
        while (top <= at && !atomic_compare_exchange_weak(&leap_page->timers_top, &top, at + 1))
            ;
        atomic_store(&timer->deadline_ns, 0);
        atomic_store(&timer->interval_ns, 0);
        atomic_store(&timer->tid, 0);
        atomic_store(&timer->signo, signo);
        atomic_store(&timer->code, code);
        atomic_store(&timer->value, 0);
        atomic_store(&timer->pid, getpid());
        return timer;
    }
    return NULL;
}

static void free_timer(struct leap_timer *timer)
{
    atomic_store(&timer->deadline_ns, 0);
    atomic_store(&timer->pid, 0);
}

/* Off first, so that the governor never sees a new deadline with an old interval. */
static void arm(struct leap_timer *timer, int64_t deadline_ns, int64_t interval_ns)
{
    atomic_store(&timer->deadline_ns, 0);
    atomic_store(&timer->interval_ns, interval_ns);
    atomic_store(&timer->deadline_ns, deadline_ns);
}

/* What is left of an armed timer is never 0, which would mean that it is not armed. */
static int64_t left_of(struct leap_timer *timer)
{
    int64_t deadline = atomic_load(&timer->deadline_ns);
    if (!deadline)
        return 0;
    int64_t left = leap_left_ns(deadline);
    return left > 1000 ? left : 1000;
}

/* -- alarm, setitimer: one for each process ------------------------------------------------- */

static struct leap_timer *alarm_of_process(bool make)
{
    uint32_t top = atomic_load(&leap_page->timers_top);
    for (uint32_t at = 0; at < top; at++) { /* it may be from before an exec */
        struct leap_timer *timer = &leap_page->timers[at];
        if (atomic_load(&timer->pid) == getpid() && atomic_load(&timer->signo) == SIGALRM &&
            atomic_load(&timer->code) == SI_USER)
            return timer;
    }
    return make ? new_timer(SIGALRM, SI_USER) : NULL;
}

EXPORT int getitimer(__itimer_which_t which, struct itimerval *value)
{
    if (!leap_on() || which != ITIMER_REAL)
        return REAL(getitimer)(which, value);
    struct leap_timer *timer = alarm_of_process(false);
    int64_t left = timer ? left_of(timer) : 0;
    int64_t interval = timer ? atomic_load(&timer->interval_ns) : 0;
    value->it_value = (struct timeval){left / NS, left % NS / 1000};
    value->it_interval = (struct timeval){interval / NS, interval % NS / 1000};
    return 0;
}

EXPORT int setitimer(__itimer_which_t which, const struct itimerval *restrict new,
                     struct itimerval *restrict old)
{
    if (!leap_on() || which != ITIMER_REAL)
        return REAL(setitimer)(which, new, old);
    if (old)
        getitimer(which, old);
    int64_t length = new ? leap_ns(new->it_value.tv_sec, new->it_value.tv_usec * 1000LL) : 0;
    struct leap_timer *timer = alarm_of_process(length > 0);
    if (!timer)
        return length > 0 ? REAL(setitimer)(which, new, NULL) : 0;
    int64_t interval = new ? leap_ns(new->it_interval.tv_sec, new->it_interval.tv_usec * 1000LL) : 0;
    arm(timer, length ? leap_deadline_in(length) : 0, interval);
    return 0;
}

EXPORT unsigned int alarm(unsigned int seconds)
{
    if (!leap_on())
        return REAL(alarm)(seconds);
    struct itimerval new = {{0, 0}, {seconds, 0}}, old;
    setitimer(ITIMER_REAL, &new, &old);
    return old.it_value.tv_sec + (old.it_value.tv_usec > 0);
}

EXPORT useconds_t ualarm(useconds_t length, useconds_t interval)
{
    struct itimerval new = {{interval / 1000000, interval % 1000000},
                            {length / 1000000, length % 1000000}}, old;
    setitimer(ITIMER_REAL, &new, &old);
    return old.it_value.tv_sec * 1000000 + old.it_value.tv_usec;
}

/* -- timer_create ------------------------------------------------------------------------- */

/* What it is known by: libc gives small numbers and pointers, so ours are odd addresses. */
struct handle {
    struct leap_timer *timer;
    clockid_t clock;
    pid_t pid; /* timers are not inherited */
    void (*call)(union sigval);
    union sigval value;
    pthread_mutex_t mutex; /* of the rest, where a thread of its own calls */
    pthread_cond_t changed;
    bool gone;
};

static struct handle *handle_of(timer_t id)
{
    return (uintptr_t)id & 1 && leap_on() ? (struct handle *)((uintptr_t)id - 1) : NULL;
}

/* SIGEV_THREAD: a thread of its own waits and calls. */
static void *calls(void *argument)
{
    struct handle *handle = argument;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_mutex_lock(&handle->mutex);
    while (!handle->gone) {
        int64_t deadline = atomic_load(&handle->timer->deadline_ns);
        if (!deadline) {
            pthread_cond_wait(&handle->changed, &handle->mutex);
            continue;
        }
        if (leap_left_ns(deadline) > 0) {
            struct timespec until = leap_timespec(deadline);
            pthread_cond_clockwait(&handle->changed, &handle->mutex, CLOCK_MONOTONIC, &until);
            continue;
        }
        int64_t interval = atomic_load(&handle->timer->interval_ns);
        arm(handle->timer, interval ? deadline + interval : 0, interval);
        pthread_mutex_unlock(&handle->mutex);
        handle->call(handle->value);
        pthread_mutex_lock(&handle->mutex);
    }
    pthread_mutex_unlock(&handle->mutex);
    free_timer(handle->timer);
    free(handle);
    return NULL;
}

/* Arm it, or let it go; whoever waits for it hears of that. */
static void change(struct handle *handle, int64_t deadline_ns, int64_t interval_ns, bool gone)
{
    pthread_mutex_lock(&handle->mutex);
    arm(handle->timer, deadline_ns, interval_ns);
    handle->gone = gone;
    pthread_cond_signal(&handle->changed);
    pthread_mutex_unlock(&handle->mutex);
}

EXPORT int timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict id)
{
    if (!leap_on() || !leap_is_ours(clock))
        return REAL(timer_create)(clock, event, id);
    int how = event ? event->sigev_notify : SIGEV_SIGNAL;
    int signo = how == SIGEV_SIGNAL || how == SIGEV_THREAD_ID
                    ? (event ? event->sigev_signo : SIGALRM) : 0;
    struct handle *handle = calloc(1, sizeof *handle);
    struct leap_timer *timer = handle ? new_timer(signo, SI_TIMER) : NULL;
    if (!timer) {
        free(handle);
        errno = EAGAIN;
        return -1;
    }
    *id = (timer_t)((uintptr_t)handle + 1);
    handle->timer = timer;
    handle->clock = clock;
    handle->pid = getpid();
    atomic_store(&timer->value, event ? (int64_t)(intptr_t)event->sigev_value.sival_ptr
                                      : (int64_t)(intptr_t)*id);
    if (how == SIGEV_THREAD_ID)
        atomic_store(&timer->tid, event->_sigev_un._tid);
    if (how == SIGEV_THREAD) {
        pthread_t thread;
        handle->call = event->sigev_notify_function;
        handle->value = event->sigev_value;
        if (pthread_create(&thread, event->sigev_notify_attributes, calls, handle)) {
            free_timer(timer);
            free(handle);
            errno = EAGAIN;
            return -1;
        }
        pthread_detach(thread);
    }
    return 0;
}

static bool is_here(struct handle *handle)
{
    if (handle->pid == getpid())
        return true;
    errno = EINVAL;
    return false;
}

EXPORT int timer_gettime(timer_t id, struct itimerspec *value)
{
    struct handle *handle = handle_of(id);
    if (!handle)
        return REAL(timer_gettime)(id, value);
    if (!is_here(handle))
        return -1;
    value->it_value = leap_timespec(left_of(handle->timer));
    value->it_interval = leap_timespec(atomic_load(&handle->timer->interval_ns));
    return 0;
}

EXPORT int timer_settime(timer_t id, int flags, const struct itimerspec *restrict new,
                         struct itimerspec *restrict old)
{
    struct handle *handle = handle_of(id);
    if (!handle)
        return REAL(timer_settime)(id, flags, new, old);
    if (!is_here(handle))
        return -1;
    if (old)
        timer_gettime(id, old);
    int64_t length = leap_span(&new->it_value), deadline = 0;
    if (length)
        deadline = flags & TIMER_ABSTIME ? leap_deadline_at(handle->clock, &new->it_value)
                                         : leap_deadline_in(length);
    change(handle, deadline, leap_span(&new->it_interval), false);
    return 0;
}

EXPORT int timer_getoverrun(timer_t id)
{
    return handle_of(id) ? 0 : REAL(timer_getoverrun)(id);
}

EXPORT int timer_delete(timer_t id)
{
    struct handle *handle = handle_of(id);
    if (!handle)
        return REAL(timer_delete)(id);
    if (!is_here(handle))
        return -1;
    if (handle->call) {
        change(handle, 0, 0, true); /* its thread frees it */
    } else {
        free_timer(handle->timer);
        free(handle);
    }
    return 0;
}

/* -- timerfd ------------------------------------------------------------------------------ */

#define MOST_FDS 256

static struct timerfd {
    _Atomic int fd; /* -1 and 0: free, which descriptor 0 is never */
    clockid_t clock;
    struct leap_timer *timer;
    _Atomic int64_t told_ns; /* the deadline up to which the descriptor was filled */
} timerfds[MOST_FDS];

static struct timerfd *timerfd_of(int fd)
{
    for (int each = 0; each < MOST_FDS && fd > 0; each++)
        if (atomic_load(&timerfds[each].fd) == fd)
            return &timerfds[each];
    return NULL;
}

/* In the poke's handler: the governor has moved on the deadline of each that is due. */
void leap_timerfd_expire(void)
{
    for (int each = 0; each < MOST_FDS; each++) {
        struct timerfd *own = &timerfds[each];
        int fd = atomic_load(&own->fd);
        if (fd <= 0)
            continue;
        uint64_t times = (uint64_t)atomic_exchange(&own->timer->value, 0);
        if (times && write(fd, &times, sizeof times) < 0)
            continue;
    }
}

/* In a child: the descriptors are shared with the parent, whose timers go on filling them. */
void leap_fork_timers(void)
{
    for (int each = 0; each < MOST_FDS; each++)
        atomic_store(&timerfds[each].fd, 0);
}

EXPORT int timerfd_create(int clock, int flags)
{
    if (!leap_on() || !leap_is_ours(clock))
        return REAL(timerfd_create)(clock, flags);
    int fd = eventfd(0, (flags & TFD_CLOEXEC ? EFD_CLOEXEC : 0) |
                            (flags & TFD_NONBLOCK ? EFD_NONBLOCK : 0));
    if (fd < 0)
        return fd;
    struct timerfd *own = timerfd_of(fd); /* of one that was closed */
    for (int each = 0; each < MOST_FDS && !own; each++) {
        int nobody = 0;
        if (atomic_compare_exchange_strong(&timerfds[each].fd, &nobody, -1))
            own = &timerfds[each];
    }
    if (own && !own->timer)
        own->timer = new_timer(LEAP_SIGNAL, SI_QUEUE);
    if (!own || !own->timer) {
        close(fd);
        errno = EMFILE;
        return -1;
    }
    arm(own->timer, 0, 0);
    atomic_store(&own->timer->pid, getpid());
    atomic_store(&own->timer->value, 0);
    own->clock = clock;
    atomic_store(&own->fd, fd);
    return fd;
}

EXPORT int timerfd_gettime(int fd, struct itimerspec *value)
{
    struct timerfd *own = leap_on() ? timerfd_of(fd) : NULL;
    if (!own)
        return REAL(timerfd_gettime)(fd, value);
    value->it_value = leap_timespec(left_of(own->timer));
    value->it_interval = leap_timespec(atomic_load(&own->timer->interval_ns));
    return 0;
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    struct timerfd *own = leap_on() ? timerfd_of(fd) : NULL;
    if (!own)
        return REAL(timerfd_settime)(fd, flags, new, old);
    if (old)
        timerfd_gettime(fd, old);
    int64_t length = leap_span(&new->it_value), deadline = 0;
    if (length)
        deadline = flags & TFD_TIMER_ABSTIME ? leap_deadline_at(own->clock, &new->it_value)
                                             : leap_deadline_in(length);
    arm(own->timer, 0, 0);
    atomic_store(&own->timer->value, 0);
    uint64_t dropped; /* what was not read yet is forgotten, as the kernel does */
    int kept = errno, flags_before = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags_before | O_NONBLOCK);
    while (read(fd, &dropped, sizeof dropped) > 0)
        ;
    fcntl(fd, F_SETFL, flags_before);
    errno = kept;
    arm(own->timer, deadline, leap_span(&new->it_interval));
    return 0;
}
