/* Destructors of thread-local values that free, and allocate, as late as they can; and many threads that come and go. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t keys[8];

static void destroy(void *value)
{
    uintptr_t *round = value;
    uintptr_t left = *round;
    free(round);
    free(malloc(2002));
    if (left > 0) {
        round = malloc(2001);
        *round = left - 1;
        pthread_setspecific(keys[left % 8], round);
    }
}

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        uintptr_t *round = malloc(2000);
        *round = 3;
        pthread_setspecific(keys[i], round);
    }
    return NULL;
}

static void *shortly(void *unused)
{
    (void)unused;
    free(malloc(2003));
    return NULL;
}

int main(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_key_create(&keys[i], destroy);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++)
            pthread_create(&threads[i], NULL, work, NULL);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
    }
    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < 8; i++)
            pthread_create(&threads[i], NULL, shortly, NULL);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 50; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW);
        if (library == NULL || dlsym(library, "cos") == NULL || dlsym(library, "no such") != NULL)
            return 1;
        free(malloc(2004));
        dlclose(library);
    }
    puts("done");
    return 0;
}
