// Frees and requests at a thread's end, at the program's end, and while signals come.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <pthread.h>
#include <string>
#include <sys/time.h>
#include <thread>
#include <threads.h>
#include <unistd.h>
#include <vector>
#include "check.h"

namespace {

// Allocates and frees while it goes, as destructors do.
struct Late {
    std::vector<char *> blocks;
    std::string name = std::string(300, 'n');
    ~Late()
    {
        for (char *block : blocks)
            std::free(block);
        std::string text = name + std::string(2000, 'x');
        std::vector<char> large(700000, 1);
        CHECK(text.size() == 2300 && large.back() == 1);
    }
};

thread_local Late of_thread;
Late of_program;
pthread_key_t keys[40];
tss_t tss;
std::atomic<int> rounds{0};

void again(void *value)
{
    // Comes in every round that the system makes, the last ones long after the allocator's own destructor.
    std::free(value);
    rounds++;
    void *next = std::malloc(5000);
    CHECK(next);
    std::free(std::realloc(next, 50000));
    pthread_setspecific(keys[39], std::malloc(40));
}

void once(void *value) { std::free(value); }

void fill(int seed)
{
    uint64_t state = (uint64_t)seed + 1;
    for (int i = 0; i < 500; i++)
        of_thread.blocks.push_back((char *)std::malloc(next_random(&state) % 3000));
    of_thread.blocks.push_back((char *)std::malloc(40000));
    of_thread.blocks.push_back((char *)std::malloc(2 << 20));
    for (int i = 0; i < 39; i++)
        pthread_setspecific(keys[i], std::malloc((size_t)i * 700 + 1));
    pthread_setspecific(keys[39], std::malloc(1));
    tss_set(tss, std::malloc(100));
}

void make_keys()
{
    for (int i = 0; i < 39; i++)
        CHECK(pthread_key_create(&keys[i], once) == 0);
    CHECK(pthread_key_create(&keys[39], again) == 0);
    CHECK(tss_create(&tss, once) == thrd_success);
}

int threads()
{
    for (int wave = 0; wave < 20; wave++) {
        std::vector<std::thread> all;
        for (int i = 0; i < 8; i++)
            all.emplace_back(fill, wave * 8 + i);
        for (std::thread &thread : all)
            thread.join();
    }
    CHECK(rounds >= 160);
    return 0;
}

char *last;
void at_exit_frees()
{
    std::free(last);
    std::free(std::malloc(100000));
}

[[noreturn]] void busy(uint64_t seed)
{
    for (;;) {
        void *block = std::malloc(next_random(&seed) % 60000);
        CHECK(block);
        std::free(block);
    }
}

int leave(bool by_pthread)
{
    CHECK(std::atexit(at_exit_frees) == 0);
    last = (char *)std::malloc(3000);
    of_program.blocks.push_back((char *)std::malloc(70000));
    if (by_pthread) {
        std::thread([] {
            fill(3);
            usleep(50000);
        }).detach();
        pthread_exit(nullptr);
    }
    for (int i = 0; i < 4; i++)
        std::thread(busy, i + 1).detach();
    usleep(100000);
    std::exit(0);
}

std::atomic<int> ticks{0};

int signals()
{
    struct sigaction action = {};
    action.sa_handler = [](int) { ticks++; };
    CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
    itimerval every = {{0, 500}, {0, 500}};
    CHECK(setitimer(ITIMER_REAL, &every, nullptr) == 0);
    std::vector<std::thread> all;
    for (int i = 0; i < 4; i++)
        all.emplace_back([i] {
            uint64_t state = (uint64_t)i + 1;
            std::vector<std::string> kept(100);
            while (ticks < 400)
                kept[next_random(&state) % 100] = std::string(next_random(&state) % 70000, 's');
        });
    for (std::thread &thread : all)
        thread.join();
    return 0;
}

// A program may block a signal in all of its threads and wait for it: no thread of the allocator's takes it away.
int blocked()
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
    for (int i = 0; i < 20; i++) {
        CHECK(kill(getpid(), i % 2 ? SIGTERM : SIGUSR1) == 0);
        usleep(2000);
        int got = 0;
        CHECK(sigwait(&set, &got) == 0 && got == (i % 2 ? SIGTERM : SIGUSR1));
    }
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    std::string what = argv[1];
    make_keys();
    int code = what == "threads"   ? threads()
               : what == "signals" ? signals()
               : what == "blocked" ? blocked()
                                   : leave(what == "pthread_exit");
    std::puts("done");
    return code;
}
