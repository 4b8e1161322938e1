/* The proof that nobody of the run does anything.
 *
 * Each thread is looked at twice. In between lies a moment at which all of them slept, if at both
 * looks each was in the same wait and slept, or had not come to a processor since it was seen to
 * sleep. Whoever is woken after that moment was woken by nobody of the run. */
#include "governor.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What /proc says of its state; 0 if it is gone. D, a wait for a disk, counts as running. */
static char state_of(struct task *task)
{
    char text[512];
    ssize_t size = pread(task->stat, text, sizeof text - 1, 0);
    if (size <= 0)
        return 0;
    text[size] = 0;
    char *end = strrchr(text, ')');
    return end && end[1] ? end[2] : 0;
}

bool asleep(struct task *task)
{
    char state = state_of(task);
    task->stopped = state == 'T' || state == 't';
    task->gone = !state;
    return !task->gone && strchr("STtZXxI", state);
}

static uint64_t turns_in(int schedstat)
{
    char text[128];
    ssize_t size = pread(schedstat, text, sizeof text - 1, 0);
    if (size <= 0)
        return 0;
    text[size] = 0;
    char *word = strrchr(text, ' ');
    return word ? strtoull(word + 1, NULL, 10) : 0;
}

static uint64_t turns_of(struct task *task)
{
    return turns_in(task->schedstat);
}

bool turns_told(void)
{
    int own = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
    bool told = own >= 0 && turns_in(own);
    close(own);
    return told;
}

/* Whether the call in which it sleeps ends by itself: then the library does not know of it. */
static bool in_timed_call(struct task *task)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/syscall", task->tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    long number;
    unsigned long a[6];
    text[size > 0 ? size : 0] = 0;
    if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx", &number, &a[0], &a[1], &a[2], &a[3], &a[4],
               &a[5]) != 7)
        return false;
    switch (number) {
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
        return true;
    case SYS_futex: {
        int command = (int)a[1] & FUTEX_CMD_MASK;
        return (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI) &&
               a[3];
    }
    case SYS_ppoll:
    case SYS_rt_sigtimedwait:
        return a[2];
    case SYS_pselect6:
        return a[4];
    case SYS_epoll_pwait:
        return (int)a[3] > 0;
    case SYS_semtimedop:
        return a[3];
    case SYS_mq_timedreceive:
    case SYS_mq_timedsend:
        return a[4];
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
        return a[3];
#endif
#ifdef SYS_poll
    case SYS_poll:
        return (int)a[2] > 0;
    case SYS_select:
        return a[4];
    case SYS_epoll_wait:
        return (int)a[3] > 0;
#endif
    default:
        return false;
    }
}

static bool find_slot(struct task *task)
{
    if (task->slot && atomic_load(&task->slot->tid) == task->tid)
        return true;
    task->slot = slot_of(task->tid);
    return task->slot;
}

static uint32_t first_look(struct task *task)
{
    uint32_t state = find_slot(task) ? atomic_load(&task->slot->state) : LEAP_AWAY;
    task->in_wait = state == LEAP_WAITING;
    if (task->in_wait) {
        task->waits = atomic_load(&task->slot->waits);
        task->deadline_ns = atomic_load(&task->slot->deadline_ns);
        if (task->deadline_ns > now_ns())
            return LEAP_WHY_LEAPS;
        return asleep(task) && task->stopped ? LEAP_WHY_LEAPS : LEAP_WHY_DUE;
    }
    if (state != LEAP_AWAY)
        return asleep(task) && task->stopped ? LEAP_WHY_LEAPS : LEAP_WHY_DUE;
    if (!task->pid)
        return LEAP_WHY_HELD; /* a thread of the harness is idle in its wait only */
    task->turns = turns_of(task);
    if (task->turns == task->slept_turns)
        return LEAP_WHY_LEAPS;
    return asleep(task) ? LEAP_WHY_LEAPS : LEAP_WHY_RUNNING;
}

static uint32_t second_look(struct task *task)
{
    if (!asleep(task))
        return LEAP_WHY_RUNNING;
    if (task->in_wait) {
        bool same = atomic_load(&task->slot->state) == LEAP_WAITING &&
                    atomic_load(&task->slot->waits) == task->waits;
        return same ? LEAP_WHY_LEAPS : LEAP_WHY_RUNNING;
    }
    if (task->stopped)
        return LEAP_WHY_LEAPS;
    /* It may have begun a wait in the turn in which the first look found it: then it says so, and
     * has said so before it slept. The turns are counted last, so all of this is of one sleep. */
    bool waits = find_slot(task) && atomic_load(&task->slot->state) != LEAP_AWAY;
    if (turns_of(task) != task->turns || waits)
        return LEAP_WHY_RUNNING;
    task->slept_turns = task->turns;
    if (task->called_turns != task->turns) {
        bool timed = in_timed_call(task);
        if (turns_of(task) != task->turns)
            return LEAP_WHY_RUNNING; /* that was another call */
        task->called_turns = task->turns;
        task->timed = timed;
        if (timed)
            name_off_clock(task->tid);
    }
    return task->timed ? LEAP_WHY_OFF_CLOCK : LEAP_WHY_LEAPS;
}

/* The one that ran last, and probably still does, comes first. */
static uint32_t look_at_all(uint32_t (*look)(struct task *), size_t *first)
{
    for (size_t each = 0; each < task_count; each++) {
        size_t at = (each + *first) % task_count;
        uint32_t why = look(&tasks[at]);
        if (why != LEAP_WHY_LEAPS) {
            *first = at;
            atomic_store(&page->runner, tasks[at].tid);
            return why;
        }
    }
    return LEAP_WHY_LEAPS;
}

uint32_t idle(int64_t *earliest_ns)
{
    static size_t first;
    uint32_t why;
    if (atomic_load(&page->holds) > 0)
        return LEAP_WHY_HELD;
    forget_the_gone();
    uint32_t here = find_tasks();
    if (off_clock() || atomic_load(&page->lost))
        return LEAP_WHY_OFF_CLOCK;
    if (first >= task_count)
        first = 0;
    if ((why = look_at_all(first_look, &first)) != LEAP_WHY_LEAPS)
        return why;
    if (bytes_under_way())
        return LEAP_WHY_BYTES;
    if ((why = look_at_all(second_look, &first)) != LEAP_WHY_LEAPS)
        return why;
    if (bytes_under_way())
        return LEAP_WHY_BYTES;
    if (find_tasks() != here || atomic_load(&page->holds) > 0)
        return LEAP_WHY_RUNNING;
    if (off_clock()) /* it has become another program between the looks */
        return LEAP_WHY_OFF_CLOCK;
    /* The kernel may end a wait at any moment. The leap goes no further than that wait would have
     * gone, so it matters only whether one has ended already. */
    *earliest_ns = LEAP_NEVER;
    for (size_t at = 0; at < task_count; at++) {
        if (!tasks[at].in_wait || tasks[at].stopped)
            continue;
        if (atomic_load(&tasks[at].slot->state) != LEAP_WAITING ||
            atomic_load(&tasks[at].slot->waits) != tasks[at].waits)
            return LEAP_WHY_RUNNING;
        if (tasks[at].deadline_ns < *earliest_ns)
            *earliest_ns = tasks[at].deadline_ns;
    }
    return LEAP_WHY_LEAPS;
}
