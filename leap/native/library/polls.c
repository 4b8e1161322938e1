/* Waits for descriptors: poll, select, epoll, each in all its variants. A call that only looks
 * (timeout 0) goes straight through; one without a timeout has a slot that never ends, which
 * spares the governor a closer look. */
#include "leap.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

const sigset_t *leap_mask(const sigset_t *set, sigset_t *copy);

/* The call in between, in a slot. `left` is a timespec, NULL for a wait without an end. */
#define IN_SLOT(deadline_ns_, call)                                                       \
    ({                                                                                    \
        int64_t deadline_ = (deadline_ns_);                                               \
        int rc_;                                                                          \
        struct leap_wait wait_ = leap_enter(deadline_);                                   \
        do {                                                                              \
            struct timespec spec_, *left = NULL;                                          \
            if (deadline_ != LEAP_NEVER) {                                                \
                spec_ = leap_timespec(leap_left_ns(deadline_));                           \
                left = &spec_;                                                            \
            }                                                                             \
            rc_ = (call);                                                                 \
        } while (rc_ < 0 && errno == EINTR && leap_again(&wait_));                        \
        if (leap_leave(&wait_) && rc_ < 0 && errno == EINTR)                              \
            rc_ = 0;                                                                      \
        if (rc_ >= 0)                                                                     \
            errno = wait_.errno_before;                                                   \
        if (rc_ == 0)                                                                     \
            leap_tell_late(deadline_);                                                    \
        rc_;                                                                              \
    })

static int64_t deadline_of(const struct timespec *length)
{
    return length ? leap_deadline_in(leap_span(length)) : LEAP_NEVER;
}

static bool only_looks(const struct timespec *length)
{
    return length && length->tv_sec <= 0 && length->tv_nsec <= 0;
}

/* -- poll --------------------------------------------------------------------------------- */

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *length,
                 const sigset_t *mask)
{
    if (!leap_on() || only_looks(length))
        return REAL(ppoll)(fds, count, length, mask);
    sigset_t copy;
    mask = leap_mask(mask, &copy);
    return IN_SLOT(deadline_of(length), REAL(ppoll)(fds, count, left, mask));
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
    if (!leap_on() || milliseconds == 0)
        return REAL(poll)(fds, count, milliseconds);
    struct timespec length = leap_timespec(milliseconds * 1000000LL);
    return ppoll(fds, count, milliseconds < 0 ? NULL : &length, NULL);
}

/* What poll becomes where a program is compiled with _FORTIFY_SOURCE. */
EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int milliseconds, size_t room)
{
    (void)room;
    return poll(fds, count, milliseconds);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *length,
                       const sigset_t *mask, size_t room)
{
    (void)room;
    return ppoll(fds, count, length, mask);
}

/* -- select ------------------------------------------------------------------------------- */

/* After EINTR the sets are what they were, so the call can be made again as it is. */
EXPORT int pselect(int count, fd_set *restrict reads, fd_set *restrict writes,
                   fd_set *restrict others, const struct timespec *restrict length,
                   const sigset_t *restrict mask)
{
    if (!leap_on() || only_looks(length))
        return REAL(pselect)(count, reads, writes, others, length, mask);
    sigset_t copy;
    mask = leap_mask(mask, &copy);
    int rc = IN_SLOT(deadline_of(length), REAL(pselect)(count, reads, writes, others, left, mask));
    if (rc == 0) /* also where a poke ended it: nothing is ready */
        for (int each = 0; each < 3; each++) {
            fd_set *set = each == 0 ? reads : each == 1 ? writes : others;
            for (int word = 0; set && word * NFDBITS < count; word++)
                set->fds_bits[word] = 0;
        }
    return rc;
}

/* Linux tells in its argument how much time was left, and programs rely on it. */
EXPORT int select(int count, fd_set *restrict reads, fd_set *restrict writes,
                  fd_set *restrict others, struct timeval *restrict length)
{
    if (!leap_on() || (length && (length->tv_sec < 0 || length->tv_usec < 0)))
        return REAL(select)(count, reads, writes, others, length);
    if (!length)
        return pselect(count, reads, writes, others, NULL, NULL);
    struct timespec spec = leap_timespec(leap_ns(length->tv_sec, length->tv_usec * 1000LL));
    int64_t until = leap_deadline_in(leap_span(&spec));
    int rc = pselect(count, reads, writes, others, &spec, NULL);
    int kept = errno;
    int64_t left = rc == 0 ? 0 : leap_left_ns(until);
    length->tv_sec = left / NS;
    length->tv_usec = left % NS / 1000;
    errno = kept;
    return rc;
}

/* -- epoll -------------------------------------------------------------------------------- */

/* Its steps are milliseconds: what is left is rounded up, as the kernel would wake no earlier. */
static int milliseconds(const struct timespec *left)
{
    int64_t ms = left ? (leap_span(left) + 999999) / 1000000 : -1;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

EXPORT int epoll_pwait(int fd, struct epoll_event *events, int room, int ms, const sigset_t *mask)
{
    if (!leap_on() || ms == 0)
        return REAL(epoll_pwait)(fd, events, room, ms, mask);
    sigset_t copy;
    mask = leap_mask(mask, &copy);
    return IN_SLOT(ms < 0 ? LEAP_NEVER : leap_deadline_in(ms * 1000000LL),
                   REAL(epoll_pwait)(fd, events, room, milliseconds(left), mask));
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int room, int ms)
{
    if (!leap_on() || ms == 0)
        return REAL(epoll_wait)(fd, events, room, ms);
    return epoll_pwait(fd, events, room, ms, NULL);
}

/* Newer than some libc that this runs on, so it is called by its number. */
EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int room,
                        const struct timespec *length, const sigset_t *mask)
{
    const size_t set = 8; /* bytes of a signal set, as the kernel counts them */
    if (!leap_on() || only_looks(length))
        return (int)syscall(SYS_epoll_pwait2, fd, events, room, length, mask, set);
    sigset_t copy;
    mask = leap_mask(mask, &copy);
    return IN_SLOT(deadline_of(length),
                   (int)syscall(SYS_epoll_pwait2, fd, events, room, left, mask, set));
}
