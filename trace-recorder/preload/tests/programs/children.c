/* Children of all kinds. Each makes 100 blocks of a size of its own; as a child program: argument "SIZE". */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void make(size_t size)
{
    for (int i = 0; i < 100; i++)
        if (malloc(size) == NULL)
            abort();
}

static void wait_for(pid_t pid)
{
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "a child failed\n");
        _exit(1);
    }
}

static void *in_thread(void *unused)
{
    (void)unused;
    make(4005);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1 && atoi(argv[1]) > 0) {
        make(atoi(argv[1]));
        return 0;
    }
    const char *me = argv[0];
    char *no_environment[] = {NULL};
    char *own[] = {"A=1", "LD_PRELOAD=", "B=2", NULL};
    make(4000);
    char *before = malloc(4999);

    pid_t pid = fork();
    if (pid == 0) {
        make(4001);
        free(before); /* a copy of the parent's block */
        _exit(0);
    }
    wait_for(pid);

    if ((pid = fork()) == 0) {
        execve(me, (char *[]){(char *)me, "4002", NULL}, no_environment);
        _exit(1);
    }
    wait_for(pid);

    if ((pid = vfork()) == 0) {
        execle(me, me, "4003", NULL, own);
        _exit(1);
    }
    wait_for(pid);

    if (posix_spawn(&pid, me, NULL, NULL, (char *[]){(char *)me, "4004", NULL}, no_environment) != 0)
        return 1;
    wait_for(pid);

    /* A child that starts a thread. */
    if ((pid = fork()) == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, in_thread, NULL) != 0)
            _exit(1);
        pthread_join(thread, NULL);
        exit(0);
    }
    wait_for(pid);

    /* Past the C library. */
    if ((pid = syscall(SYS_fork)) == 0) {
        make(4006);
        _exit(0);
    }
    wait_for(pid);

    if (system("true") != 0)
        return 1;

    clearenv();
    if ((pid = fork()) == 0) {
        execl(me, me, "4007", NULL);
        _exit(1);
    }
    wait_for(pid);

    make(4000);
    execlp(me, me, "4008", "b", "c", "d", "e", "f", "g", "h", NULL);
    return 1;
}
