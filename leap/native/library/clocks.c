/* Reading clocks: virtual time is real time plus the page's offset, on every clock that runs on.
 * The clocks that count processor time stay what they are. */
#include "leap.h"

#include <sys/times.h>
#include <sys/timeb.h>

static int real_gettime(clockid_t clock, struct timespec *t)
{
    return REAL(clock_gettime)(clock, t);
}

int64_t leap_real_ns(void)
{
    struct timespec t;
    real_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

int64_t leap_now_ns(void)
{
    return leap_real_ns() + atomic_load(&leap_page->offset_ns);
}

static bool is_wall(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI ||
           clock == CLOCK_REALTIME_ALARM;
}

bool leap_is_ours(clockid_t clock)
{
    return is_wall(clock) || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
           clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME ||
           clock == CLOCK_BOOTTIME_ALARM;
}

static int node = -1;

/* A node's wall clock is ahead or behind by what the plan says; its monotonic clock never is. */
static int64_t skew_ns(void)
{
    return node >= 0 ? atomic_load(&leap_page->skew_ns[node]) : 0;
}

/* For processes that are forked, not started: from now on this one reads that node's wall clock. */
EXPORT void jobquake_leap_node(int number)
{
    node = number >= 0 && number < LEAP_NODES ? number : -1;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    real_gettime(clock, &t);
    int64_t now = t.tv_sec * NS + t.tv_nsec + atomic_load(&leap_page->offset_ns);
    return is_wall(clock) ? now + skew_ns() : now;
}

int64_t leap_deadline_in(int64_t length_ns)
{
    int64_t now = leap_now_ns();
    return length_ns > LEAP_NEVER / 2 - now ? LEAP_NEVER - 1 : now + length_ns;
}

int64_t leap_deadline_at(clockid_t clock, const struct timespec *at)
{
    return leap_deadline_in(leap_span(at) - clock_ns(clock));
}

int64_t leap_left_ns(int64_t deadline_ns)
{
    int64_t left = deadline_ns - leap_now_ns();
    return left > 0 ? left : 0;
}

/* -- what programs call ------------------------------------------------------------------- */

EXPORT int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (!leap_on() || !leap_is_ours(clock))
        return real_gettime(clock, t);
    *t = leap_timespec(clock_ns(clock));
    return 0;
}

EXPORT int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    if (!leap_on())
        return REAL(gettimeofday)(t, zone);
    if (t) {
        int64_t now = clock_ns(CLOCK_REALTIME);
        t->tv_sec = now / NS;
        t->tv_usec = now % NS / 1000;
    }
    return 0;
}

EXPORT time_t time(time_t *seconds)
{
    if (!leap_on())
        return REAL(time)(seconds);
    time_t now = clock_ns(CLOCK_REALTIME) / NS;
    if (seconds)
        *seconds = now;
    return now;
}

EXPORT int timespec_get(struct timespec *t, int base)
{
    if (base != TIME_UTC)
        return 0;
    clock_gettime(CLOCK_REALTIME, t);
    return base;
}

EXPORT int ftime(struct timeb *t)
{
    int64_t now;
    struct timespec spec;
    clock_gettime(CLOCK_REALTIME, &spec);
    now = leap_span(&spec);
    t->time = now / NS;
    t->millitm = now % NS / 1000000;
    t->timezone = t->dstflag = 0;
    return 0;
}

/* Its answer, unlike what it fills in, is a time that runs on. */
EXPORT clock_t times(struct tms *buffer)
{
    clock_t ticks = REAL(times)(buffer);
    if (!leap_on() || ticks == (clock_t)-1)
        return ticks;
    return ticks + atomic_load(&leap_page->offset_ns) / (NS / sysconf(_SC_CLK_TCK));
}
