/* Who belongs to the run: every process that has registered in the page, that has the page's name
 * in its environment, or whose parent belongs to it. Who was there before the governor does not.
 *
 * Nobody is looked for in vain: the kernel numbers processes and threads one after another and
 * tells the number that it gave last, so only the numbers since the last look are asked about. */
#include "governor.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define YOUNG_NS NS /* a process that is younger may still become one of the run, by exec */
#define YOUNG_AGAIN_NS 10000000
#define NASCENT_NS 100000000 /* a number is given before its owner can be seen */
#define NAMED_NS NS /* who is on its way to the clock is not named */
#define AT_ONCE 256          /* more new numbers than that, and all of /proc is read */

extern const char *page_path;

struct task *tasks;
size_t task_count;
static size_t task_room;

/* Those that belong to the run, and those of whom it is not known yet: a process that the harness
 * has started is `kin`, and may become one of ours at any moment, by exec. */
struct process {
    int32_t pid;
    bool ours, on, gone, kin;
    int64_t since_ns, off_since_ns;
};
static struct process *processes;
static size_t process_count, process_room;

/* Numbers whose owner was not to be seen yet. */
struct newcomer {
    int32_t id;
    int64_t since_ns;
};
static struct newcomer *newcomers;
static size_t newcomer_count, newcomer_room;

static uint32_t births_seen;
static int last_id_seen;
static bool numbers_told;
static int64_t young_at_ns; /* when to look again at who may still become one of ours; 0: never */
static bool young_kin;      /* or at once */
static bool starting;       /* one of them is in the middle of its exec: whose it is cannot be told */
static pid_t harness;
static uint32_t changes;

static void *room_for_one(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    array = realloc(array, *room * size);
    if (!array)
        abort();
    return array;
}

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

/* The number that was given last, to a process or a thread: the last word of /proc/loadavg. */
static int last_id(void)
{
    static int fd = -1;
    char text[128];
    if (fd < 0)
        fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = 0;
    char *word = strrchr(text, ' ');
    return word ? atoi(word + 1) : 0;
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

struct leap_slot *slot_of(int32_t tid)
{
    uint32_t at = leap_hash(tid, LEAP_SLOTS);
    for (int probe = 0; probe < LEAP_PROBES; probe++) {
        struct leap_slot *seen = &page->slots[(at + probe) % LEAP_SLOTS];
        if (atomic_load(&seen->tid) == tid)
            return seen;
    }
    return NULL;
}

/* -- threads ------------------------------------------------------------------------------ */

static void add_task(int32_t pid, int32_t tid)
{
    for (size_t at = 0; at < task_count; at++)
        if (tasks[at].tid == tid && !tasks[at].gone)
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
    tasks = room_for_one(tasks, task_count, &task_room, sizeof *tasks);
    tasks[task_count++] = task;
    changes++;
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

static bool is_guest(int32_t tid)
{
    for (int each = 0; each < LEAP_GUESTS; each++)
        if (atomic_load(&page->guests[each]) == tid)
            return true;
    return false;
}

static void find_guests(void)
{
    for (size_t at = 0; at < task_count; at++)
        if (!tasks[at].pid && !is_guest(tasks[at].tid))
            tasks[at].gone = true;
    forget_the_gone();
    for (int each = 0; each < LEAP_GUESTS; each++)
        if (atomic_load(&page->guests[each]))
            add_task(0, atomic_load(&page->guests[each]));
}

/* -- processes ---------------------------------------------------------------------------- */

static struct process *process_of(int32_t pid)
{
    for (size_t at = 0; at < process_count; at++)
        if (processes[at].pid == pid)
            return &processes[at];
    return NULL;
}

/* `bare`: it has no environment, as in the middle of an exec. */
static bool has_mark(int32_t pid, bool *bare)
{
    static char environment[1 << 20];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    size_t size = read_file(path, environment, sizeof environment);
    *bare = size == 0;
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

static void judge(struct process *process)
{
    struct leap_process *entry = entry_of(process->pid);
    bool on = entry && atomic_load(&entry->state) == LEAP_ON;
    if (process->on && !on)
        process->off_since_ns = real_ns();
    process->on = on;
    if (process->ours)
        return;
    char name[64];
    bool bare = false;
    int32_t parent_pid = parent_of(process->pid, name, sizeof name);
    struct process *parent = process_of(parent_pid);
    if (entry || has_mark(process->pid, &bare) || (parent && parent->ours)) {
        process->ours = true;
        find_threads(process->pid);
        changes++;
    } else if (!parent_pid || real_ns() - process->since_ns > YOUNG_NS) {
        process->gone = true; /* or somebody else's */
    } else if (process->kin) {
        young_kin = true;
        starting |= bare;
    } else {
        young_at_ns = real_ns() + YOUNG_AGAIN_NS;
    }
}

/* Whether the harness started it, or somebody whom it started. */
static bool is_kin(int32_t pid)
{
    char name[64];
    for (int32_t parent = pid; parent > 1;)
        if ((parent = parent_of(parent, name, sizeof name)) == harness)
            return true;
    return false;
}

static void add_process(int32_t pid)
{
    if (process_of(pid))
        return;
    processes = room_for_one(processes, process_count, &process_room, sizeof *processes);
    processes[process_count++] = (struct process){
        .pid = pid, .kin = is_kin(pid), .since_ns = real_ns(), .off_since_ns = real_ns()};
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

void forget_the_gone(void)
{
    for (size_t at = 0; at < task_count;) {
        struct task *task = &tasks[at];
        if (!task->gone) {
            at++;
            continue;
        }
        struct leap_slot *slot = slot_of(task->tid);
        if (slot) {
            atomic_store(&slot->state, LEAP_AWAY);
            atomic_store(&slot->tid, 0);
        }
        struct process *process = task->tid == task->pid ? process_of(task->pid) : NULL;
        if (process) {
            bury(process->pid);
            process->gone = true;
        }
        close(task->stat);
        close(task->schedstat);
        tasks[at] = tasks[--task_count];
    }
    for (size_t at = 0; at < process_count;)
        if (processes[at].gone)
            processes[at] = processes[--process_count];
        else
            at++;
}

/* -- newcomers ---------------------------------------------------------------------------- */

static void note(int32_t id)
{
    newcomers = room_for_one(newcomers, newcomer_count, &newcomer_room, sizeof *newcomers);
    newcomers[newcomer_count++] = (struct newcomer){id, real_ns()};
}

static void note_everybody(void)
{
    DIR *folder = opendir("/proc");
    struct dirent *found;
    while (folder && (found = readdir(folder)))
        if (isdigit((unsigned char)*found->d_name))
            note(atoi(found->d_name));
    if (folder)
        closedir(folder);
    for (size_t at = 0; at < process_count; at++)
        if (processes[at].ours)
            find_threads(processes[at].pid);
}

/* A process, or a thread of one of ours; false if nobody is to be seen. */
static bool receive(int32_t id)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", id);
    if (!read_file(path, text, sizeof text))
        return false;
    char *word = strstr(text, "\nTgid:");
    int32_t pid = word ? atoi(word + 6) : id;
    struct process *process = process_of(pid);
    if (pid == id)
        add_process(id);
    else if (process && process->ours)
        add_task(pid, id);
    return true;
}

static void receive_newcomers(void)
{
    size_t kept = 0;
    for (size_t at = 0; at < newcomer_count; at++)
        if (!receive(newcomers[at].id) && real_ns() - newcomers[at].since_ns < NASCENT_NS)
            newcomers[kept++] = newcomers[at];
    newcomer_count = kept;
}

/* Some sandboxes have a /proc that tells no numbers: then everybody is asked about at each look. */
void begin_with_nobody(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    harness = getppid();
    numbers_told = child > 0 && last_id() >= child;
    waitpid(child, NULL, 0);
    last_id_seen = last_id();
    if (!numbers_told)
        note_everybody(); /* whoever is there already is young for a while, and nobody's then */
}

uint32_t find_tasks(void)
{
    uint32_t births = atomic_load(&page->births);
    int last = last_id();
    bool young = young_kin || (young_at_ns && real_ns() > young_at_ns);
    if (numbers_told && births == births_seen && last == last_id_seen && !newcomer_count && !young)
        return changes;
    if (!numbers_told || last < last_id_seen || last > last_id_seen + AT_ONCE)
        note_everybody();
    else
        for (int id = last_id_seen + 1; id <= last; id++)
            note(id);
    last_id_seen = last;
    receive_newcomers();
    if (births != births_seen) {
        births_seen = births;
        for (int each = 0; each < LEAP_PROCESSES; each++) {
            int32_t pid = atomic_load(&page->processes[each].pid);
            if (pid)
                add_process(pid);
        }
        find_guests();
    }
    uint32_t before;
    young_at_ns = 0;
    young_kin = starting = false;
    do { /* a child may stand before its parent */
        before = changes;
        for (size_t at = 0; at < process_count; at++)
            judge(&processes[at]);
    } while (changes != before);
    forget_the_gone();
    return changes;
}

/* -- the end ------------------------------------------------------------------------------- */

void kill_everybody(void)
{
    uint32_t seen;
    do { /* whoever was starting somebody is dead before the next look */
        seen = find_tasks();
        for (size_t at = 0; at < process_count; at++)
            if (processes[at].ours)
                kill(processes[at].pid, SIGKILL);
        struct timespec settle = {0, 1000000};
        nanosleep(&settle, NULL);
    } while (find_tasks() != seen);
}

/* -- who is not on the clock -------------------------------------------------------------- */

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
    bool any = starting;
    for (size_t at = 0; at < process_count; at++) {
        char name[64];
        if (!processes[at].ours || processes[at].on)
            continue;
        if (!parent_of(processes[at].pid, name, sizeof name))
            continue; /* a zombie: it needs no clock */
        any = true;
        if (real_ns() - processes[at].off_since_ns > NAMED_NS)
            add_name(name);
    }
    return any;
}
