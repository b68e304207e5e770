/* Every function of the malloc family, in several threads, with sizes that tell which call it was. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 5000

static void *shared[THREADS][ROUNDS];

static void *work(void *number)
{
    uintptr_t me = (uintptr_t)number;
    char name[16];
    snprintf(name, sizeof name, "worker %d", (int)me);
    pthread_setname_np(pthread_self(), name);
    for (int i = 0; i < ROUNDS; i++) {
        char *p = malloc(1000001);
        p = realloc(p, 1000002);
        free(p);
        p = calloc(1000, 1003); /* 1003000 */
        memset(p, 1, 10);
        p = reallocarray(p, 1000, 1004); /* 1004000 */
        free(p);
        p = realloc(NULL, 105);
        free(p);
        if (posix_memalign((void **)&p, 256, 106) != 0)
            abort();
        free(p);
        p = aligned_alloc(512, 1024);
        free(p);
        p = memalign(1024, 108);
        free(p);
        p = valloc(109);
        free(p);
        p = pvalloc(110);
        free(p);
        free(NULL);
        shared[me][i] = malloc(111);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    /* Blocks of the threads, freed by another. */
    for (int i = 0; i < THREADS; i++)
        for (int n = 0; n < ROUNDS; n++)
            free(shared[i][n]);
    volatile size_t much = SIZE_MAX / 2;
    if (malloc(much) != NULL || calloc(much, 4) != NULL)
        return 9;
    free(realloc(malloc(112), 0));
    puts("done");
    return 0;
}
