/* One breach a run, named by the arguments: BLOCK MISTAKE WHO. Prints the address that the message must name. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "check.h"

static char global[4096] __attribute__((aligned(16)));
static const char *mistake;
static size_t size;
static char *before, *block;

static void tell(void *address)
{
    /* Without the C library's buffers, which are blocks themselves. */
    char line[40];
    int length = snprintf(line, sizeof line, "%p\n", address);
    CHECK(write(1, line, (size_t)length) == length);
}

/* Two blocks, one right before the other: of many, since a heap may hand them out in any order. */
static void neighbours(void)
{
    enum { MANY = 64 };
    char *blocks[MANY];
    for (int i = 0; i < MANY; i++) {
        blocks[i] = malloc(size);
        memset(blocks[i], 0, size);
    }
    size_t least = (size_t)-1;
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < MANY; k++)
            if (blocks[i] < blocks[k] && (size_t)(blocks[k] - blocks[i]) < least) {
                least = (size_t)(blocks[k] - blocks[i]);
                before = blocks[i];
                block = blocks[k];
            }
    CHECK(least < size + size / 4 + 8192);
}

/* Blocks of this size come and go, so that those to come were in use before. */
static void warm(void)
{
    enum { MANY = 96 };
    void *blocks[MANY];
    for (int i = 0; i < MANY; i++)
        blocks[i] = malloc(size);
    for (int i = 0; i < MANY; i++)
        free(blocks[i]);
}

static void *make(void *unused)
{
    if (strncmp(mistake, "again-", 6) == 0) {
        mistake += 6;
        warm();
    }
    if (strncmp(mistake, "overflow", 8) == 0 && size <= 524288)
        neighbours();
    else
        block = malloc(size);
    return unused;
}

/* What an overflow of the block before leaves: bytes that go up to or into the header of `block`. */
static void overflow(size_t bytes, int byte)
{
    size_t header = size <= 1016 ? 8 : size <= 524288 ? 16 : 64;
    char *start = block - header;
    if (before)
        CHECK(start >= before + size && start < before + size + size / 4 + 8192);
    memset(start, byte, bytes);
}

static int bare;

static void *breach(void *unused)
{
    /* Unless it is bare, the thread has a heap of its own first. */
    void *volatile first = bare ? NULL : malloc(10);
    char stack[256] __attribute__((aligned(16)));
    memset(stack, 0, sizeof stack);
    if (strcmp(mistake, "double") == 0) {
        free(block);
        tell(block);
        free(block);
    } else if (strcmp(mistake, "double-late") == 0) {
        /* Others come and go between the two. */
        void *others[50];
        free(block);
        for (int i = 0; i < 50; i++)
            others[i] = malloc(size <= 1016 ? size / 2 + 400 : 100);
        tell(block);
        free(block);
        free(others[0]);
    } else if (strcmp(mistake, "realloc") == 0) {
        free(block);
        tell(block);
        block = realloc(block, size + 100);
    } else if (strcmp(mistake, "interior") == 0) {
        memset(block, 0x41, size);
        tell(block + 16);
        free(block + 16);
    } else if (strcmp(mistake, "interior-zero") == 0) {
        memset(block, 0, size);
        tell(block + size / 32 * 16);
        free(block + size / 32 * 16);
    } else if (strcmp(mistake, "interior-realloc") == 0) {
        memset(block, 0, size);
        tell(block + 16);
        block = realloc(block + 16, size);
    } else if (strcmp(mistake, "unaligned") == 0) {
        tell(block + 1);
        free(block + 1);
    } else if (strcmp(mistake, "unaligned-realloc") == 0) {
        tell(block + 8);
        block = realloc(block + 8, size);
    } else if (strcmp(mistake, "stack") == 0) {
        tell(stack + 64);
        free(stack + 64);
    } else if (strcmp(mistake, "global") == 0) {
        tell(global + 1024);
        free(global + 1024);
    } else if (strcmp(mistake, "mapped") == 0) {
        char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        tell(map + 65536);
        free(map + 65536);
    } else if (strcmp(mistake, "unmapped") == 0) {
        char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(map, 1 << 20);
        tell(map + 65536);
        free(map + 65536);
    } else if (strcmp(mistake, "wild") == 0) {
        tell((void *)0x123450);
        free((void *)0x123450);
    } else if (strncmp(mistake, "overflow-", 9) == 0) {
        /* overflow-BYTES-VALUE */
        char *end;
        size_t bytes = strtoul(mistake + 9, &end, 10);
        overflow(bytes, (int)strtol(end + 1, NULL, 16));
        tell(block);
        free(block);
    } else if (strcmp(mistake, "write-after") == 0) {
        /* Told when the link is followed: by one of the next requests of that size. */
        void *held[64];
        free(block);
        tell(block);
        memset(block, 0x41, 8);
        for (int i = 0; i < 64; i++)
            held[i] = malloc(size);
        free(held[0]);
    } else if (strcmp(mistake, "write-free-chunk") == 0) {
        /* Both links of chunks that went home. */
        void *around[64];
        for (int i = 0; i < 64; i++)
            around[i] = malloc(size);
        for (int i = 1; i < 64; i += 2)
            free(around[i]);
        for (int i = 1; i < 64; i += 2)
            memset(around[i], 0x41, 16);
        tell(around[1]);
        for (int i = 0; i < 64; i += 2)
            free(around[i]);
        for (int i = 0; i < 64; i++)
            around[i] = malloc(size);
    } else if (strcmp(mistake, "read-after") == 0) {
        memset(block, 0x41, size);
        free(block);
        puts(all(block + 8, 0xdf, (size < 1024 ? size : 1024) - 8) ? "done" : "kept");
    } else if (strcmp(mistake, "beyond") == 0) {
        /* The first byte that no request of this size may use. */
        volatile char *end = block + malloc_usable_size(block);
        tell(block);
        *end = 1;
    } else if (strcmp(mistake, "before") == 0) {
        volatile char *start = (char *)(((uintptr_t)block - 64) & ~(uintptr_t)4095);
        tell(block);
        start[-1] = 1;
    } else if (strcmp(mistake, "touch-after") == 0) {
        free(block);
        tell(block);
        *(volatile char *)block = 1;
    } else if (strcmp(mistake, "underflow") == 0) {
        /* What says where its run is. */
        block[-1] ^= 1;
        tell(block);
        free(block);
    } else if (strcmp(mistake, "places") == 0) {
        char *last = block;
        for (int i = 0; i < 24; i++) {
            char *next = malloc(size);
            printf("%ld ", (long)(next - last));
            last = next;
        }
        puts("\ndone");
    } else if (strcmp(mistake, "none") == 0) {
        free(block);
        puts("done");
    }
    return unused;
}

int main(int argc, char **argv)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    CHECK(argc == 4);
    size = strtoul(argv[1], NULL, 10);
    mistake = argv[2];
    void *other = malloc(5000); /* so that the heap has an arena of its own */
    pthread_t thread;
    /* own: all in one thread; other: made by one that lives on, misused by another; ended: the maker has ended; bare: the
       breach is the first request of its thread. */
    if (strcmp(argv[3], "own") == 0) {
        make(NULL);
        breach(NULL);
    } else if (strcmp(argv[3], "ended") == 0) {
        CHECK(pthread_create(&thread, NULL, make, NULL) == 0);
        pthread_join(thread, NULL);
        breach(NULL);
    } else {
        make(NULL);
        bare = strcmp(argv[3], "bare") == 0;
        CHECK(pthread_create(&thread, NULL, breach, NULL) == 0);
        pthread_join(thread, NULL);
    }
    free(other);
    return 0; /* a breach that nobody noticed */
}
