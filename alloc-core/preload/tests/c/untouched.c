/* Large tables of zeros of which a program writes little take little memory, as long as there is memory that nobody used: at most one
   of argv[2] parts of their length, if that is not 0. */
#include <sys/resource.h>
#include "check.h"

#define TABLES 200

static long peak_kib(void)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    size_t size = strtoul(argv[1], NULL, 10), parts = strtoul(argv[2], NULL, 10);
    unsigned char *tables[TABLES];
    long before = peak_kib();
    for (int i = 0; i < TABLES; i++) {
        tables[i] = calloc(1, size);
        CHECK(tables[i]);
        tables[i][size / 2] = 1;
    }
    long grown = peak_kib() - before;
    if (parts && grown > (long)(TABLES * size / 1024 / parts)) {
        fprintf(stderr, "%d tables of %zu bytes, one byte of each written: %ld KiB more\n", TABLES, size, grown);
        return 1;
    }
    /* What was written is zero in the next table that lies there. */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < TABLES; i++) {
            memset(tables[i], 0xa5, size);
            free(tables[i]);
        }
        for (int i = 0; i < TABLES; i++) {
            tables[i] = calloc(size, 1);
            CHECK(tables[i] && all(tables[i], 0, size));
        }
    }
    puts("done");
    return 0;
}
