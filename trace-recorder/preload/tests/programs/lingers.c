/* Ends at once; a child goes on for half a second and makes 100 blocks of 4321 bytes then, and leaves by quick_exit. */
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    volatile void *last = malloc(4320);
    if (fork() != 0)
        return 0;
    usleep(500000);
    for (int i = 0; i < 100; i++)
        last = malloc(4321);
    (void)last;
    quick_exit(0);
}
