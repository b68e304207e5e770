/* fork while other threads make their first request, and while another sets the reclaimer: the child finds no lock taken.
 * libfancy.so is loaded and not used, so that the first request of all falls among them: argument 1 is its path, 2 how often. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

static void *(*make)(size_t);
static void (*take)(void *);
static int (*reclaim)(uint64_t);
static int (*validate)(void);
static atomic_int go, stop;

static void wait_for_go(void)
{
    while (!go)
        ;
}

static void use(void)
{
    for (size_t size = 10; size < 2000000; size *= 9) {
        char *block = make(size);
        CHECK(block);
        memset(block, 1, size);
        take(block);
    }
}

static void *begins(void *unused)
{
    wait_for_go();
    use();
    return unused;
}

static void *sets(void *unused)
{
    wait_for_go();
    for (uint64_t n = 0; !stop; n++)
        CHECK(reclaim(n % 3) == 0);
    return unused;
}

static void in_child(void)
{
    alarm(30);
    /* Whoever held a lock is not there any more. */
    CHECK(reclaim(5) == 0);
    use();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, begins, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK(validate() == 0);
    CHECK(reclaim(0) == 0);
    _exit(0);
}

/* A process in which nobody has asked for anything yet. */
static void program(int forks)
{
    alarm(60);
    enum { THREADS = 3 };
    pthread_t threads[THREADS + 1];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, begins, NULL) == 0);
    CHECK(pthread_create(&threads[THREADS], NULL, sets, NULL) == 0);
    go = 1;
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            in_child();
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    stop = 1;
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(validate() == 0);
    _exit(0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(handle);
    make = (void *(*)(size_t))dlsym(handle, "fancy_malloc");
    take = (void (*)(void *))dlsym(handle, "fancy_free");
    reclaim = (int (*)(uint64_t))dlsym(handle, "fancy_set_reclaim");
    validate = (int (*)(void))dlsym(handle, "fancy_validate_heap");
    CHECK(make && take && reclaim && validate);
    for (int i = 0; i < atoi(argv[2]); i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            program(1 + i % 4 * 4);
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    puts("done");
    return 0;
}
