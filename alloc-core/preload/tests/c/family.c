/* Every function of the malloc family keeps its contract: malloc(3), posix_memalign(3), malloc_usable_size(3), mallinfo(3). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include "check.h"

static const size_t SIZES[] = {0, 1, 8, 23, 24, 25, 100, 1016, 1017, 4096, 5000, 32768, 32769, 100000, 524288, 524289,
                               1 << 20, (5 << 20) + 3, 70 << 20};
#define COUNT (sizeof SIZES / sizeof *SIZES)
/* Not a constant to the compiler, which else complains about sizes that no block can have. */
static volatile size_t huge[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 4096, PTRDIFF_MAX, (size_t)1 << 62, (size_t)1 << 48};

static int refused(void *block)
{
    int code = errno;
    errno = 0;
    return block == NULL && code == ENOMEM;
}

static int aligned_to(void *block, size_t align) { return block && (uintptr_t)block % align == 0; }

static void blocks_are_aligned_and_as_long_as_they_say(void)
{
    void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = malloc(SIZES[i]);
        CHECK(aligned_to(blocks[i], 16));
        size_t usable = malloc_usable_size(blocks[i]);
        CHECK(usable >= SIZES[i]);
        memset(blocks[i], (int)i + 1, usable);
    }
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(all(blocks[i], i + 1, malloc_usable_size(blocks[i])));
        errno = 77;
        free(blocks[i]);
        CHECK(errno == 77);
    }
    free(NULL);
    CHECK(malloc_usable_size(NULL) == 0);
    void *a = malloc(0), *b = malloc(0);
    CHECK(a && b && a != b);
    free(a);
    free(b);
}

static void what_no_memory_has_is_refused(void)
{
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        void *kept = malloc(100);
        memset(kept, 9, 100);
        errno = 0;
        CHECK(refused(malloc(huge[i])));
        CHECK(refused(calloc(huge[i], 1)));
        CHECK(refused(calloc(1, huge[i])));
        CHECK(refused(realloc(NULL, huge[i])));
        CHECK(refused(realloc(kept, huge[i])));
        CHECK(refused(reallocarray(kept, huge[i], 1)));
        CHECK(refused(memalign(64, huge[i])));
        CHECK(refused(aligned_alloc(4096, huge[i])));
        CHECK(refused(valloc(huge[i])));
        CHECK(refused(pvalloc(huge[i])));
        void *out = kept;
        errno = 77;
        CHECK(posix_memalign(&out, 64, huge[i]) == ENOMEM && out == kept && errno == 77);
        CHECK(all(kept, 9, 100));
        free(kept);
        errno = 0;
    }
    CHECK(refused(calloc(huge[0], 2)));
    CHECK(refused(calloc((size_t)1 << 32, (size_t)1 << 32)));
    CHECK(refused(reallocarray(NULL, (size_t)1 << 33, (size_t)1 << 33)));
    char *kept = malloc(50);
    memset(kept, 3, 50);
    CHECK(refused(reallocarray(kept, huge[0] / 2, 3)));
    CHECK(all(kept, 3, 50));
    free(kept);
}

static void calloc_is_zero_after_reuse(void)
{
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < COUNT; i++) {
            void *dirty[4];
            for (int k = 0; k < 4; k++) {
                dirty[k] = k % 2 ? memalign(256, SIZES[i]) : malloc(SIZES[i]);
                CHECK(dirty[k]);
                memset(dirty[k], 0xff, malloc_usable_size(dirty[k]));
                if (SIZES[i] > 1 << 20) {
                    free(dirty[k]);
                    dirty[k] = NULL;
                }
            }
            for (int k = 0; k < 4; k++)
                free(dirty[k]);
            void *zero = calloc(1, SIZES[i]), *more = calloc(SIZES[i] / 8 + 1, 8);
            CHECK(zero && all(zero, 0, SIZES[i]));
            CHECK(more && all(more, 0, SIZES[i] / 8 * 8 + 8));
            free(zero);
            free(more);
        }
}

static void realloc_keeps_contents(void)
{
    CHECK(realloc(malloc(10), 0) == NULL);
    unsigned char *block = realloc(NULL, 1);
    block[0] = 1;
    size_t size = 1;
    for (; size < 16 << 20; size = size * 7 / 4 + 1) {
        size_t more = size * 7 / 4 + 1;
        block = realloc(block, more);
        CHECK(aligned_to(block, 16));
        CHECK(all(block, 1, size));
        memset(block, 1, more);
    }
    for (; size > 1; size = size * 2 / 3) {
        block = realloc(block, size);
        CHECK(block && all(block, 1, size));
    }
    free(block);
    for (size_t align = 16; align <= 1 << 20; align *= 4)
        for (size_t i = 1; i < COUNT - 1; i++) {
            unsigned char *odd = memalign(align, SIZES[i]);
            CHECK(aligned_to(odd, align));
            memset(odd, 5, SIZES[i]);
            odd = realloc(odd, SIZES[i] * 2);
            CHECK(aligned_to(odd, 16) && all(odd, 5, SIZES[i]));
            odd = realloc(odd, SIZES[i] / 2 + 1);
            CHECK(odd && all(odd, 5, SIZES[i] / 2 + 1));
            free(odd);
        }
}

static void alignments_are_kept_or_refused(void)
{
    static volatile size_t wrong[] = {0, 1, 2, 3, 4, 7, 24, 48, 100};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        void *out = &out;
        errno = 77;
        CHECK(posix_memalign(&out, wrong[i], 10) == EINVAL && out == &out && errno == 77);
        int power = wrong[i] && !(wrong[i] & (wrong[i] - 1));
        void *block = aligned_alloc(wrong[i], 10);
        if (power)
            CHECK(aligned_to(block, 16));
        else
            CHECK(block == NULL && errno == EINVAL);
        free(block);
        /* memalign rounds up. */
        size_t up = 1;
        while (up < wrong[i])
            up *= 2;
        block = memalign(wrong[i], 10);
        CHECK(aligned_to(block, up));
        free(block);
    }
    static volatile size_t beyond = (size_t)1 << 63;
    errno = 0;
    CHECK(refused(memalign(beyond, 1)));
    CHECK(memalign(beyond + 1, 1) == NULL && errno == EINVAL);
    for (size_t align = 8; align <= 4 << 20; align *= 2)
        for (size_t i = 0; i < COUNT; i++) {
            void *a = NULL;
            CHECK(posix_memalign(&a, align, SIZES[i]) == 0 && aligned_to(a, align));
            void *b = aligned_alloc(align, SIZES[i]), *c = memalign(align, SIZES[i]);
            CHECK(aligned_to(b, align) && aligned_to(c, align));
            CHECK(malloc_usable_size(a) >= SIZES[i] && malloc_usable_size(c) >= SIZES[i]);
            if (SIZES[i]) {
                memset(a, 1, SIZES[i] < 8192 ? SIZES[i] : 8192);
                memset(b, 2, SIZES[i] < 8192 ? SIZES[i] : 8192);
                ((char *)c)[SIZES[i] - 1] = 3;
                CHECK(*(char *)a == 1);
            }
            free(a);
            free(b);
            free(c);
        }
    void *page = valloc(10), *pages = pvalloc(5000);
    CHECK(aligned_to(page, 4096) && aligned_to(pages, 4096));
    CHECK(malloc_usable_size(pages) >= 8192);
    free(page);
    free(pages);
    pages = pvalloc(0);
    CHECK(aligned_to(pages, 4096) && malloc_usable_size(pages) >= 4096);
    free(pages);
}

static void figures_follow(void)
{
    struct mallinfo2 before = mallinfo2();
    char *large = malloc(10 << 20), *medium[100];
    memset(large, 1, 10 << 20);
    for (int i = 0; i < 100; i++)
        medium[i] = malloc(50000);
    struct mallinfo2 full = mallinfo2();
    CHECK(full.hblkhd >= before.hblkhd + (10 << 20) && full.hblks == before.hblks + 1);
    /* What a thread keeps for its next requests counts too, and comes and goes. */
    CHECK(full.uordblks + (1 << 20) >= before.uordblks + (10 << 20) + 100 * 50000);
    CHECK(full.arena >= 100 * 50000);
    struct mallinfo narrow = mallinfo();
    CHECK((size_t)narrow.uordblks == full.uordblks && (size_t)narrow.hblks == full.hblks);
    for (int i = 0; i < 100; i++)
        free(medium[i]);
    free(large);
    struct mallinfo2 after = mallinfo2();
    CHECK(after.uordblks + (10 << 20) <= full.uordblks && after.hblks == before.hblks);
    malloc_trim(0);
    CHECK(mallinfo2().keepcost == 0);
    CHECK(malloc_trim(0) == 0);
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 0);
}

static void the_c_library_s_blocks_are_ours(void)
{
    Dl_info info;
    CHECK(dladdr((void *)malloc, &info) && strstr(info.dli_fname, "libfancy"));
    char *text = strdup("text"), *line = NULL;
    CHECK(asprintf(&line, "%s and %d", text, 5) == 10 && strcmp(line, "text and 5") == 0);
    free(text);
    free(line);
    FILE *file = tmpfile();
    CHECK(file && fputs("a line\n", file) >= 0);
    rewind(file);
    size_t room = 0;
    line = NULL;
    CHECK(getline(&line, &room, file) == 7);
    free(line);
    fclose(file);
}

int main(void)
{
    the_c_library_s_blocks_are_ours();
    blocks_are_aligned_and_as_long_as_they_say();
    what_no_memory_has_is_refused();
    calloc_is_zero_after_reuse();
    realloc_keeps_contents();
    alignments_are_kept_or_refused();
    figures_follow();
    malloc_stats();
    puts("done");
    return 0;
}
