/* The poke: the signal by which the governor ends a wait whose deadline a leap has reached.
 *
 * A signal ends every kind of wait with EINTR, needs no descriptor that a program could close, and
 * costs nothing while nobody leaps. It must be able to arrive, so it is kept out of every mask, and
 * nobody else may have a handler for it. */
#include "leap.h"

#include <pthread.h>

struct leap_slot *leap_own_slot(void);
static __thread volatile sig_atomic_t tickled __attribute__((tls_model("initial-exec")));

static void poked(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    int kept = errno;
    struct leap_slot *slot = leap_own_slot();
    uint32_t expected = LEAP_POKED;
    if (!slot || !atomic_compare_exchange_strong(&slot->state, &expected, LEAP_ROUSED)) {
        tickled = 1;
        leap_timerfd_expire();
    }
    errno = kept;
}

bool leap_tickled(void)
{
    bool was = tickled;
    tickled = 0;
    return was;
}

void leap_listen_for_pokes(void)
{
    struct sigaction action = {.sa_sigaction = poked, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    REAL(sigaction)(LEAP_SIGNAL, &action, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, LEAP_SIGNAL);
    REAL(pthread_sigmask)(SIG_UNBLOCK, &set, NULL);
}

static const sigset_t *without_poke(const sigset_t *set, sigset_t *copy)
{
    if (!set || !leap_on() || !sigismember(set, LEAP_SIGNAL))
        return set;
    *copy = *set;
    sigdelset(copy, LEAP_SIGNAL);
    return copy;
}

const sigset_t *leap_mask(const sigset_t *set, sigset_t *copy)
{
    return without_poke(set, copy);
}

/* -- what programs call ------------------------------------------------------------------- */

EXPORT int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    sigset_t copy;
    return REAL(pthread_sigmask)(how, how == SIG_UNBLOCK ? set : without_poke(set, &copy), old);
}

EXPORT int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    sigset_t copy;
    return REAL(sigprocmask)(how, how == SIG_UNBLOCK ? set : without_poke(set, &copy), old);
}

/* A handler must not keep the poke out either while it runs: it may wait. */
EXPORT int sigaction(int number, const struct sigaction *restrict new, struct sigaction *restrict old)
{
    if (!new || !leap_on())
        return REAL(sigaction)(number, new, old);
    if (number == LEAP_SIGNAL) {
        if (old)
            *old = (struct sigaction){.sa_handler = SIG_DFL};
        return 0;
    }
    struct sigaction copy = *new;
    sigdelset(&copy.sa_mask, LEAP_SIGNAL);
    return REAL(sigaction)(number, &copy, old);
}

EXPORT sighandler_t signal(int number, sighandler_t handler)
{
    if (leap_on() && number == LEAP_SIGNAL)
        return SIG_DFL;
    return REAL(signal)(number, handler);
}
