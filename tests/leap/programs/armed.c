/* armed TIMES: sets an alarm for five seconds and sleeps at once, so often, after a moment of work
 * that is another one each time. Tells how many alarms were more than a second late. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define NS 1000000000LL
#define WORK_NS 150000

static volatile sig_atomic_t rung;

static void ring(int number)
{
    (void)number;
    rung = 1;
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

int main(int count, char **arguments)
{
    int late = 0, times = count > 1 ? atoi(arguments[1]) : 1;
    sigset_t none, alarm;
    sigemptyset(&none);
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarm, NULL);
    signal(SIGALRM, ring);
    while (times--) {
        int64_t until = now() + rand() % WORK_NS;
        while (now() < until)
            ;
        rung = 0;
        int64_t began = now();
        setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {5, 0}}, NULL);
        while (!rung)
            sigsuspend(&none);
        late += now() - began > 6 * NS;
    }
    printf("%d late\n", late);
    return 0;
}
