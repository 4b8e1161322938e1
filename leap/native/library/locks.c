/* Waits for semaphores, mutexes, read-write locks, threads, and futexes made by hand.
 *
 * A semaphore's wait ends at a signal, so libc's own is called. Those on mutexes and threads do
 * not, and hardly anybody gives them a timeout: they are tried again and again, in short naps. */
#include "leap.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <threads.h>

#define NAP_NS 500000

static struct timespec real_time_at(int64_t deadline_ns, clockid_t clock)
{
    struct timespec t;
    REAL(clock_gettime)(clock, &t);
    return leap_timespec(t.tv_sec * NS + t.tv_nsec + leap_left_ns(deadline_ns));
}

/* -- semaphores (CPython's locks and events are semaphores) --------------------------------- */

/* Whether it could be had at once. */
static bool taken(sem_t *semaphore)
{
    int kept = errno;
    bool was = sem_trywait(semaphore) == 0;
    errno = kept;
    return was;
}

static int semaphore_until(sem_t *semaphore, int64_t deadline_ns)
{
    static int (*clockwait)(sem_t *, clockid_t, const struct timespec *);
    if (!clockwait) /* new in glibc 2.30 */
        *(void **)&clockwait = dlsym(RTLD_NEXT, "sem_clockwait");
    int rc;
    struct leap_wait wait = leap_enter(deadline_ns);
    do {
        clockid_t clock = clockwait ? CLOCK_MONOTONIC : CLOCK_REALTIME;
        struct timespec until = real_time_at(deadline_ns, clock);
        rc = clockwait ? clockwait(semaphore, clock, &until)
                       : REAL(sem_timedwait)(semaphore, &until);
    } while (rc < 0 && errno == EINTR && leap_again(&wait));
    if (leap_leave(&wait) && rc < 0 && errno == EINTR)
        errno = ETIMEDOUT;
    if (rc >= 0)
        errno = wait.errno_before;
    else if (errno == ETIMEDOUT)
        leap_tell_late(deadline_ns);
    return rc;
}

EXPORT int sem_clockwait(sem_t *restrict semaphore, clockid_t clock,
                         const struct timespec *restrict at)
{
    if (!leap_on() || at->tv_nsec < 0 || at->tv_nsec >= NS)
        return REAL(sem_clockwait)(semaphore, clock, at);
    if (taken(semaphore))
        return 0;
    return semaphore_until(semaphore, leap_deadline_at(clock, at));
}

EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict at)
{
    if (!leap_on() || at->tv_nsec < 0 || at->tv_nsec >= NS)
        return REAL(sem_timedwait)(semaphore, at);
    if (taken(semaphore))
        return 0;
    return semaphore_until(semaphore, leap_deadline_at(CLOCK_REALTIME, at));
}

EXPORT int sem_wait(sem_t *semaphore)
{
    if (!leap_on())
        return REAL(sem_wait)(semaphore);
    if (taken(semaphore))
        return 0;
    int rc;
    struct leap_wait wait = leap_enter(LEAP_NEVER);
    do {
        rc = REAL(sem_wait)(semaphore);
    } while (rc < 0 && errno == EINTR && leap_again(&wait));
    leap_leave(&wait);
    if (rc >= 0)
        errno = wait.errno_before;
    return rc;
}

/* -- mutexes, read-write locks, threads ----------------------------------------------------- */

static void nap(int64_t deadline_ns)
{
    int64_t left = leap_left_ns(deadline_ns);
    struct timespec length = leap_timespec(left < NAP_NS ? left : NAP_NS);
    REAL(clock_nanosleep)(CLOCK_MONOTONIC, 0, &length, NULL);
}

/* `attempt` until it is not EBUSY any more, or the time has come */
#define TRY_UNTIL(deadline_ns_, attempt)                                                  \
    ({                                                                                    \
        int64_t deadline_ = (deadline_ns_);                                               \
        int error_ = (attempt), kept_ = errno;                                            \
        if (error_ == EBUSY) {                                                            \
            struct leap_wait wait_ = leap_enter(deadline_);                               \
            while ((error_ = (attempt)) == EBUSY && leap_left_ns(deadline_) > 0) {        \
                nap(deadline_);                                                           \
                leap_again(&wait_);                                                       \
            }                                                                             \
            leap_leave(&wait_);                                                           \
            error_ = error_ == EBUSY ? ETIMEDOUT : error_;                                \
        }                                                                                 \
        errno = kept_;                                                                    \
        error_;                                                                           \
    })

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                                   const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_mutex_clocklock)(mutex, clock, at);
    return TRY_UNTIL(leap_deadline_at(clock, at), pthread_mutex_trylock(mutex));
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                                   const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_mutex_timedlock)(mutex, at);
    return TRY_UNTIL(leap_deadline_at(CLOCK_REALTIME, at), pthread_mutex_trylock(mutex));
}

EXPORT int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict at)
{
    int error = pthread_mutex_timedlock((pthread_mutex_t *)mutex, at);
    return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict lock, clockid_t clock,
                                      const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_rwlock_clockrdlock)(lock, clock, at);
    return TRY_UNTIL(leap_deadline_at(clock, at), pthread_rwlock_tryrdlock(lock));
}

EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock,
                                      const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_rwlock_timedrdlock)(lock, at);
    return TRY_UNTIL(leap_deadline_at(CLOCK_REALTIME, at), pthread_rwlock_tryrdlock(lock));
}

EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict lock, clockid_t clock,
                                      const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_rwlock_clockwrlock)(lock, clock, at);
    return TRY_UNTIL(leap_deadline_at(clock, at), pthread_rwlock_trywrlock(lock));
}

EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock,
                                      const struct timespec *restrict at)
{
    if (!leap_on())
        return REAL(pthread_rwlock_timedwrlock)(lock, at);
    return TRY_UNTIL(leap_deadline_at(CLOCK_REALTIME, at), pthread_rwlock_trywrlock(lock));
}

EXPORT int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
                                const struct timespec *at)
{
    if (!leap_on() || !at)
        return REAL(pthread_clockjoin_np)(thread, result, clock, at);
    return TRY_UNTIL(leap_deadline_at(clock, at), pthread_tryjoin_np(thread, result));
}

EXPORT int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *at)
{
    if (!leap_on() || !at)
        return REAL(pthread_timedjoin_np)(thread, result, at);
    return TRY_UNTIL(leap_deadline_at(CLOCK_REALTIME, at), pthread_tryjoin_np(thread, result));
}

/* -- syscall(): futexes made by hand (Rust, abseil), and clocks read by number ---------------- */

static long futex_until(uint32_t *word, int what, uint32_t value, int64_t deadline_ns,
                        uint32_t bits)
{
    long rc;
    struct leap_wait wait = leap_enter(deadline_ns);
    do { /* FUTEX_WAIT_BITSET has an absolute deadline, on the monotonic clock without a flag */
        struct timespec until = real_time_at(deadline_ns, CLOCK_MONOTONIC);
        int flags = (what & ~FUTEX_CMD_MASK & ~FUTEX_CLOCK_REALTIME) | FUTEX_WAIT_BITSET;
        rc = REAL(syscall)(SYS_futex, word, flags, value, &until, NULL, bits);
    } while (rc < 0 && errno == EINTR && leap_again(&wait));
    if (leap_leave(&wait) && rc < 0 && errno == EINTR)
        errno = ETIMEDOUT;
    if (rc >= 0)
        errno = wait.errno_before;
    else if (errno == ETIMEDOUT)
        leap_tell_late(deadline_ns);
    return rc;
}

EXPORT long syscall(long number, ...)
{
    va_list list;
    va_start(list, number);
    long a[6];
    for (int each = 0; each < 6; each++)
        a[each] = va_arg(list, long);
    va_end(list);
    if (leap_page) {
        const struct timespec *at = (const struct timespec *)a[3];
        int command = number == SYS_futex ? (int)a[1] & FUTEX_CMD_MASK : -1;
        if (command == FUTEX_WAIT && at)
            return futex_until((uint32_t *)a[0], (int)a[1], (uint32_t)a[2],
                               leap_deadline_in(leap_span(at)), FUTEX_BITSET_MATCH_ANY);
        if (command == FUTEX_WAIT_BITSET && at) {
            clockid_t clock = a[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
            return futex_until((uint32_t *)a[0], (int)a[1], (uint32_t)a[2],
                               leap_deadline_at(clock, at), (uint32_t)a[5]);
        }
        if (number == SYS_clock_gettime)
            return clock_gettime((clockid_t)a[0], (struct timespec *)a[1]);
#ifdef SYS_gettimeofday
        if (number == SYS_gettimeofday)
            return gettimeofday((struct timeval *)a[0], (void *)a[1]);
#endif
#ifdef SYS_time
        if (number == SYS_time)
            return time((time_t *)a[0]);
#endif
        if (number == SYS_nanosleep)
            return nanosleep((const struct timespec *)a[0], (struct timespec *)a[1]);
    }
    return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
