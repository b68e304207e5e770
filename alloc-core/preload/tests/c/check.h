/* What every program here uses: a check that names its line, and a byte pattern. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                       \
    do {                                                                                  \
        if (!(what)) {                                                                    \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #what, errno); \
            _Exit(1);                                                                     \
        }                                                                                 \
    } while (0)

/* Whether `count` bytes are all `byte`. */
static inline int all(const void *block, unsigned char byte, size_t count)
{
    const unsigned char *at = (const unsigned char *)block;
    /* If the first is, and each is as the one before it. */
    return count == 0 || (at[0] == byte && memcmp(at, at + 1, count - 1) == 0);
}

/* A number that looks random; the seed must not be 0. */
static inline uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#endif
