/* watcher SECONDS PROCESSES NAP: processes that share the last time that any of them has read, while
 * each of them sleeps for up to NAP milliseconds and wakes. Fails if time ever goes back, for one or
 * between two, or runs slower than real time. SIGTERM to all of them ends it before its time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL
#define SLACK 1000 /* a microsecond, for clocks of two processors */

static volatile sig_atomic_t over;

static void end(int number)
{
    (void)number;
    over = 1;
}

static void fail(const char *how, int64_t length)
{
    printf("%s for %lld ns\n", how, (long long)length);
    fflush(stdout);
    _exit(1);
}

static int64_t ns(struct timespec t) { return t.tv_sec * NS + t.tv_nsec; }

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
    /* libc's own function, past whatever stands before it */
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(
        dlopen("libc.so.6", RTLD_LAZY), "clock_gettime");
    _Atomic int64_t *last = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t length = atoll(arguments[1]) * NS;
    for (int process = 0; process < atoi(arguments[2]); process++) {
        if (fork())
            continue;
        struct timespec t, r, after;
        clock_gettime(CLOCK_MONOTONIC, &t);
        /* how far virtual time is ahead of real time, at the least: that never shrinks */
        int64_t begin = ns(t), ahead = 0, before;
        srand(process);
        do {
            for (int each = 0; each < 50; each++) {
                before = atomic_load(last);
                real(CLOCK_MONOTONIC, &r);
                clock_gettime(CLOCK_MONOTONIC, &t);
                real(CLOCK_MONOTONIC, &after);
                if (ns(t) < before)
                    fail("back", before - ns(t));
                if (ns(t) - ns(r) < ahead - SLACK)
                    fail("stood still", ahead - ns(t) + ns(r));
                if (ns(t) - ns(after) > ahead)
                    ahead = ns(t) - ns(after);
                int64_t seen = before;
                while (seen < ns(t) && !atomic_compare_exchange_weak(last, &seen, ns(t)))
                    ;
            }
            if (!over)
                usleep(1000 * (1 + rand() % atoi(arguments[3])));
        } while (!over && ns(t) - begin < length);
        _exit(0);
    }
    int status, failed = 0;
    for (pid_t child; (child = wait(&status)) > 0 || errno == EINTR;)
        failed |= child > 0 ? status : 0;
    puts(failed ? "failed" : "well");
    return !!failed;
}
