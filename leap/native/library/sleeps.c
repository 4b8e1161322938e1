/* Pure sleeps: nothing but time ends them, or a signal of the program. */
#include "leap.h"

#include <threads.h>

/* 0, or EINTR */
static int sleep_until(int64_t deadline_ns)
{
    int error;
    struct leap_wait wait = leap_enter(deadline_ns);
    do {
        struct timespec left = leap_timespec(leap_left_ns(deadline_ns));
        error = REAL(clock_nanosleep)(CLOCK_MONOTONIC, 0, &left, NULL);
        errno = error;
    } while (error == EINTR && leap_again(&wait));
    if (leap_leave(&wait) || error == 0) {
        leap_tell_late(deadline_ns);
        return 0;
    }
    return error;
}

static bool makes_sense(const struct timespec *t)
{
    return t->tv_nsec >= 0 && t->tv_nsec < NS && t->tv_sec >= 0;
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *length,
                           struct timespec *rest)
{
    if (!leap_on() || !leap_is_ours(clock) || !makes_sense(length))
        return REAL(clock_nanosleep)(clock, flags, length, rest);
    int kept = errno; /* this one returns its error */
    int64_t deadline = flags & TIMER_ABSTIME ? leap_deadline_at(clock, length)
                                             : leap_deadline_in(leap_span(length));
    int error = sleep_until(deadline);
    if (error && rest && !(flags & TIMER_ABSTIME))
        *rest = leap_timespec(leap_left_ns(deadline));
    errno = kept;
    return error;
}

EXPORT int nanosleep(const struct timespec *length, struct timespec *rest)
{
    if (!leap_on())
        return REAL(nanosleep)(length, rest);
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, length, rest);
    if (error)
        errno = error;
    return error ? -1 : 0;
}

EXPORT int usleep(useconds_t microseconds)
{
    struct timespec length = leap_timespec(microseconds * 1000LL);
    return nanosleep(&length, NULL);
}

EXPORT unsigned int sleep(unsigned int seconds)
{
    struct timespec length = {seconds, 0}, rest = {0, 0};
    return nanosleep(&length, &rest) ? rest.tv_sec + (rest.tv_nsec >= NS / 2) : 0;
}

EXPORT int thrd_sleep(const struct timespec *length, struct timespec *rest)
{
    int error = clock_nanosleep(CLOCK_REALTIME, 0, length, rest);
    return error == 0 ? 0 : error == EINTR ? -1 : -2;
}
