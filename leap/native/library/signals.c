/* Waits for signals, messages and semaphores of System V that have a timeout. */
#include "leap.h"

#include <mqueue.h>
#include <poll.h>
#include <sys/sem.h>

EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                        const struct timespec *restrict length)
{
    if (!leap_on() || !length)
        return REAL(sigtimedwait)(set, info, length);
    int64_t deadline = leap_deadline_in(leap_span(length));
    int rc;
    struct leap_wait wait = leap_enter(deadline);
    do {
        struct timespec left = leap_timespec(leap_left_ns(deadline));
        rc = REAL(sigtimedwait)(set, info, &left);
    } while (rc < 0 && errno == EINTR && leap_again(&wait));
    if (leap_leave(&wait) && rc < 0 && errno == EINTR)
        errno = EAGAIN;
    if (rc >= 0)
        errno = wait.errno_before;
    else if (errno == EAGAIN)
        leap_tell_late(deadline);
    return rc;
}

EXPORT int semtimedop(int id, struct sembuf *operations, size_t count,
                      const struct timespec *length)
{
    if (!leap_on() || !length)
        return REAL(semtimedop)(id, operations, count, length);
    int64_t deadline = leap_deadline_in(leap_span(length));
    int rc;
    struct leap_wait wait = leap_enter(deadline);
    do {
        struct timespec left = leap_timespec(leap_left_ns(deadline));
        rc = REAL(semtimedop)(id, operations, count, &left);
    } while (rc < 0 && errno == EINTR && leap_again(&wait));
    if (leap_leave(&wait) && rc < 0 && errno == EINTR)
        errno = EAGAIN;
    if (rc >= 0)
        errno = wait.errno_before;
    return rc;
}

/* The kernel begins a wait for a message anew after a signal, so the queue, which is a descriptor
 * on Linux, is waited for in poll; the call itself never waits. */
static bool queue_ready(mqd_t queue, short events, int64_t deadline_ns)
{
    struct pollfd look = {queue, events, 0};
    struct timespec left = leap_timespec(leap_left_ns(deadline_ns));
    int rc = ppoll(&look, 1, &left, NULL);
    if (rc == 0)
        errno = ETIMEDOUT;
    return rc > 0;
}

static const struct timespec long_ago = {0, 0};

EXPORT ssize_t mq_timedreceive(mqd_t queue, char *restrict data, size_t size,
                               unsigned int *restrict priority, const struct timespec *restrict at)
{
    if (!leap_on() || !at)
        return REAL(mq_timedreceive)(queue, data, size, priority, at);
    int64_t deadline = leap_deadline_at(CLOCK_REALTIME, at);
    int kept = errno;
    ssize_t rc;
    do {
        rc = REAL(mq_timedreceive)(queue, data, size, priority, &long_ago);
    } while (rc < 0 && errno == ETIMEDOUT && queue_ready(queue, POLLIN, deadline));
    if (rc >= 0)
        errno = kept;
    return rc;
}

EXPORT int mq_timedsend(mqd_t queue, const char *data, size_t size, unsigned int priority,
                        const struct timespec *at)
{
    if (!leap_on() || !at)
        return REAL(mq_timedsend)(queue, data, size, priority, at);
    int64_t deadline = leap_deadline_at(CLOCK_REALTIME, at);
    int kept = errno, rc;
    do {
        rc = REAL(mq_timedsend)(queue, data, size, priority, &long_ago);
    } while (rc < 0 && errno == ETIMEDOUT && queue_ready(queue, POLLOUT, deadline));
    if (rc >= 0)
        errno = kept;
    return rc;
}
