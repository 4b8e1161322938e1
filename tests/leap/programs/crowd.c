/* crowd THREADS: so many threads that sleep until a time of their own each, in a few ways. Prints
 * how late the latest of them woke, in milliseconds. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static _Atomic int64_t worst;
static struct timespec begin;

static void *one(void *argument)
{
    intptr_t number = (intptr_t)argument;
    struct timespec at = begin, now;
    at.tv_sec += 60 + number % 600;
    at.tv_nsec = number * 7919 % 1000 * 1000000;
    switch (number % 3) {
    case 0:
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        break;
    case 1: {
        sem_t sem;
        sem_init(&sem, 0, 0);
        while (sem_clockwait(&sem, CLOCK_MONOTONIC, &at) == 0 || errno != ETIMEDOUT)
            ;
        break;
    }
    default: {
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
        pthread_mutex_lock(&mutex);
        while (pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &at) != ETIMEDOUT)
            ;
        pthread_mutex_unlock(&mutex);
    }
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t late = (now.tv_sec - at.tv_sec) * 1000000000LL + now.tv_nsec - at.tv_nsec;
    if (late < 0)
        late = INT64_MAX / 2; /* early is worse */
    int64_t seen = worst;
    while (late > seen && !__atomic_compare_exchange_n((int64_t *)&worst, &seen, late, 0, 5, 5))
        ;
    return NULL;
}

int main(int count, char **arguments)
{
    int threads = count > 1 ? atoi(arguments[1]) : 10;
    pthread_t *all = calloc(threads, sizeof *all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (intptr_t each = 0; each < threads; each++)
        if (pthread_create(&all[each], &attributes, one, (void *)each))
            return 1;
    for (int each = 0; each < threads; each++)
        pthread_join(all[each], NULL);
    printf("%.3f\n", worst / 1e6);
    return 0;
}
