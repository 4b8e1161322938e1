/* Slots: each thread that waits says in the page until when.
 *
 * A slot is found by its thread's id, so whoever has that id again uses the same one. The governor
 * clears the slots of threads that it sees dead; a thread that is killed in the middle leaves
 * nothing that anybody waits for. */
#include "leap.h"

#include <sched.h>

#define LATE_NS 1000000
#define POKE_WITHIN_NS NS

static __thread struct leap_slot *own __attribute__((tls_model("initial-exec")));

void leap_forget_thread(void)
{
    own = NULL;
}

/* The id is asked for each time: a child made by a bare clone() has its parent's variables. */
static struct leap_slot *slot(void)
{
    int32_t tid = (int32_t)syscall(SYS_gettid);
    if (own && atomic_load_explicit(&own->tid, memory_order_relaxed) == tid)
        return own;
    own = NULL;
    uint32_t at = leap_hash(tid, LEAP_SLOTS);
    struct leap_slot *free_one = NULL;
    for (int probe = 0; probe < LEAP_PROBES && !own; probe++) {
        struct leap_slot *seen = &leap_page->slots[(at + probe) % LEAP_SLOTS];
        int32_t whose = atomic_load(&seen->tid);
        if (whose == tid)
            own = seen;
        else if (!whose && !free_one)
            free_one = seen;
    }
    for (int probe = 0; probe < LEAP_PROBES && !own && free_one; probe++) {
        struct leap_slot *seen = &leap_page->slots[(at + probe) % LEAP_SLOTS];
        int32_t nobody = 0;
        if (atomic_compare_exchange_strong(&seen->tid, &nobody, tid))
            own = seen;
    }
    if (own) {
        own->pid = getpid();
        atomic_store(&own->state, LEAP_AWAY);
    } else {
        atomic_fetch_add(&leap_page->lost, 1);
    }
    return own;
}

struct leap_slot *leap_own_slot(void)
{
    return own;
}

struct leap_wait leap_enter(int64_t deadline_ns)
{
    int kept = errno;
    struct leap_wait wait = {deadline_ns, slot(), false, kept};
    if (wait.slot) {
        atomic_store(&wait.slot->deadline_ns, deadline_ns);
        atomic_fetch_add(&wait.slot->waits, 1);
        atomic_store(&wait.slot->state, LEAP_WAITING);
    }
    errno = kept;
    return wait;
}

bool leap_again(struct leap_wait *wait)
{
    if (!wait->slot)
        return false;
    uint32_t roused = LEAP_ROUSED;
    if (leap_left_ns(wait->deadline_ns) > 0) {
        if (leap_tickled())
            return true;
        return atomic_compare_exchange_strong(&wait->slot->state, &roused, LEAP_WAITING);
    }
    return false;
}

/* Where a poke is under way it is waited for, so that it never meets another call than the one
 * for which it was meant. */
bool leap_leave(struct leap_wait *wait)
{
    if (!wait->slot)
        return false;
    int kept = errno;
    uint32_t state = LEAP_WAITING;
    if (!atomic_compare_exchange_strong(&wait->slot->state, &state, LEAP_AWAY)) {
        int64_t until = leap_real_ns() + POKE_WITHIN_NS;
        while (atomic_load(&wait->slot->state) == LEAP_POKED && leap_real_ns() < until)
            sched_yield();
        atomic_store(&wait->slot->state, LEAP_AWAY);
        wait->poked = state != LEAP_AWAY; /* that it was: a handler waited in the middle */
    }
    errno = kept;
    return wait->poked;
}

void leap_tell_late(int64_t deadline_ns)
{
    int kept = errno;
    int64_t late = leap_now_ns() - deadline_ns;
    atomic_fetch_add_explicit(&leap_page->ended_waits, 1, memory_order_relaxed);
    if (late > LATE_NS)
        atomic_fetch_add_explicit(&leap_page->late_waits, 1, memory_order_relaxed);
    int64_t worst = atomic_load(&leap_page->worst_late_ns);
    while (late > worst &&
           !atomic_compare_exchange_weak(&leap_page->worst_late_ns, &worst, late))
        ;
    errno = kept;
}
