/* waits NAME: waits for an hour in that way, and prints how many seconds went by on the
 * monotonic and on the wall clock. Whatever ended the wait must say that its time had come. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define HOUR 3600
#define MUST(what)                                                                        \
    do {                                                                                  \
        if (!(what)) {                                                                    \
            fprintf(stderr, "%s: %s\n", #what, strerror(errno));                          \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

/* The same of a call that does not fail: it leaves errno alone, and there are callers that look at
 * nothing else to see whether a signal came. */
#define MUST_QUIETLY(what)                                                                \
    do {                                                                                  \
        errno = 0;                                                                        \
        MUST(what);                                                                       \
        MUST(errno == 0);                                                                 \
    } while (0)

static struct timespec at(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_sec += HOUR;
    return t;
}

static int pipe_ends[2];
static const struct timespec hour = {HOUR, 0};

static void w_sleep(void) { MUST_QUIETLY(sleep(HOUR) == 0); }
static void w_usleep(void) { MUST_QUIETLY(usleep(HOUR * 1000000u) == 0); }
static void w_nanosleep(void) { MUST_QUIETLY(nanosleep(&hour, NULL) == 0); }
static void w_thrd_sleep(void) { MUST_QUIETLY(thrd_sleep(&hour, NULL) == 0); }
static void w_clock_nanosleep(void) { MUST_QUIETLY(clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, NULL) == 0); }

static void w_clock_nanosleep_until(void)
{
    struct timespec t = at(CLOCK_REALTIME);
    MUST_QUIETLY(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL) == 0);
}

static void w_poll(void)
{
    struct pollfd fd = {pipe_ends[0], POLLIN, 0};
    MUST_QUIETLY(poll(&fd, 1, HOUR * 1000) == 0);
}

static void w_ppoll(void)
{
    struct pollfd fd = {pipe_ends[0], POLLIN, 0};
    MUST_QUIETLY(ppoll(&fd, 1, &hour, NULL) == 0);
}

static void w_ppoll_masked(void) /* with every signal kept out, the governor's too */
{
    struct pollfd fd = {pipe_ends[0], POLLIN, 0};
    sigset_t all;
    sigfillset(&all);
    MUST_QUIETLY(ppoll(&fd, 1, &hour, &all) == 0);
}

static void w_sleep_masked(void)
{
    sigset_t all;
    sigfillset(&all);
    MUST(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
    w_nanosleep();
}

static void w_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    struct timeval t = {HOUR, 0};
    MUST_QUIETLY(select(pipe_ends[0] + 1, &set, NULL, NULL, &t) == 0);
    MUST(!FD_ISSET(pipe_ends[0], &set));
    MUST(t.tv_sec == 0);
}

static void w_pselect(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    MUST_QUIETLY(pselect(pipe_ends[0] + 1, &set, NULL, NULL, &hour, NULL) == 0);
    MUST(!FD_ISSET(pipe_ends[0], &set));
}

static void w_epoll_wait(void)
{
    struct epoll_event event;
    MUST_QUIETLY(epoll_wait(epoll_create1(0), &event, 1, HOUR * 1000) == 0);
}

static void w_epoll_pwait(void)
{
    struct epoll_event event;
    MUST_QUIETLY(epoll_pwait(epoll_create1(0), &event, 1, HOUR * 1000, NULL) == 0);
}

static void w_epoll_pwait2(void)
{
    struct epoll_event event;
    MUST_QUIETLY(epoll_pwait2(epoll_create1(0), &event, 1, &hour, NULL) == 0);
}

static void w_sem_timedwait(void)
{
    sem_t sem;
    sem_init(&sem, 0, 0);
    struct timespec t = at(CLOCK_REALTIME);
    MUST(sem_timedwait(&sem, &t) == -1 && errno == ETIMEDOUT);
}

static void w_sem_clockwait(void)
{
    sem_t sem;
    sem_init(&sem, 0, 0);
    struct timespec t = at(CLOCK_MONOTONIC);
    MUST(sem_clockwait(&sem, CLOCK_MONOTONIC, &t) == -1 && errno == ETIMEDOUT);
}

static void condition(clockid_t clock, int by_attribute)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, clock);
    if (by_attribute)
        pthread_cond_init(&cond, &attributes);
    struct timespec t = at(clock);
    pthread_mutex_lock(&mutex);
    errno = 0;
    int error = by_attribute ? pthread_cond_timedwait(&cond, &mutex, &t)
                             : pthread_cond_clockwait(&cond, &mutex, clock, &t);
    MUST(error == ETIMEDOUT && errno == 0);
    MUST(pthread_mutex_trylock(&mutex) == EBUSY);
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&cond);
}

static void w_cond_realtime(void) { condition(CLOCK_REALTIME, 1); }
static void w_cond_monotonic(void) { condition(CLOCK_MONOTONIC, 1); }
static void w_cond_clockwait(void) { condition(CLOCK_MONOTONIC, 0); }

static void w_cnd_timedwait(void)
{
    cnd_t cond;
    mtx_t mutex;
    cnd_init(&cond);
    mtx_init(&mutex, mtx_plain);
    mtx_lock(&mutex);
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    t.tv_sec += HOUR;
    MUST_QUIETLY(cnd_timedwait(&cond, &mutex, &t) == thrd_timedout);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *hold(void *gate)
{
    pthread_mutex_lock(&held);
    sem_post(gate);
    pause();
    return NULL;
}

static pthread_t holder(void)
{
    pthread_t thread;
    sem_t gate;
    sem_init(&gate, 0, 0);
    pthread_create(&thread, NULL, hold, &gate);
    sem_wait(&gate);
    return thread;
}

static void w_mutex_timedlock(void)
{
    holder();
    struct timespec t = at(CLOCK_REALTIME);
    MUST_QUIETLY(pthread_mutex_timedlock(&held, &t) == ETIMEDOUT);
}

static void w_mutex_clocklock(void)
{
    holder();
    struct timespec t = at(CLOCK_MONOTONIC);
    MUST_QUIETLY(pthread_mutex_clocklock(&held, CLOCK_MONOTONIC, &t) == ETIMEDOUT);
}

static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;

static void *read_on(void *gate)
{
    pthread_rwlock_rdlock(&readers);
    sem_post(gate);
    pause();
    return NULL;
}

static void w_rwlock_timedwrlock(void)
{
    pthread_t thread;
    sem_t gate;
    sem_init(&gate, 0, 0);
    pthread_create(&thread, NULL, read_on, &gate);
    sem_wait(&gate);
    struct timespec t = at(CLOCK_REALTIME);
    MUST_QUIETLY(pthread_rwlock_timedwrlock(&readers, &t) == ETIMEDOUT);
}

static void w_timedjoin(void)
{
    pthread_t thread = holder();
    struct timespec t = at(CLOCK_REALTIME);
    MUST_QUIETLY(pthread_timedjoin_np(thread, NULL, &t) == ETIMEDOUT);
}

static void w_sigtimedwait(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    MUST(sigtimedwait(&set, NULL, &hour) == -1 && errno == EAGAIN);
}

static void w_futex(void)
{
    uint32_t word = 0;
    MUST(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &hour, NULL, 0) == -1 &&
         errno == ETIMEDOUT);
}

static void w_futex_bitset(void)
{
    uint32_t word = 0;
    struct timespec t = at(CLOCK_MONOTONIC);
    MUST(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, NULL, -1) == -1 &&
         errno == ETIMEDOUT);
}

static void w_semtimedop(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf down = {0, -1, 0};
    int rc = semtimedop(id, &down, 1, &hour), kept = errno;
    semctl(id, 0, IPC_RMID);
    MUST(rc == -1 && kept == EAGAIN);
}

static void w_mq_timedreceive(void)
{
    char name[64], data[64];
    unsigned priority;
    snprintf(name, sizeof name, "/waits-%d", getpid());
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = sizeof data};
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
    mq_unlink(name);
    struct timespec t = at(CLOCK_REALTIME);
    MUST(mq_timedreceive(queue, data, sizeof data, &priority, &t) == -1 && errno == ETIMEDOUT);
}

static volatile int rung;
static void ring(int number) { (void)number, rung++; }

static void w_alarm(void)
{
    signal(SIGALRM, ring);
    alarm(HOUR);
    MUST(pause() == -1 && errno == EINTR && rung == 1);
    MUST(alarm(0) == 0);
}

static void w_setitimer(void)
{
    struct itimerval value = {{1800, 0}, {1800, 0}};
    signal(SIGALRM, ring);
    setitimer(ITIMER_REAL, &value, NULL);
    while (rung < 2)
        pause();
    getitimer(ITIMER_REAL, &value);
    MUST(value.it_value.tv_sec > 1790 && value.it_interval.tv_sec == 1800);
}

static void w_alarm_exec(void) /* an alarm outlives exec */
{
    alarm(HOUR);
    execl("/proc/self/exe", "waits", "alarm_of_before", NULL);
}

static void w_alarm_of_before(void)
{
    signal(SIGALRM, ring);
    pause();
    MUST(rung == 1);
}

static volatile int told;
static void tell(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    told = info->si_value.sival_int;
}

static void w_timer_create(void)
{
    struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR2, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    event.sigev_value.sival_int = 77;
    timer_t timer;
    MUST_QUIETLY(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec value = {{0, 0}, {HOUR, 0}}, left;
    timer_settime(timer, 0, &value, NULL);
    timer_gettime(timer, &left);
    MUST(left.it_value.tv_sec >= HOUR - 1);
    pause();
    MUST(told == 77);
    MUST(timer_delete(timer) == 0);
}

static sem_t called;
static void call(union sigval value) { sem_post(value.sival_ptr); }

static void w_timer_thread(void)
{
    sem_init(&called, 0, 0);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = call};
    event.sigev_value.sival_ptr = &called;
    timer_t timer;
    MUST_QUIETLY(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec value = {{0, 0}, {HOUR, 0}};
    timer_settime(timer, 0, &value, NULL);
    MUST_QUIETLY(sem_wait(&called) == 0);
    MUST(timer_delete(timer) == 0);
}

static int timerfd(int flags, time_t first, time_t every)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, flags);
    MUST(fd >= 0);
    struct itimerspec value = {{every, 0}, {first, 0}}, left;
    MUST_QUIETLY(timerfd_settime(fd, 0, &value, NULL) == 0);
    MUST(timerfd_gettime(fd, &left) == 0 && left.it_value.tv_sec >= first - 1);
    return fd;
}

static void w_timerfd_read(void)
{
    uint64_t times;
    int fd = timerfd(0, HOUR, 0);
    MUST_QUIETLY(read(fd, &times, sizeof times) == 8 && times == 1);
}

static void w_timerfd_poll(void)
{
    struct pollfd fd = {timerfd(TFD_NONBLOCK, HOUR, 0), POLLIN, 0};
    uint64_t times;
    MUST(read(fd.fd, &times, sizeof times) == -1 && errno == EAGAIN);
    MUST_QUIETLY(poll(&fd, 1, -1) == 1);
    MUST(read(fd.fd, &times, sizeof times) == 8 && times == 1);
}

static void w_timerfd_every(void)
{
    int fd = timerfd(0, 1200, 1200);
    uint64_t sum = 0, times;
    while (sum < 3 && read(fd, &times, sizeof times) == 8)
        sum += times;
    MUST(sum == 3);
}

static int socket_that_hears_nothing(int option)
{
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    struct timeval t = {HOUR, 0}, told_back;
    socklen_t size = sizeof told_back;
    MUST(setsockopt(ends[0], SOL_SOCKET, option, &t, sizeof t) == 0);
    MUST(getsockopt(ends[0], SOL_SOCKET, option, &told_back, &size) == 0);
    MUST(told_back.tv_sec == HOUR);
    return ends[0];
}

static void w_recv_timeout(void)
{
    char data[8];
    MUST(recv(socket_that_hears_nothing(SO_RCVTIMEO), data, 8, 0) == -1 && errno == EAGAIN);
}

static void w_read_timeout(void)
{
    char data[8];
    MUST(read(socket_that_hears_nothing(SO_RCVTIMEO), data, 8) == -1 && errno == EAGAIN);
}

static void w_send_timeout(void)
{
    int fd = socket_that_hears_nothing(SO_SNDTIMEO);
    static char data[65536];
    while (send(fd, data, sizeof data, MSG_DONTWAIT) > 0)
        ;
    MUST(send(fd, data, sizeof data, 0) == -1 && errno == EAGAIN);
}

static void w_accept_timeout(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(listen(fd, 1) == 0);
    struct timeval t = {HOUR, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    MUST(accept(fd, NULL, NULL) == -1 && errno == EAGAIN);
}

#define WAIT(name) {#name, w_##name}
static const struct {
    const char *name;
    void (*wait)(void);
} waits[] = {
    WAIT(sleep), WAIT(usleep), WAIT(nanosleep), WAIT(thrd_sleep), WAIT(clock_nanosleep),
    WAIT(clock_nanosleep_until), WAIT(sleep_masked), WAIT(poll), WAIT(ppoll), WAIT(ppoll_masked),
    WAIT(select), WAIT(pselect), WAIT(epoll_wait), WAIT(epoll_pwait), WAIT(epoll_pwait2),
    WAIT(sem_timedwait), WAIT(sem_clockwait), WAIT(cond_realtime), WAIT(cond_monotonic),
    WAIT(cond_clockwait), WAIT(cnd_timedwait), WAIT(mutex_timedlock), WAIT(mutex_clocklock),
    WAIT(rwlock_timedwrlock), WAIT(timedjoin), WAIT(sigtimedwait), WAIT(futex),
    WAIT(futex_bitset), WAIT(semtimedop), WAIT(mq_timedreceive), WAIT(alarm), WAIT(setitimer),
    WAIT(alarm_exec), WAIT(timer_create), WAIT(timer_thread), WAIT(timerfd_read),
    WAIT(timerfd_poll), WAIT(timerfd_every), WAIT(recv_timeout), WAIT(read_timeout),
    WAIT(send_timeout), WAIT(accept_timeout), {"alarm_of_before", w_alarm_of_before},
};

int main(int count, char **arguments)
{
    struct timespec from, to;
    struct timeval wall_from, wall_to;
    if (count < 2) {
        for (size_t each = 0; each < sizeof waits / sizeof *waits; each++)
            if (strcmp(waits[each].name, "alarm_of_before"))
                puts(waits[each].name);
        return 0;
    }
    MUST(pipe(pipe_ends) == 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    gettimeofday(&wall_from, NULL);
    for (size_t each = 0; each < sizeof waits / sizeof *waits; each++)
        if (!strcmp(waits[each].name, arguments[1]))
            waits[each].wait();
    clock_gettime(CLOCK_MONOTONIC, &to);
    gettimeofday(&wall_to, NULL);
    printf("%.6f %.6f\n", to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9,
           wall_to.tv_sec - wall_from.tv_sec + (wall_to.tv_usec - wall_from.tv_usec) / 1e6);
    return 0;
}
