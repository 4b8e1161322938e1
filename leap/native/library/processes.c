/* Which processes are on the clock: each says so itself, in the page, when it starts and when it
 * is forked. Before it becomes another program it says that, too: if that program cannot load this
 * library, the process is off the clock from then on, and the governor leaps no more. */
#include "leap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct leap_page *leap_page;

static struct leap_process *entry_of(pid_t pid, bool make)
{
    uint32_t at = leap_hash(pid, LEAP_PROCESSES);
    for (int probe = 0; probe < LEAP_PROBES; probe++) {
        struct leap_process *seen = &leap_page->processes[(at + probe) % LEAP_PROCESSES];
        if (atomic_load(&seen->pid) == pid)
            return seen;
    }
    for (int probe = 0; probe < LEAP_PROBES && make; probe++) {
        struct leap_process *seen = &leap_page->processes[(at + probe) % LEAP_PROCESSES];
        int32_t nobody = 0;
        if (atomic_compare_exchange_strong(&seen->pid, &nobody, pid))
            return seen;
    }
    return NULL;
}

void leap_register_process(void)
{
    struct leap_process *entry = entry_of(getpid(), true);
    if (entry)
        atomic_store(&entry->state, LEAP_ON);
    atomic_fetch_add(&leap_page->births, 1);
}

static void in_child(void)
{
    if (!leap_page)
        return;
    leap_forget_thread();
    leap_fork_timers();
    leap_register_process();
}

struct leap_page *leap_attach_page(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct stat file;
    void *memory = MAP_FAILED;
    if (fstat(fd, &file) == 0 && (size_t)file.st_size >= sizeof(struct leap_page))
        memory = mmap(NULL, sizeof(struct leap_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return NULL;
    struct leap_page *page = memory;
    if (page->magic != LEAP_MAGIC || page->layout != LEAP_LAYOUT) {
        munmap(memory, sizeof(struct leap_page));
        return NULL;
    }
    return page;
}

static void attach(void)
{
    const char *path = getenv(LEAP_PAGE_ENV), *number = getenv(LEAP_NODE_ENV);
    struct leap_page *page = path ? leap_attach_page(path) : NULL;
    if (!page)
        return;
    leap_page = page;
    leap_listen_for_pokes();
    if (number) {
        void jobquake_leap_node(int);
        jobquake_leap_node(atoi(number));
    }
    pthread_atfork(NULL, NULL, in_child);
    leap_register_process(); /* last: from now on this process is on the clock */
}

/* Other libraries begin before this one does, so whoever calls first attaches. */
bool leap_on(void)
{
    static _Atomic int begun;
    if (atomic_load_explicit(&begun, memory_order_acquire) == 2)
        return leap_page != NULL;
    int nobody = 0;
    if (atomic_compare_exchange_strong(&begun, &nobody, 1)) {
        attach();
        atomic_store_explicit(&begun, 2, memory_order_release);
    }
    return leap_page != NULL; /* who comes in between calls the real functions */
}

__attribute__((constructor)) static void begin(void)
{
    leap_on();
}

/* -- exec: what programs call --------------------------------------------------------------- */

/* In a child of vfork this finds nothing: such a child is not on the clock until its program is. */
static struct leap_process *leaves(void)
{
    struct leap_process *entry = leap_on() ? entry_of(getpid(), false) : NULL;
    if (entry) {
        atomic_store(&entry->state, LEAP_EXEC);
        atomic_fetch_add(&leap_page->births, 1);
    }
    return entry;
}

static int stays(struct leap_process *entry)
{
    if (entry) {
        atomic_store(&entry->state, LEAP_ON);
        atomic_fetch_add(&leap_page->births, 1);
    }
    return -1;
}

EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
    struct leap_process *entry = leaves();
    REAL(execve)(path, arguments, environment);
    return stays(entry);
}

EXPORT int execv(const char *path, char *const arguments[])
{
    struct leap_process *entry = leaves();
    REAL(execv)(path, arguments);
    return stays(entry);
}

EXPORT int execvp(const char *file, char *const arguments[])
{
    struct leap_process *entry = leaves();
    REAL(execvp)(file, arguments);
    return stays(entry);
}

EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
    struct leap_process *entry = leaves();
    REAL(execvpe)(file, arguments, environment);
    return stays(entry);
}

EXPORT int fexecve(int fd, char *const arguments[], char *const environment[])
{
    struct leap_process *entry = leaves();
    REAL(fexecve)(fd, arguments, environment);
    return stays(entry);
}

EXPORT int execveat(int folder, const char *path, char *const arguments[],
                    char *const environment[], int flags)
{
    struct leap_process *entry = leaves();
    REAL(execveat)(folder, path, arguments, environment, flags);
    return stays(entry);
}

/* The arguments of execl and its like, as the others want them. */
#define COLLECT(first, list, arguments)                                                   \
    int count = 1;                                                                        \
    va_start(list, first);                                                                \
    while (va_arg(list, char *))                                                          \
        count++;                                                                          \
    va_end(list);                                                                         \
    char *arguments[count + 1];                                                           \
    arguments[0] = (char *)first;                                                         \
    va_start(list, first);                                                                \
    for (int each = 1; each <= count; each++)                                             \
        arguments[each] = va_arg(list, char *)

EXPORT int execl(const char *path, const char *first, ...)
{
    va_list list;
    COLLECT(first, list, arguments);
    va_end(list);
    return execv(path, arguments);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
    va_list list;
    COLLECT(first, list, arguments);
    va_end(list);
    return execvp(file, arguments);
}

EXPORT int execle(const char *path, const char *first, ...)
{
    va_list list;
    COLLECT(first, list, arguments);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, arguments, environment);
}
