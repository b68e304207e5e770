/* Memory ends (RLIMIT_AS): requests are refused with ENOMEM, nothing is lost, and the heap works after it. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include "check.h"

#define ROOM (192u << 20)
#define MOST 200000

static size_t address_space(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    return pages * 4096;
}

static void **blocks;

static size_t fill(size_t size)
{
    size_t count = 0;
    errno = 0;
    while (count < MOST) {
        unsigned char *block = malloc(size);
        if (!block) {
            CHECK(errno == ENOMEM);
            break;
        }
        memset(block, (int)(count & 255), size);
        blocks[count++] = block;
    }
    return count;
}

static void empty(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(all(blocks[i], i & 255, size));
        free(blocks[i]);
    }
}

static void *in_a_thread(void *arg)
{
    size_t size = *(size_t *)arg;
    size_t count = fill(size);
    empty(count, size);
    return NULL;
}

int main(int argc, char **argv)
{
    size_t size = strtoul(argv[1], NULL, 10);
    (void)argc;
    blocks = malloc(MOST * sizeof *blocks);
    free(malloc(size));
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 << 10);
    struct rlimit limit = {address_space() + ROOM, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    size_t first = fill(size);
    CHECK(first < MOST && first * size > ROOM / 2);
    /* Everything else is refused as well, and changes nothing. */
    void *out = NULL;
    errno = 0;
    CHECK(malloc(256u << 20) == NULL && errno == ENOMEM);
    CHECK(calloc(256, 1 << 20) == NULL);
    CHECK(realloc(blocks[0], 256u << 20) == NULL && errno == ENOMEM);
    CHECK(posix_memalign(&out, 4096, 256u << 20) == ENOMEM && out == NULL);
    empty(first, size);
    for (int round = 0; round < 3; round++) {
        size_t again = fill(size);
        CHECK(again * 10 >= first * 9);
        empty(again, size);
    }
    pthread_t thread;
    malloc_trim(0);
    CHECK(pthread_create(&thread, &attr, in_a_thread, &size) == 0);
    pthread_join(thread, NULL);
    malloc_trim(0);
    /* And for other sizes than those that filled it. */
    void *other = malloc(64u << 20);
    CHECK(other);
    memset(other, 1, 64u << 20);
    free(other);
    puts("done");
    return 0;
}
