/* The page: the memory that every process of one run shares, and the governor with them.
 *
 * Virtual time is real time plus `offset_ns`. The governor alone changes it, and only makes it
 * larger: that is a leap. Between leaps time runs at its real rate, so a wait ends by the kernel's
 * own timer at the right moment even if there is no governor any more.
 *
 * Everything here is written with single atomic stores, so nobody needs a lock, and a process may
 * be killed between any two of them. What dead threads leave behind the governor clears.
 * leap/page.py reads the head of this in Python; test_page.py holds the two against each other.
 */
#ifndef LEAP_PAGE_H
#define LEAP_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#define LEAP_PAGE_ENV "JOBQUAKE_LEAP_PAGE" /* the page's path; also how the run's processes are known */
#define LEAP_NODE_ENV "JOBQUAKE_LEAP_NODE" /* whose wall clock a process reads; see skew_ns */
#define LEAP_MAGIC 0x4c454150u
#define LEAP_LAYOUT 1u

#define LEAP_NODES 256
#define LEAP_GUESTS 64
#define LEAP_SLOTS 16384     /* one for each thread that ever waited */
#define LEAP_PROCESSES 4096
#define LEAP_TIMERS 4096
#define LEAP_CONNECTIONS 4096
#define LEAP_PROBES 64 /* how many places from its hash on something may stand */

#define LEAP_NEVER INT64_MAX
#define LEAP_SIGNAL (SIGRTMAX - 3) /* the governor's poke; see poke.c */

/* A thread's slot: whether it waits, and until when. */
enum {
    LEAP_AWAY,    /* it runs, or sleeps in a call that has no end of its own */
    LEAP_WAITING, /* it is in a call that ends at `deadline_ns`, or never */
    LEAP_POKED,   /* the governor has sent it a signal, since its deadline has come */
    LEAP_ROUSED   /* the signal has arrived */
};

struct leap_slot {
    _Atomic int32_t tid; /* 0: free */
    int32_t pid;
    _Atomic uint32_t state;
    _Atomic uint32_t waits; /* how many waits it has begun, so that two looks can tell them apart */
    _Atomic int64_t deadline_ns;
    int64_t unused;
};

/* A process whose clock is the page. */
enum { LEAP_OFF, LEAP_ON, LEAP_EXEC /* becomes another program, which is not on the clock yet */ };

struct leap_process {
    _Atomic int32_t pid; /* 0: free */
    _Atomic uint32_t state;
};

/* A timer that ends in a signal: alarm, setitimer, timer_create, and timerfd by a poke. */
struct leap_timer {
    _Atomic int32_t pid; /* 0: free */
    _Atomic int32_t tid; /* the thread that is told, 0: the process */
    _Atomic int32_t signo;
    _Atomic int32_t code; /* how the signal says where it came from: SI_USER, SI_TIMER */
    _Atomic int64_t deadline_ns; /* 0: not armed */
    _Atomic int64_t interval_ns;
    _Atomic int64_t value;
};

/* A TCP connection that a process of the run has opened, or the harness's event loop; both its ends
 * are looked at. */
struct leap_connection {
    _Atomic uint32_t state; /* 0: free, 1: being written, 2: there */
    uint16_t family, from_port, to_port, unused;
    uint8_t from[16], to[16];
};

/* Why time does not leap just now. */
enum {
    LEAP_WHY_LEAPS,
    LEAP_WHY_HELD,        /* the harness does something */
    LEAP_WHY_RUNNING,     /* somebody runs */
    LEAP_WHY_DUE,         /* somebody's time has come, and he has not woken yet */
    LEAP_WHY_BYTES,       /* bytes are under way */
    LEAP_WHY_OFF_CLOCK,   /* a process of the run is not on the clock */
    LEAP_WHY_NO_DEADLINE, /* everybody waits for somebody else */
    LEAP_WHY_ENDED
};

struct leap_page {
    uint32_t magic, layout;
    _Atomic int64_t offset_ns;
    _Atomic int32_t holds; /* threads of the harness that do something; no leap while there are any */
    _Atomic uint32_t why;
    _Atomic uint32_t births;     /* processes that came, were forked, or became another program */
    _Atomic uint32_t timers_top; /* no timer stands above, */
    _Atomic uint32_t connections_top; /* and no connection */
    /* what the governor tells */
    _Atomic uint64_t leaps, looks;
    _Atomic int64_t worst_overshoot_ns; /* how far a leap went past the earliest deadline */
    /* what those who wait tell: how late they returned, by their own clock */
    _Atomic int64_t worst_late_ns;
    _Atomic uint64_t late_waits; /* later than a virtual millisecond */
    _Atomic uint64_t ended_waits;
    _Atomic uint32_t governor_pid;
    _Atomic int32_t runner;      /* the thread that was last seen to do something */
    _Atomic uint32_t lost;       /* threads and connections without a place here: then no leap */
    char off_clock[256]; /* names of processes that are off the clock, as last seen */
    _Atomic int32_t guests[LEAP_GUESTS]; /* threads of the harness that wait on this clock */
    _Atomic int64_t skew_ns[LEAP_NODES]; /* by how much a node's wall clock is ahead */
    struct leap_slot slots[LEAP_SLOTS];
    struct leap_process processes[LEAP_PROCESSES];
    struct leap_timer timers[LEAP_TIMERS];
    struct leap_connection connections[LEAP_CONNECTIONS];
};

static inline uint32_t leap_hash(int32_t id, uint32_t places)
{
    return (uint32_t)id * 2654435761u % places;
}

#endif
