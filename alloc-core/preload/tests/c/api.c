/* The C interface of include/fancy.h, from C and from C++. */
#include "fancy.h"
#include <pthread.h>
#include "check.h"

static void *leave_some(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        if (!fancy_malloc(3000))
            return NULL;
    return NULL;
}

int main(void)
{
    struct fancy_stats before, full, after;
    fancy_get_stats(&before);
    unsigned char *block = (unsigned char *)fancy_malloc(100);
    CHECK(block && (uintptr_t)block % 16 == 0 && fancy_usable_size(block) >= 100);
    memset(block, 7, 100);
    block = (unsigned char *)fancy_realloc(block, 100000);
    CHECK(block && all(block, 7, 100));
    fancy_free(block);
    CHECK(fancy_realloc(fancy_malloc(10), 0) == NULL);
    block = (unsigned char *)fancy_calloc(1000, 1000);
    CHECK(block && all(block, 0, 1000000));
    free(block); /* either's free takes either's blocks */
    void *plain = malloc(100), *aligned = NULL;
    fancy_free(plain);
    CHECK(fancy_posix_memalign(&aligned, 4096, 10) == 0 && (uintptr_t)aligned % 4096 == 0);
    fancy_free(aligned);
    CHECK(fancy_posix_memalign(&aligned, 3, 10) == EINVAL);
    errno = 0;
    CHECK(fancy_aligned_alloc(3, 10) == NULL && errno == EINVAL);
    aligned = fancy_aligned_alloc(128, 10);
    CHECK(aligned && (uintptr_t)aligned % 128 == 0);
    fancy_free(aligned);
    fancy_free(NULL);
    CHECK(fancy_calloc((size_t)-1, 2) == NULL && errno == ENOMEM);

    void *held[100];
    for (int i = 0; i < 100; i++)
        held[i] = fancy_malloc(50000);
    fancy_get_stats(&full);
    CHECK(full.alloc_calls >= before.alloc_calls + 100 && full.failed == before.failed + 1);
    CHECK(full.current_bytes >= before.current_bytes + 4000000 && full.peak_bytes >= full.current_bytes);
    CHECK(full.footprint_bytes >= full.current_bytes && full.heaps >= 1 && full.arenas >= 1);
    CHECK(fancy_validate_heap() == 0);
    for (int i = 0; i < 100; i++)
        fancy_free(held[i]);
    fancy_get_stats(&after);
    CHECK(after.free_calls >= full.free_calls + 100);
    CHECK(after.alloc_calls - after.free_calls == before.alloc_calls - before.free_calls);
    CHECK(fancy_validate_heap() == 0);

    uint64_t leaks = fancy_check_leaks();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, leave_some, NULL) == 0);
    pthread_join(thread, NULL);
    uint64_t more = fancy_check_leaks();
    /* The C library keeps a block or two for a thread. */
    CHECK(more >= leaks + 10 && more <= leaks + 13);

    fancy_trim();
    fancy_get_stats(&after);
    CHECK(after.pooled_bytes == 0);
    CHECK(fancy_trim() == 0);
    CHECK(fancy_set_reclaim(20) == 0);
    CHECK(fancy_set_reclaim(30) == 0);
    fancy_free(fancy_malloc(4 << 20));
    CHECK(fancy_set_reclaim(0) == 0);
    CHECK(fancy_set_reclaim(0) == 0);
    fancy_print_stats();
    puts("done");
    return 0;
}
