/* Condition variables, written anew, since those of libc cannot be woken from outside: a signal
 * ends no pthread_cond_timedwait, and to cut it into short waits would end it early again and
 * again (CPython's interpreter lock, which waits 5 ms for its turn, would never get it).
 *
 * The algorithm is that of Android's libc: a counter that every signal raises, and a futex that
 * sleeps while the counter is what it was when the mutex was still held. Who waits is counted, so
 * that a signal to nobody costs no call of the kernel. The state lies in the program's own
 * pthread_cond_t, and all zeros is a valid one, as PTHREAD_COND_INITIALIZER is. */
#include "leap.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <threads.h>

#define LEFT_WITHIN_NS (NS / 10)

struct condition {
    _Atomic uint32_t signals;
    _Atomic uint32_t waiting;
    uint32_t monotonic; /* the clock of its deadlines */
    uint32_t shared;    /* between processes */
};

_Static_assert(sizeof(struct condition) <= sizeof(pthread_cond_t), "it fits into libc's");

static struct condition *own(pthread_cond_t *c)
{
    return (struct condition *)c;
}

static int futex(struct condition *c, int what, uint32_t value, const struct timespec *left)
{
    int flag = c->shared ? 0 : FUTEX_PRIVATE_FLAG;
    return (int)REAL(syscall)(SYS_futex, &c->signals, what | flag, value, left, NULL, 0);
}

struct held {
    struct condition *condition;
    pthread_mutex_t *mutex;
    struct leap_wait *wait;
};

/* A thread that is cancelled in its wait has the mutex again before its clean-up begins. */
static void take_again(void *argument)
{
    struct held *held = argument;
    leap_leave(held->wait);
    atomic_fetch_sub(&held->condition->waiting, 1);
    pthread_mutex_lock(held->mutex);
}

/* 0, also for no reason, or ETIMEDOUT */
static int wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline_ns)
{
    struct condition *c = own(condition);
    atomic_fetch_add(&c->waiting, 1);
    uint32_t seen = atomic_load(&c->signals);
    int error = pthread_mutex_unlock(mutex);
    if (error) {
        atomic_fetch_sub(&c->waiting, 1);
        return error;
    }
    int rc, type, kept = errno;
    bool poked;
    struct leap_wait wait = leap_enter(deadline_ns);
    struct held held = {c, mutex, &wait};
    pthread_cleanup_push(take_again, &held);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    do {
        struct timespec spec, *left = NULL;
        if (deadline_ns != LEAP_NEVER) {
            spec = leap_timespec(leap_left_ns(deadline_ns));
            left = &spec;
        }
        rc = futex(c, FUTEX_WAIT, seen, left);
    } while (rc < 0 && errno == EINTR && leap_again(&wait));
    error = rc < 0 ? errno : 0;
    pthread_setcanceltype(type, NULL);
    pthread_cleanup_pop(0);
    poked = leap_leave(&wait);
    atomic_fetch_sub(&c->waiting, 1);
    pthread_mutex_lock(mutex);
    errno = kept;
    if (error == ETIMEDOUT || (error == EINTR && poked)) {
        leap_tell_late(deadline_ns);
        return ETIMEDOUT;
    }
    return 0;
}

static void raise_and_wake(pthread_cond_t *condition, int how_many)
{
    int kept = errno;
    atomic_fetch_add(&own(condition)->signals, 1);
    if (atomic_load(&own(condition)->waiting))
        futex(own(condition), FUTEX_WAKE, how_many, NULL);
    errno = kept;
}

/* -- what programs call ------------------------------------------------------------------- */

EXPORT int pthread_cond_init(pthread_cond_t *restrict condition,
                             const pthread_condattr_t *restrict attributes)
{
    if (!leap_on())
        return REAL(pthread_cond_init)(condition, attributes);
    clockid_t clock = CLOCK_REALTIME;
    int shared = PTHREAD_PROCESS_PRIVATE;
    if (attributes) {
        pthread_condattr_getclock(attributes, &clock);
        pthread_condattr_getpshared(attributes, &shared);
    }
    *condition = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    own(condition)->monotonic = clock == CLOCK_MONOTONIC;
    own(condition)->shared = shared == PTHREAD_PROCESS_SHARED;
    return 0;
}

EXPORT int pthread_cond_destroy(pthread_cond_t *condition)
{
    if (!leap_on())
        return REAL(pthread_cond_destroy)(condition);
    /* Who has been woken may not have left yet. In a child after fork nobody ever does. */
    int64_t until = leap_real_ns() + LEFT_WITHIN_NS;
    while (atomic_load(&own(condition)->waiting) && leap_real_ns() < until)
        sched_yield();
    return 0;
}

EXPORT int pthread_cond_wait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex)
{
    if (!leap_on())
        return REAL(pthread_cond_wait)(condition, mutex);
    return wait_until(condition, mutex, LEAP_NEVER);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *restrict condition,
                                  pthread_mutex_t *restrict mutex, clockid_t clock,
                                  const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_cond_clockwait)(condition, mutex, clock, at);
    if (at->tv_nsec < 0 || at->tv_nsec >= NS)
        return EINVAL;
    return wait_until(condition, mutex, leap_deadline_at(clock, at));
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict condition,
                                  pthread_mutex_t *restrict mutex,
                                  const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_cond_timedwait)(condition, mutex, at);
    clockid_t clock = own(condition)->monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    return pthread_cond_clockwait(condition, mutex, clock, at);
}

EXPORT int pthread_cond_signal(pthread_cond_t *condition)
{
    if (!leap_on())
        return REAL(pthread_cond_signal)(condition);
    raise_and_wake(condition, 1);
    return 0;
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *condition)
{
    if (!leap_on())
        return REAL(pthread_cond_broadcast)(condition);
    raise_and_wake(condition, INT_MAX);
    return 0;
}

/* C11's are the same ones by other names, and libc's own would not find ours inside. */

EXPORT int cnd_init(cnd_t *condition)
{
    return pthread_cond_init((pthread_cond_t *)condition, NULL) ? thrd_error : thrd_success;
}

EXPORT void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy((pthread_cond_t *)condition);
}

EXPORT int cnd_signal(cnd_t *condition)
{
    return pthread_cond_signal((pthread_cond_t *)condition) ? thrd_error : thrd_success;
}

EXPORT int cnd_broadcast(cnd_t *condition)
{
    return pthread_cond_broadcast((pthread_cond_t *)condition) ? thrd_error : thrd_success;
}

EXPORT int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    int error = pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex);
    return error ? thrd_error : thrd_success;
}

EXPORT int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                         const struct timespec *restrict at)
{
    int error = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, at);
    return error == ETIMEDOUT ? thrd_timedout : error ? thrd_error : thrd_success;
}
