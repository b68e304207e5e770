/* Threads that make and free blocks for ever, and count in a file what has returned. Argument: the file. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 3

static volatile uint64_t *counters;

/* The size of a thread's block number n: told again by the test. */
static size_t size_of(uint64_t thread, uint64_t n)
{
    return 16 + (n * 7919 + thread * 104729) % 5000;
}

static void *work(void *number)
{
    uint64_t me = (uintptr_t)number;
    void *ring[64] = {0};
    for (uint64_t n = 0;; n++) {
        free(ring[n % 64]);
        counters[me * 16 + 1] = n >= 64 ? n - 63 : 0; /* frees that returned */
        ring[n % 64] = malloc(size_of(me, n));
        counters[me * 16] = n + 1; /* mallocs that returned */
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int file = open(argv[argc - 1], O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, 4096) != 0)
        return 1;
    counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    pthread_t thread;
    for (uintptr_t i = 1; i < THREADS; i++)
        pthread_create(&thread, NULL, work, (void *)i);
    work((void *)0);
}
