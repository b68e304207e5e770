/* burst SIZE THREADS INTERVAL_MS: holds 32 MiB, takes 1 GiB more in blocks of SIZE bytes (0: of all sizes) in THREADS
 * threads that stay, frees it, and does nothing. Prints the resident bytes at the start, at the peak, and the intervals
 * that passed until they were within 5 % of the start again (looked at ten times an interval, 10 intervals at most). */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define HELD (32u << 20)
#define BURST (1ull << 30)

static size_t size_asked;
static unsigned threads;
static pthread_barrier_t all_there, all_made, all_freed, measured;

static size_t resident(void)
{
    char line[128] = {0};
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    /* No buffer of the file's own: reading must not allocate. */
    setvbuf(file, NULL, _IONBF, 0);
    CHECK(fread(line, 1, sizeof line - 1, file) > 0);
    CHECK(sscanf(line, "%*u %zu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void take_and_free(uint64_t seed)
{
    void *list = NULL;
    free(malloc(100));
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&all_there);
    for (uint64_t taken = 0; taken < BURST / threads;) {
        size_t size = size_asked;
        if (size == 0) {
            /* From 16 bytes to 1 MiB, each octave with half as many blocks as the one before. */
            unsigned octave = 4 + (unsigned)__builtin_ctzll(next_random(&seed) >> 8 | 1 << 15);
            size = (1ull << octave) + next_random(&seed) % (1ull << octave);
        }
        void **block = malloc(size);
        CHECK(block != NULL);
        memset(block, 1, size);
        *block = list;
        list = block;
        taken += size;
    }
    pthread_barrier_wait(&all_made);
    while (list != NULL) {
        void *next = *(void **)list;
        free(list);
        list = next;
    }
    pthread_barrier_wait(&all_freed);
}

static void *thread(void *number)
{
    take_and_free((uintptr_t)number + 1);
    /* Idle, but there: what it keeps aside has to go as well. */
    pthread_barrier_wait(&measured);
    return NULL;
}

int main(int count, char **words)
{
    CHECK(count == 4);
    size_asked = strtoul(words[1], NULL, 10);
    threads = (unsigned)strtoul(words[2], NULL, 10);
    long interval_ms = strtol(words[3], NULL, 10);
    static void *held[HELD / 65536];
    for (size_t i = 0; i < HELD / 65536; i++) {
        held[i] = malloc(65536);
        CHECK(held[i] != NULL);
        memset(held[i], 2, 65536);
    }
    pthread_barrier_init(&all_there, NULL, threads + 1);
    pthread_barrier_init(&all_made, NULL, threads + 1);
    pthread_barrier_init(&all_freed, NULL, threads + 1);
    pthread_barrier_init(&measured, NULL, threads + 1);
    pthread_t started[64];
    CHECK(threads <= 64);
    for (uintptr_t i = 0; i < threads; i++)
        CHECK(pthread_create(&started[i], NULL, thread, (void *)i) == 0);
    pthread_barrier_wait(&all_there);
    size_t start = resident();
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&all_made);
    size_t peak = resident();
    pthread_barrier_wait(&all_freed);
    struct timespec tenth = {interval_ms / 10000, interval_ms % 10000 * 100000};
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    double intervals = 0;
    size_t rest = resident();
    while (rest > start + start / 20 && intervals < 10) {
        nanosleep(&tenth, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        rest = resident();
        intervals = ((double)(now.tv_sec - began.tv_sec) * 1e3 + (double)(now.tv_nsec - began.tv_nsec) / 1e6) / (double)interval_ms;
    }
    printf("%zu %zu %zu %.2f\n", start, peak, rest, intervals);
    pthread_barrier_wait(&measured);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(started[i], NULL);
    for (size_t i = 0; i < HELD / 65536; i++)
        free(held[i]);
    return 0;
}
