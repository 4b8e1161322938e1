/* The governor: a process of its own that moves the run's clock on when all of the run is idle.
 *
 *     governor PAGE        lives until its standard input ends, then removes the page
 *
 * If it ends without the harness having said a word, that was killed: then nobody is left who would
 * end the processes of the run, and the governor does it.
 *
 * A leap goes to the earliest deadline of anybody, never further. Whoever's time has come is poked;
 * until he has woken and sleeps again, no other leap happens. The kernel's timer of a wait knows
 * nothing of the leaps since the wait began, so who is due while others are at work is poked, too. */
#include "governor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORTEST_NAP_NS 20000
#define LONGEST_NAP_NS 500000
#define LISTEN_EVERY_NS 5000000
#define POKE_AGAIN_NS 2000000

struct leap_page *page;
const char *page_path;

int64_t real_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

int64_t now_ns(void)
{
    return real_ns() + atomic_load(&page->offset_ns);
}

/* -- timers ------------------------------------------------------------------------------- */

static void fire(struct leap_timer *timer, int32_t pid, int64_t times)
{
    int signo = atomic_load(&timer->signo);
    if (signo == LEAP_SIGNAL) {
        atomic_fetch_add(&timer->value, times);
        kill(pid, signo);
        return;
    }
    if (atomic_load(&timer->code) == SI_USER) {
        kill(pid, signo);
        return;
    }
    siginfo_t info = {0};
    info.si_signo = signo;
    info.si_code = atomic_load(&timer->code);
    info.si_value.sival_ptr = (void *)(intptr_t)atomic_load(&timer->value);
    int32_t tid = atomic_load(&timer->tid);
    if (tid)
        syscall(SYS_rt_tgsigqueueinfo, pid, tid, signo, &info);
    else
        syscall(SYS_rt_sigqueueinfo, pid, signo, &info);
}

/* Send what is due. */
static void fire_timers(void)
{
    uint32_t top = atomic_load(&page->timers_top);
    for (uint32_t at = 0; at < top; at++) {
        struct leap_timer *timer = &page->timers[at];
        int32_t pid = atomic_load(&timer->pid);
        int64_t deadline = atomic_load(&timer->deadline_ns);
        if (pid <= 0 || !deadline || !atomic_load(&timer->signo))
            continue;
        int64_t now = now_ns();
        if (deadline > now)
            continue;
        int64_t interval = atomic_load(&timer->interval_ns), times = 1;
        if (interval > 0)
            times += (now - deadline) / interval;
        int64_t after = interval > 0 ? deadline + times * interval : 0;
        if (atomic_compare_exchange_strong(&timer->deadline_ns, &deadline, after))
            fire(timer, pid, times);
    }
}

static int64_t next_timer(void)
{
    int64_t next = LEAP_NEVER;
    uint32_t top = atomic_load(&page->timers_top);
    for (uint32_t at = 0; at < top; at++) {
        struct leap_timer *timer = &page->timers[at];
        int64_t deadline = atomic_load(&timer->deadline_ns);
        if (atomic_load(&timer->pid) > 0 && deadline && deadline < next)
            next = deadline;
    }
    return next;
}

/* -- leaps -------------------------------------------------------------------------------- */

static void poke(struct task *task, uint32_t from)
{
    if (atomic_compare_exchange_strong(&task->slot->state, &from, LEAP_POKED) &&
        syscall(SYS_tgkill, task->pid ? task->pid : task->slot->pid, task->tid, LEAP_SIGNAL))
        atomic_store(&task->slot->state, LEAP_AWAY); /* it is gone */
}

static void leap_to(int64_t deadline_ns)
{
    int64_t ahead = deadline_ns - now_ns();
    if (ahead > 0) {
        atomic_fetch_add(&page->offset_ns, ahead);
        atomic_fetch_add(&page->leaps, 1);
        int64_t over = now_ns() - deadline_ns;
        if (over > atomic_load(&page->worst_overshoot_ns))
            atomic_store(&page->worst_overshoot_ns, over);
    }
    int64_t now = now_ns();
    for (size_t at = 0; at < task_count; at++)
        if (tasks[at].in_wait && !tasks[at].stopped &&
            atomic_load(&tasks[at].slot->deadline_ns) <= now)
            poke(&tasks[at], LEAP_WAITING);
}

/* Who is due, and still waits: a poke may come between the moment at which a thread says that it
 * waits and its call, and time may have come to a deadline without a leap. */
static void poke_the_due(void)
{
    for (size_t at = 0; at < task_count; at++) {
        struct task *task = &tasks[at];
        if (!task->slot || atomic_load(&task->slot->tid) != task->tid)
            continue;
        uint32_t state = atomic_load(&task->slot->state);
        bool due = state == LEAP_WAITING && atomic_load(&task->slot->deadline_ns) <= now_ns();
        if ((state == LEAP_ROUSED || due) && asleep(task) && !task->stopped)
            poke(task, state);
    }
}

static bool said_end; /* the harness ends as it should */

static bool harness_lives(void)
{
    static int64_t looked_ns;
    int64_t now = real_ns();
    if (now - looked_ns < LISTEN_EVERY_NS)
        return true;
    looked_ns = now;
    char bytes[64];
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    if (poll(&in, 1, 0) == 0)
        return true;
    said_end = read(STDIN_FILENO, bytes, sizeof bytes) > 0;
    return false;
}

static void govern(void)
{
    int64_t nap = SHORTEST_NAP_NS, poked_at = 0;
    while (harness_lives()) {
        int64_t earliest;
        fire_timers();
        uint32_t why = idle(&earliest);
        int64_t timer = next_timer(); /* only now: who sleeps may have set one before he did */
        atomic_fetch_add(&page->looks, 1);
        if (why == LEAP_WHY_LEAPS) {
            int64_t to = timer < earliest ? timer : earliest;
            if (to == LEAP_NEVER) {
                why = LEAP_WHY_NO_DEADLINE;
            } else {
                leap_to(to);
                fire_timers();
                nap = SHORTEST_NAP_NS;
            }
        }
        atomic_store(&page->why, why);
        if (why == LEAP_WHY_LEAPS)
            poked_at = real_ns();
        else if (real_ns() - poked_at > POKE_AGAIN_NS) {
            poke_the_due();
            poked_at = real_ns();
        }
        int64_t left = timer == LEAP_NEVER ? nap : timer - now_ns();
        int64_t length = left < nap ? left : nap;
        if (length > 0) {
            struct timespec t = {0, length};
            nanosleep(&t, NULL);
        }
        nap = nap * 5 / 4 < LONGEST_NAP_NS ? nap * 5 / 4 : LONGEST_NAP_NS;
    }
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: governor PAGE\n");
        return 2;
    }
    page_path = arguments[1];
    int fd = open(page_path, O_RDWR | O_CLOEXEC);
    page = fd < 0 ? MAP_FAILED
                  : mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED || page->magic != LEAP_MAGIC || page->layout != LEAP_LAYOUT) {
        fprintf(stderr, "expected a page of this version, found %s\n", page_path);
        return 2;
    }
    if (!turns_told())
        return 3;
    prctl(PR_SET_TIMERSLACK, 1);
    signal(SIGINT, SIG_IGN); /* the harness's to answer */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    begin_with_nobody();
    atomic_store(&page->governor_pid, getpid()); /* from now on it knows who was there before */
    govern();
    if (!said_end)
        kill_everybody();
    atomic_store(&page->why, LEAP_WHY_ENDED);
    unlink(page_path);
    return 0;
}
