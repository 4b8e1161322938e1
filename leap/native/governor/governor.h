/* What the governor's files share: who belongs to the run, and whether all of it is idle. */
#ifndef GOVERNOR_H
#define GOVERNOR_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../page.h"

#define NS 1000000000LL

extern struct leap_page *page;
int64_t real_ns(void);
int64_t now_ns(void); /* virtual */

/* A thread of the run, or of the harness where it waits on this clock (then pid is 0). */
struct task {
    int32_t tid, pid;
    int stat, schedstat; /* open files; they tell of this thread only, even if its id is reused */
    struct leap_slot *slot;
    bool in_wait, stopped, gone;
    uint32_t waits;
    int64_t deadline_ns;  /* of the wait in which the first look found it */
    uint64_t turns;       /* how often it came to a processor, as of the first look */
    uint64_t slept_turns; /* as of a proof that it slept; it has not run since if this is the same */
    uint64_t called_turns; /* as of the last look at the call that it sleeps in */
    bool timed;           /* that call has a timeout that the library does not know of */
};

extern struct task *tasks;
extern size_t task_count;

/* tasks.c */
void begin_with_nobody(void);
uint32_t find_tasks(void); /* look who has come; its answer is another one if anybody has */
void forget_the_gone(void);
bool off_clock(void); /* whether a process of the run is not on the clock; it is named in the page */
void name_off_clock(int32_t tid);
void kill_everybody(void); /* of the run, who came just now included */
struct leap_slot *slot_of(int32_t tid);

/* idle.c */
uint32_t idle(int64_t *earliest_ns); /* a LEAP_WHY_...: LEAP_WHY_LEAPS if everybody sleeps */
bool asleep(struct task *task);
bool turns_told(void); /* whether the kernel counts them, without which nothing can be proven */

/* bytes.c */
bool bytes_under_way(void);

#endif
