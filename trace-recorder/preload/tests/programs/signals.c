/* A signal handler that makes and frees blocks, many thousand times a second, while the program does the same. Needs an
 * allocator that allows it. Prints how many blocks of which size were made. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static volatile long handled;

static void handler(int number)
{
    (void)number;
    for (int i = 0; i < 5; i++) {
        free(malloc(3001));
        free(calloc(1, 3002));
    }
    handled++;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval often = {{0, 50}, {0, 50}};
    long made = 0;
    struct timespec start, now;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (int i = 0; i < 1000; i++) {
            void *block = malloc(3003);
            block = realloc(block, 3004);
            free(block);
            made++;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 2 && (made < 300000 || handled < 2000));
    memset(&often, 0, sizeof often);
    setitimer(ITIMER_REAL, &often, NULL);
    printf("%ld %ld\n", made, handled);
    return 0;
}
