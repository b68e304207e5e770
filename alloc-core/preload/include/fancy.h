/* fancy: a per-thread arena allocator. Link with -lfancy, or preload libfancy.so, which replaces malloc as well. */
#ifndef FANCY_H
#define FANCY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As the functions of the C library without the prefix. Blocks may be freed by any thread, and by free() as well where
 * libfancy.so provides it. Sizes are in bytes; errno is ENOMEM when a request is refused. */
void *fancy_malloc(size_t size);
void fancy_free(void *block);
void *fancy_calloc(size_t count, size_t size);
void *fancy_realloc(void *block, size_t size);
void *fancy_aligned_alloc(size_t align, size_t size);
int fancy_posix_memalign(void **out, size_t align, size_t size);
size_t fancy_usable_size(void *block);

/* What the process's allocator has done and holds; all sizes in bytes. Other running threads count as of their last request
 * that their cache could not answer. */
struct fancy_stats {
    uint64_t alloc_calls;
    uint64_t free_calls;
    uint64_t failed;
    uint64_t current_bytes;
    uint64_t peak_bytes;
    uint64_t footprint_bytes; /* got from the system and not given back */
    uint64_t pooled_bytes;    /* of these, bytes that wait for reuse */
    uint64_t reclaimed_bytes; /* given back by the reclaimer */
    uint64_t arenas;
    uint64_t heaps;
};
void fancy_get_stats(struct fancy_stats *out);
void fancy_print_stats(void); /* to standard error */

/* Checks every header, link and list of the calling thread's heap: 0 if sound, 1 if broken (a line says where). */
int fancy_validate_heap(void);

/* How many blocks of all threads are not freed; prints a line if there are any. */
uint64_t fancy_check_leaks(void);

/* Gives memory that waits for reuse back to the system; returns bytes. */
uint64_t fancy_trim(void);

/* Starts the background reclaimer with this interval, or ends it (0). 0, or -1 if no thread could be started. */
int fancy_set_reclaim(uint64_t interval_ms);

#ifdef __cplusplus
}
#endif
#endif
