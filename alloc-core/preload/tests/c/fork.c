/* fork in a program whose threads allocate: the child finds a heap that works, and may free what the parent made. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

#define THREADS 4
#define SHARED 512

static atomic_int stop;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char *shared[SHARED];
static size_t lengths[SHARED];

static size_t size_of(uint64_t random)
{
    switch (random % 64) {
    case 0:
        return 600000 + random / 64 % 400000;
    case 1 ... 8:
        return 1024 + random / 64 % 31000;
    case 9:
        return 33000 + random / 64 % 300000;
    default:
        return random / 64 % 1016;
    }
}

/* Replaces a shared block; others free it later. */
static void exchange(uint64_t random)
{
    size_t length = size_of(random) + 1;
    unsigned char *block = malloc(length);
    CHECK(block);
    block[0] = block[length - 1] = 42;
    pthread_mutex_lock(&lock);
    size_t place = random / 7 % SHARED;
    unsigned char *old = shared[place];
    CHECK(!old || (old[0] == 42 && old[lengths[place] - 1] == 42));
    shared[place] = block;
    lengths[place] = length;
    pthread_mutex_unlock(&lock);
    free(old);
}

static void *work(void *seed)
{
    uint64_t state = (uintptr_t)seed;
    while (!stop)
        exchange(next_random(&state));
    return NULL;
}

static void *in_child(void *unused)
{
    uint64_t state = 99;
    for (int i = 0; i < 500; i++)
        free(malloc(size_of(next_random(&state))));
    return unused;
}

/* Runs in the child: the lock was held across the fork, so `shared` is whole. */
static void child(int depth)
{
    alarm(60);
    void *mine[300];
    uint64_t state = (uint64_t)getpid() * 77 + 1;
    for (int i = 0; i < 300; i++) {
        mine[i] = malloc(size_of(next_random(&state)));
        CHECK(mine[i]);
    }
    for (int i = 0; i < SHARED; i++)
        if (shared[i]) {
            CHECK(shared[i][0] == 42 && shared[i][lengths[i] - 1] == 42);
            shared[i] = i % 3 ? (free(shared[i]), NULL) : realloc(shared[i], lengths[i] += 5000);
            if (shared[i])
                shared[i][lengths[i] - 1] = 42;
        }
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, in_child, NULL) == 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 300; i++)
        free(mine[i]);
    if (depth == 0) {
        pid_t inner = fork();
        CHECK(inner >= 0);
        if (inner == 0)
            child(1);
        int status = 0;
        CHECK(waitpid(inner, &status, 0) == inner && status == 0);
    }
    /* Both ways to end. */
    if (state % 2)
        exit(0);
    _exit(0);
}

static void *forks(void *times)
{
    for (intptr_t i = 0; i < (intptr_t)times; i++) {
        pthread_mutex_lock(&lock);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            pthread_mutex_unlock(&lock);
            child(i % 8 ? 1 : 0);
        }
        pthread_mutex_unlock(&lock);
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid);
        if (status != 0)
            fprintf(stderr, "child %d ended with status %#x\n", (int)i, status);
        CHECK(status == 0);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    intptr_t times = argc > 1 ? atoi(argv[1]) : 100;
    alarm(240);
    pthread_t threads[THREADS], forker;
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
    CHECK(pthread_create(&forker, NULL, forks, (void *)times) == 0);
    forks((void *)times);
    pthread_join(forker, NULL);
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}
