/* dlopen and dlclose: of an object that allocates, and (with `itself`) of libfancy.so in a program that runs without it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
#include "check.h"

static void *(*made)(size_t);
static void (*taken)(void *);
static const char *object;
static int ready[2], go[2];

static void *uses(void *unused)
{
    for (int i = 0; i < 2000; i++) {
        void *block = made((size_t)i * 37 % 40000);
        CHECK(block);
        memset(block, 1, (size_t)i * 37 % 40000);
        taken(block);
    }
    return unused;
}

static void *plugs(void *unused)
{
    for (int i = 0; i < 200; i++) {
        void *handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
        CHECK(handle);
        void *(*make)(size_t) = (void *(*)(size_t))dlsym(handle, "plugin_make");
        void (*take)(void *) = (void (*)(void *))dlsym(handle, "plugin_take");
        CHECK(make && take);
        char *kept = make(1000), *back = make(50000);
        take(back);
        take(malloc(30));
        CHECK(dlclose(handle) == 0);
        CHECK(all(kept, 6, 1000));
        free(kept);
    }
    return unused;
}

static void *waits(void *unused)
{
    char byte;
    CHECK(write(ready[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1);
    return uses(unused);
}

static void run(void *(*body)(void *), int count)
{
    pthread_t threads[8];
    for (int i = 0; i < count; i++)
        CHECK(pthread_create(&threads[i], NULL, body, NULL) == 0);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    object = argv[2];
    if (strcmp(argv[1], "plugin") == 0) {
        run(plugs, 4);
        plugs(NULL);
        puts("done");
        return 0;
    }
    /* A thread that was there before the object came gets its word too. */
    pthread_t early;
    char byte;
    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    CHECK(pthread_create(&early, NULL, waits, NULL) == 0);
    CHECK(read(ready[0], &byte, 1) == 1);
    void *handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(handle);
    made = (void *(*)(size_t))dlsym(handle, "fancy_malloc");
    taken = (void (*)(void *))dlsym(handle, "fancy_free");
    int (*validate)(void) = (int (*)(void))dlsym(handle, "fancy_validate_heap");
    CHECK(made && taken && validate);
    CHECK(write(go[1], "x", 1) == 1);
    run(uses, 4);
    pthread_join(early, NULL);
    char *kept = made(1000);
    memset(kept, 6, 1000);
    CHECK(validate() == 0);
    CHECK(dlclose(handle) == 0);
    /* Destructors of threads and blocks lead into it: it stays. */
    run(uses, 4);
    CHECK(all(kept, 6, 1000));
    taken(kept);
    handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    CHECK(handle && dlsym(handle, "fancy_malloc") == (void *)made);
    puts("done");
    return 0;
}
