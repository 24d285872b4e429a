// SPDX-License-Identifier: MIT
// Preloaded into the gateway: how long its turns take, which is from one wait for its sockets to
// the next, in processor time of the thread, so that others on the core do not count. Into the file
// $TURNS_FILE, which is mapped: numbers of 64 bits, in the order of struct turns. Who reads it
// writes zeros to begin anew.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS 250000 // of the histogram
#define STEPS 40       // the last one takes all that is longer

struct turns {
    uint64_t count;
    uint64_t longest_ns;
    uint64_t longest_quiet_ns; // of those with fewer than a hundred sockets to serve
    uint64_t total_ns;
    uint64_t histogram[STEPS];
};

static struct turns *turns;
static uint64_t began_ns; // 0: not yet
static int socket_count;

static uint64_t processor_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static void open_file(void) {
    const char *path = getenv("TURNS_FILE");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(*turns)) != 0)
        abort();
    turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (turns == MAP_FAILED)
        abort();
}

static void end_turn(void) {
    if (turns == NULL)
        open_file();
    if (began_ns == 0)
        return;
    uint64_t took_ns = processor_ns() - began_ns;
    uint64_t step = took_ns / STEP_NS;
    turns->count++;
    turns->total_ns += took_ns;
    turns->histogram[step < STEPS ? step : STEPS - 1]++;
    if (took_ns > turns->longest_ns)
        turns->longest_ns = took_ns;
    if (socket_count < 100 && took_ns > turns->longest_quiet_ns)
        turns->longest_quiet_ns = took_ns;
}

static int begin_turn(int count) {
    socket_count = count;
    began_ns = processor_ns();
    return count;
}

// The parameters of the C library have names that only it may use.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
int epoll_pwait(int fd, struct epoll_event *events, int most, int timeout_ms,
                const sigset_t *signals) {
    static int (*real)(int, struct epoll_event *, int, int, const sigset_t *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_pwait");
    end_turn();
    return begin_turn(real(fd, events, most, timeout_ms, signals));
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms) {
    return epoll_pwait(fd, events, most, timeout_ms, NULL);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
