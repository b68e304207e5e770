/* Names its phases; with an argument, runs for so many tenths of a second and makes a block of 5,001 bytes each millisecond. */
#include <stdlib.h>
#include <unistd.h>

#include "../../include/heaptape.h"

int main(int argc, char **argv)
{
    heaptape_phase("loading");
    free(malloc(5000));
    heaptape_phase("a rather long name of a phase, with ümläuts");
    free(malloc(5000));
    heaptape_phase("loading");
    if (argc > 1)
        for (int i = 0; i < atoi(argv[1]) * 100; i++) {
            free(malloc(5001));
            usleep(1000);
        }
    return 0;
}
