/* What the files of the library share. The library is preloaded into every process of a run:
 * it defines functions of libc under their own names, and calls the real ones by REAL.
 *
 * A wait looks the same everywhere:
 *
 *     struct leap_wait wait = leap_enter(deadline);
 *     do {
 *         rc = REAL(poll)(..., what is left until the deadline);
 *     } while (rc < 0 && errno == EINTR && leap_again(&wait));
 *     if (leap_leave(&wait) && rc < 0 && errno == EINTR)
 *         rc = 0;                        the poke was not a signal of the program: the time has come
 *     if (rc >= 0)
 *         errno = wait.errno_before;     a call that does not fail leaves errno alone, and there are
 *                                        callers that look at errno only (psycopg begins its poll
 *                                        anew for as long as it finds EINTR there)
 */
#ifndef LEAP_H
#define LEAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../page.h"

#define NS 1000000000LL
#define EXPORT __attribute__((visibility("default")))
#define REAL(name)                                                                        \
    ({                                                                                    \
        static __typeof__(&name) real_;                                                   \
        if (!real_)                                                                       \
            real_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                           \
        real_;                                                                            \
    })

extern struct leap_page *leap_page; /* NULL: this process is not on the clock */
bool leap_on(void);                 /* whether it is; attaches at the first call */
struct leap_page *leap_attach_page(const char *path);

/* clocks.c */
int64_t leap_real_ns(void);    /* CLOCK_MONOTONIC as the kernel has it */
int64_t leap_now_ns(void);     /* CLOCK_MONOTONIC as the run has it */
bool leap_is_ours(clockid_t clock);
int64_t leap_deadline_at(clockid_t clock, const struct timespec *at); /* absolute, on that clock */
int64_t leap_deadline_in(int64_t length_ns);                          /* relative */
int64_t leap_left_ns(int64_t deadline_ns);                            /* never negative */

/* slots.c */
struct leap_wait {
    int64_t deadline_ns;
    struct leap_slot *slot;
    bool poked;
    int errno_before;
};
struct leap_wait leap_enter(int64_t deadline_ns);
bool leap_again(struct leap_wait *wait); /* was that EINTR ours, and is there time left? */
bool leap_leave(struct leap_wait *wait); /* whether the wait ended by a poke; keeps errno */
void leap_tell_late(int64_t deadline_ns);
void leap_forget_thread(void); /* in a child after fork */

/* poke.c */
void leap_listen_for_pokes(void);
bool leap_tickled(void);         /* a poke that was for a timerfd came in this thread */
void leap_timerfd_expire(void);  /* timers.c; called by the poke's handler */
extern void (*leap_call_handler)(int, siginfo_t *, void *);

/* sockets.c */
void leap_tell_connection(int fd, const struct sockaddr *to, socklen_t length);

/* processes.c */
void leap_register_process(void);
void leap_fork_timers(void); /* timers.c */

static inline struct timespec leap_timespec(int64_t ns)
{
    struct timespec t = {ns / NS, ns % NS};
    return t;
}

/* Far waits end somewhere: a thousand years do not overflow, and nobody waits so long. */
static inline int64_t leap_ns(int64_t seconds, int64_t nanoseconds)
{
    return seconds > 4000000000LL ? 4000000000LL * NS : seconds * NS + nanoseconds;
}

static inline int64_t leap_span(const struct timespec *t)
{
    return leap_ns(t->tv_sec, t->tv_nsec);
}

#endif
