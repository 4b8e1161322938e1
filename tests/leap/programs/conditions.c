/* Two threads hand a token to each other, each with a timeout that never comes; then both wait for
 * a time that does. A lost signal would show as a timeout, a missed timeout as a hang. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS 20000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn, timeouts;

static void *player(void *argument)
{
    int own = (int)(intptr_t)argument;
    pthread_mutex_lock(&mutex);
    for (int round = 0; round < ROUNDS; round++) {
        while (turn != own) {
            struct timespec at;
            clock_gettime(CLOCK_REALTIME, &at);
            at.tv_sec += 1000;
            if (pthread_cond_timedwait(&cond, &mutex, &at) == ETIMEDOUT)
                timeouts++;
        }
        turn = !own;
        pthread_cond_broadcast(&cond);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void unlock(void *m) { pthread_mutex_unlock(m); }

static void *cancelled(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    for (;;)
        pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(1);
}

int main(void)
{
    pthread_t players[2], third;
    for (intptr_t each = 0; each < 2; each++)
        pthread_create(&players[each], NULL, player, (void *)each);
    for (int each = 0; each < 2; each++)
        pthread_join(players[each], NULL);
    pthread_create(&third, NULL, cancelled, NULL);
    struct timespec second = {1, 0};
    nanosleep(&second, NULL);
    pthread_cancel(third);
    void *how;
    pthread_join(third, &how);
    int free_again = pthread_mutex_trylock(&mutex) == 0;
    printf("%d timeouts, cancelled %d, free %d\n", timeouts, how == PTHREAD_CANCELED, free_again);
    return timeouts || how != PTHREAD_CANCELED || !free_again;
}
