/* The system refuses memory at the n-th question, for every n: once, or from then on. What is refused says ENOMEM, nothing is
 * lost, and when the system gives memory again everything works. Argument: `once`, `on`, or `back`, where it is the taking
 * back of memory that fails (as at the system's limit of mappings).
 *
 * The questions are the functions below, which stand before the C library's for every object of the process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "fancy.h"

static atomic_long asked;
static atomic_int armed;
static long refused_from;
static int once, of_return;

static int refuses(int returns)
{
    if (!armed || returns != of_return)
        return 0;
    long number = asked++;
    if (number < refused_from || (once && number > refused_from))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *mmap(void *at, size_t length, int access, int flags, int file, off_t offset)
{
    if (refuses(0))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, length, access, flags, file, offset);
}

int munmap(void *at, size_t length) { return refuses(1) ? -1 : (int)syscall(SYS_munmap, at, length); }

int mprotect(void *at, size_t length, int access)
{
    return refuses(0) ? -1 : (int)syscall(SYS_mprotect, at, length, access);
}

void *mremap(void *at, size_t length, size_t new_length, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    void *to = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
    va_end(rest);
    if (refuses(0))
        return MAP_FAILED;
    return (void *)syscall(SYS_mremap, at, length, new_length, flags, to);
}

#define KEPT 60
struct kept {
    unsigned char *start;
    size_t length;
};
static atomic_long refusals;
static __typeof__(fancy_validate_heap) *validate;
static __typeof__(fancy_get_stats) *get_stats;

static size_t size_of(uint64_t random)
{
    static const size_t edges[] = {16, 1016, 1017, 32768, 40000, 300000, 524289, 1 << 20};
    size_t edge = edges[random % 8];
    if (edge == 1 << 20 && random / 8 % 4 == 0)
        edge = 4 << 20;
    return edge < 2000 ? 1 + random / 8 % edge : edge - random / 8 % (edge / 8);
}

static void is_refused(void)
{
    CHECK(errno == ENOMEM);
    CHECK(armed);
    refusals++;
}

static void fill(struct kept *kept, void *start, size_t length)
{
    kept->start = start;
    kept->length = length;
    memset(start, (int)(length & 255), length);
}

static void look(struct kept *kept, size_t length) { CHECK(all(kept->start, kept->length & 255, length)); }

static void step(struct kept *kept, uint64_t random)
{
    size_t length = size_of(random >> 8);
    void *new = NULL;
    errno = 0;
    if (kept->start && random % 3 == 0) {
        size_t both = length < kept->length ? length : kept->length;
        if (!(new = realloc(kept->start, length))) {
            is_refused();
            look(kept, kept->length);
            return;
        }
        kept->start = new;
        look(kept, both);
        fill(kept, new, length);
        return;
    }
    if (kept->start) {
        look(kept, kept->length);
        free(kept->start);
        kept->start = NULL;
        return;
    }
    switch (random / 3 % 4) {
    case 0:
        if ((new = calloc(1, length)))
            CHECK(all(new, 0, length));
        break;
    case 1:
        errno = posix_memalign(&new, 64 << random / 16 % 10, length);
        break;
    default:
        new = malloc(length);
    }
    if (new)
        fill(kept, new, length);
    else
        is_refused();
}

static void *program(void *seed)
{
    struct kept kept[KEPT] = {{0}};
    uint64_t state = (uintptr_t)seed;
    for (int i = 0; i < 200; i++) {
        uint64_t random = next_random(&state);
        step(&kept[random % KEPT], random / KEPT);
    }
    for (int i = 0; i < KEPT; i++)
        if (kept[i].start) {
            look(&kept[i], kept[i].length);
            free(kept[i].start);
        }
    return NULL;
}

#define THREADS 3
static pthread_t started[THREADS];
static atomic_int go;

static void *waits(void *seed)
{
    while (!go)
        usleep(100);
    return program(seed);
}

/* Made before anything is refused: the C library asks for memory for each. */
static void begin_threads(void)
{
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&started[i], NULL, waits, (void *)(i + 7)) == 0);
}

static void run_threads(void)
{
    go = 1;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(started[i], NULL) == 0);
    go = 0;
}

/* Ends with 3 if there was an n-th question, else with 0. */
static void child(long n)
{
    alarm(120);
    struct fancy_stats before, after;
    get_stats(&before);
    refused_from = n;
    begin_threads();
    armed = 1;
    program((void *)5);
    run_threads();
    malloc_trim(0);
    armed = 0;
    int reached = asked > n;
    CHECK(validate() == 0);
    get_stats(&after);
    CHECK(after.failed - before.failed == (uint64_t)refusals);
    CHECK(of_return || reached || refusals == 0);
    /* Nobody refuses any more. */
    program((void *)11);
    begin_threads();
    run_threads();
    void *large = malloc(100 << 20);
    CHECK(large);
    free(large);
    malloc_trim(0);
    CHECK(validate() == 0);
    get_stats(&after);
    CHECK(after.failed - before.failed == (uint64_t)refusals);
    CHECK(after.pooled_bytes == 0);
    _exit(reached ? 3 : 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2 || argc == 3);
    once = strcmp(argv[1], "on") != 0;
    of_return = strcmp(argv[1], "back") == 0;
    validate = (__typeof__(validate))dlsym(RTLD_DEFAULT, "fancy_validate_heap");
    get_stats = (__typeof__(get_stats))dlsym(RTLD_DEFAULT, "fancy_get_stats");
    CHECK(validate && get_stats);
    long n = 0;
    if (argc == 3) /* one alone, for a debugger */
        child(atol(argv[2]));
    for (int more = 1; more; n++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child(n);
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid);
        if (status != 0 && status != 3 << 8)
            fprintf(stderr, "the %ld-th: status %#x\n", n, status);
        CHECK(status == 0 || status == 3 << 8);
        more = status != 0;
    }
    fprintf(stderr, "%s: %ld questions\n", argv[1], n - 1);
    CHECK(n > 5);
    puts("done");
    return 0;
}
