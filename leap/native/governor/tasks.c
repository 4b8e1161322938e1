/* Who belongs to the run: every process that has registered in the page, that has the page's name
 * in its environment, or whose parent belongs to it. Asked again only when a process or thread was
 * born anywhere on the machine, which the kernel tells in one number. */
#include "governor.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define YOUNG_NS NS /* a process that is younger may still become one of the run, by exec */
#define YOUNG_AGAIN_NS 10000000

struct task *tasks;
size_t task_count;
static size_t task_room;

enum { UNKNOWN, FOREIGN, OURS };
struct process {
    int32_t pid;
    uint8_t kind;
    bool seen, on;
    int64_t since_ns;
};
static struct process *processes;
static size_t process_count, process_room;
static uint32_t births_seen;
static int last_pid_seen = -1;
static int64_t young_until_ns; /* 0, or when to look again at who may still become one of ours */
static bool somebody_left;

static size_t read_file(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t size = 0;
    ssize_t got;
    while (size < room - 1 && (got = read(fd, text + size, room - 1 - size)) > 0)
        size += got;
    text[size] = 0;
    close(fd);
    return size;
}

/* The id that was given last, to a process or a thread: the last word of /proc/loadavg. */
static int last_pid(void)
{
    static int fd = -1;
    char text[128];
    if (fd < 0)
        fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    if (size <= 0)
        return -1;
    text[size] = 0;
    char *word = strrchr(text, ' ');
    return word ? atoi(word + 1) : -1;
}

bool somebody_came(void)
{
    return atomic_load(&page->births) != births_seen || last_pid() != last_pid_seen;
}

static struct leap_process *entry_of(int32_t pid)
{
    uint32_t at = leap_hash(pid, LEAP_PROCESSES);
    for (int probe = 0; probe < LEAP_PROBES; probe++) {
        struct leap_process *seen = &page->processes[(at + probe) % LEAP_PROCESSES];
        if (atomic_load(&seen->pid) == pid)
            return seen;
    }
    return NULL;
}

static struct leap_slot *slot_of(int32_t tid)
{
    uint32_t at = leap_hash(tid, LEAP_SLOTS);
    for (int probe = 0; probe < LEAP_PROBES; probe++) {
        struct leap_slot *seen = &page->slots[(at + probe) % LEAP_SLOTS];
        if (atomic_load(&seen->tid) == tid)
            return seen;
    }
    return NULL;
}

/* -- tasks -------------------------------------------------------------------------------- */

static void add_task(int32_t pid, int32_t tid)
{
    for (size_t at = 0; at < task_count; at++)
        if (tasks[at].tid == tid)
            return;
    char path[64];
    struct task task = {.tid = tid, .pid = pid, .slept_turns = UINT64_MAX, .called_turns = UINT64_MAX};
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid ? pid : tid, tid);
    task.stat = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", pid ? pid : tid, tid);
    task.schedstat = open(path, O_RDONLY | O_CLOEXEC);
    if (task.stat < 0 || task.schedstat < 0) { /* it is gone */
        close(task.stat);
        close(task.schedstat);
        return;
    }
    if (task_count == task_room) {
        task_room = task_room ? task_room * 2 : 64;
        tasks = realloc(tasks, task_room * sizeof *tasks);
        if (!tasks)
            abort();
    }
    tasks[task_count++] = task;
}

void forget_task(size_t at)
{
    struct task *task = &tasks[at];
    struct leap_slot *slot = slot_of(task->tid);
    if (slot) {
        atomic_store(&slot->state, LEAP_AWAY);
        atomic_store(&slot->tid, 0);
    }
    close(task->stat);
    close(task->schedstat);
    tasks[at] = tasks[--task_count];
    somebody_left = true;
}

static bool is_guest(int32_t tid)
{
    for (int each = 0; each < LEAP_GUESTS; each++)
        if (atomic_load(&page->guests[each]) == tid)
            return true;
    return false;
}

static void find_guests(void)
{
    for (size_t at = 0; at < task_count;)
        if (!tasks[at].pid && !is_guest(tasks[at].tid))
            forget_task(at);
        else
            at++;
    for (int each = 0; each < LEAP_GUESTS; each++)
        if (atomic_load(&page->guests[each]))
            add_task(0, atomic_load(&page->guests[each]));
}

static void find_threads(int32_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    if (!folder)
        return;
    struct dirent *entry;
    while ((entry = readdir(folder)))
        if (isdigit((unsigned char)*entry->d_name))
            add_task(pid, atoi(entry->d_name));
    closedir(folder);
}

/* -- processes ---------------------------------------------------------------------------- */

static int order(const void *a, const void *b)
{
    return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

static struct process *process_of(int32_t pid, size_t among)
{
    struct process key = {.pid = pid};
    return among ? bsearch(&key, processes, among, sizeof key, order) : NULL;
}

static bool has_mark(int32_t pid)
{
    static char environment[1 << 20];
    extern const char *page_path;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    size_t size = read_file(path, environment, sizeof environment);
    size_t name = strlen(LEAP_PAGE_ENV);
    for (char *word = environment; word < environment + size; word += strlen(word) + 1)
        if (!strncmp(word, LEAP_PAGE_ENV, name) && word[name] == '=' &&
            !strcmp(word + name + 1, page_path))
            return true;
    return false;
}

/* Its parent, and into `name` what it is called; 0 if it is gone or a zombie. */
static int32_t parent_of(int32_t pid, char *name, size_t room)
{
    char path[64], text[1024], state;
    int32_t parent;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (!read_file(path, text, sizeof text))
        return 0;
    char *open_at = strchr(text, '('), *end = strrchr(text, ')');
    if (!open_at || !end || sscanf(end + 1, " %c %d", &state, &parent) != 2)
        return 0;
    *end = 0;
    snprintf(name, room, "%s", open_at + 1);
    return state == 'Z' || state == 'X' ? 0 : parent;
}

static void judge(struct process *process, size_t among)
{
    char name[64];
    struct leap_process *entry = entry_of(process->pid);
    process->on = entry && atomic_load(&entry->state) == LEAP_ON;
    if (process->kind == OURS)
        return;
    if (entry || has_mark(process->pid)) {
        process->kind = OURS;
        return;
    }
    struct process *parent = process_of(parent_of(process->pid, name, sizeof name), among);
    if (parent && parent->kind == OURS && parent->pid != process->pid)
        process->kind = OURS;
    else if (real_ns() - process->since_ns > YOUNG_NS)
        process->kind = FOREIGN;
    else
        young_until_ns = real_ns() + YOUNG_AGAIN_NS;
}

static void bury(int32_t pid)
{
    struct leap_process *entry = entry_of(pid);
    if (entry) {
        atomic_store(&entry->state, LEAP_OFF);
        atomic_store(&entry->pid, 0);
    }
    uint32_t top = atomic_load(&page->timers_top);
    for (uint32_t at = 0; at < top; at++)
        if (atomic_load(&page->timers[at].pid) == pid) {
            atomic_store(&page->timers[at].deadline_ns, 0);
            atomic_store(&page->timers[at].pid, 0);
        }
}

static void list_processes(void)
{
    DIR *folder = opendir("/proc");
    struct dirent *found;
    size_t known = process_count;
    for (size_t at = 0; at < known; at++)
        processes[at].seen = false;
    while (folder && (found = readdir(folder))) {
        int32_t pid = isdigit((unsigned char)*found->d_name) ? atoi(found->d_name) : 0;
        if (!pid)
            continue;
        struct process *old = process_of(pid, known);
        if (old) {
            old->seen = true;
            continue;
        }
        if (process_count == process_room) {
            process_room = process_room ? process_room * 2 : 256;
            processes = realloc(processes, process_room * sizeof *processes);
            if (!processes)
                abort();
        }
        processes[process_count++] =
            (struct process){.pid = pid, .seen = true, .since_ns = real_ns()};
    }
    if (folder)
        closedir(folder);
    size_t kept = 0;
    for (size_t at = 0; at < process_count; at++) {
        if (processes[at].seen)
            processes[kept++] = processes[at];
        else if (processes[at].kind == OURS)
            bury(processes[at].pid);
    }
    process_count = kept;
    qsort(processes, process_count, sizeof *processes, order);
}

bool find_tasks(void)
{
    static bool first = true;
    bool young = young_until_ns && real_ns() > young_until_ns;
    if (!first && !somebody_came() && !young && !somebody_left)
        return true;
    bool everybody = first || somebody_left || last_pid() != last_pid_seen;
    births_seen = atomic_load(&page->births);
    last_pid_seen = last_pid();
    young_until_ns = 0;
    somebody_left = false;
    if (everybody)
        list_processes();
    for (size_t at = 0; first && at < process_count; at++)
        processes[at].kind = FOREIGN; /* they were there before the run */
    first = false;
    size_t ours = 0, before;
    do { /* a child may stand before its parent */
        before = ours;
        ours = 0;
        for (size_t at = 0; at < process_count; at++) {
            if (processes[at].kind != FOREIGN || entry_of(processes[at].pid))
                judge(&processes[at], process_count);
            ours += processes[at].kind == OURS;
        }
    } while (ours != before);
    for (size_t at = 0; at < process_count; at++)
        if (processes[at].kind == OURS)
            find_threads(processes[at].pid);
    find_guests();
    return !somebody_came();
}

static void add_name(const char *name)
{
    size_t size = strlen(page->off_clock);
    if (!strstr(page->off_clock, name) && size + strlen(name) + 3 < sizeof page->off_clock)
        snprintf(page->off_clock + size, sizeof page->off_clock - size, "%s%s", size ? ", " : "",
                 name);
}

void name_off_clock(int32_t tid)
{
    char name[64];
    if (parent_of(tid, name, sizeof name))
        add_name(name);
}

bool off_clock(void)
{
    bool any = false;
    for (size_t at = 0; at < process_count; at++) {
        char name[64];
        if (processes[at].kind != OURS || processes[at].on)
            continue;
        if (!parent_of(processes[at].pid, name, sizeof name))
            continue; /* a zombie: it needs no clock */
        any = true;
        if (real_ns() - processes[at].since_ns > YOUNG_NS / 10)
            add_name(name);
    }
    return any;
}
