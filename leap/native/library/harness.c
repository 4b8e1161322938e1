/* What the harness calls. It is not preloaded: it lives in somebody's process, a test run perhaps,
 * and loads this library like any other. Its threads that take part are the run's guests. While
 * one of them does anything but wait here, no leap happens. */
#include "leap.h"

#include <poll.h>

EXPORT int jobquake_leap_attach(const char *path)
{
    leap_page = leap_attach_page(path);
    if (!leap_page)
        return -1;
    leap_listen_for_pokes();
    return 0;
}

EXPORT void jobquake_leap_detach(void)
{
    leap_forget_thread();
    leap_page = NULL;
}

EXPORT int64_t jobquake_leap_now(void)
{
    return leap_now_ns();
}

/* This thread takes part from now on, and does something. */
EXPORT int jobquake_leap_join(void)
{
    int32_t tid = (int32_t)syscall(SYS_gettid);
    for (int place = 0; place < LEAP_GUESTS; place++) {
        int32_t nobody = 0;
        if (atomic_compare_exchange_strong(&leap_page->guests[place], &nobody, tid)) {
            atomic_fetch_add(&leap_page->holds, 1);
            atomic_fetch_add(&leap_page->births, 1);
            return 0;
        }
    }
    return -1;
}

EXPORT void jobquake_leap_leave(void)
{
    int32_t tid = (int32_t)syscall(SYS_gettid);
    for (int place = 0; place < LEAP_GUESTS; place++) {
        int32_t own = tid;
        if (atomic_compare_exchange_strong(&leap_page->guests[place], &own, 0)) {
            atomic_fetch_add(&leap_page->births, 1);
            atomic_fetch_sub(&leap_page->holds, 1);
            return;
        }
    }
}

EXPORT void jobquake_leap_hold(int change)
{
    atomic_fetch_add(&leap_page->holds, change);
}

/* A connection that the harness has opened, such as its proxy's to a server of the run: what the
 * other end holds back is under way, too. */
EXPORT void jobquake_leap_connection(int fd)
{
    struct sockaddr_storage to;
    socklen_t length = sizeof to;
    if (!getpeername(fd, (struct sockaddr *)&to, &length))
        leap_tell_connection(fd, (struct sockaddr *)&to, length);
}

/* Wait until the deadline, or until the descriptor (-1: none) can be read; 1 if it can. -1 at a
 * signal of the program, so that its handlers in Python run. */
EXPORT int jobquake_leap_wait(int64_t deadline_ns, int fd)
{
    struct pollfd look = {fd, POLLIN, 0};
    int rc;
    struct leap_wait wait = leap_enter(deadline_ns);
    atomic_fetch_sub(&leap_page->holds, 1);
    do {
        struct timespec spec, *left = NULL;
        if (deadline_ns != LEAP_NEVER) {
            spec = leap_timespec(leap_left_ns(deadline_ns));
            left = &spec;
        }
        rc = REAL(ppoll)(&look, 1, left, NULL);
    } while (rc < 0 && errno == EINTR && leap_again(&wait));
    atomic_fetch_add(&leap_page->holds, 1);
    if (leap_leave(&wait) && rc < 0 && errno == EINTR)
        rc = 0;
    return rc;
}
