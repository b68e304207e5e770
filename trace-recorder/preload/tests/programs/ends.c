/* Ends in the way that the argument says, with 1,000 blocks of 777 bytes made. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *sleep_on(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

int main(int argc, char **argv)
{
    const char *how = argv[argc - 1];
    volatile void *last;
    pthread_t thread;
    if (strcmp(how, "unjoined") == 0)
        pthread_create(&thread, NULL, sleep_on, NULL);
    if (strcmp(how, "closed") == 0)
        for (int fd = 3; fd < 4096; fd++)
            close(fd);
    for (int i = 0; i < 1000; i++)
        last = malloc(777);
    if (strcmp(how, "closed") == 0) {
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        /* More than what was prepared before. */
        for (int i = 0; i < 200000; i++)
            last = malloc(778);
    }
    (void)last;
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "crash") == 0)
        *(volatile int *)8 = 1;
    if (strcmp(how, "_exit") == 0)
        _exit(7);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(9);
    if (strcmp(how, "syscall") == 0)
        syscall(SYS_exit_group, 8);
    if (strcmp(how, "kill") == 0)
        kill(getpid(), SIGKILL);
    return strcmp(how, "status") == 0 ? 3 : 0;
}
