// SPDX-License-Identifier: MIT
// Preloaded into a gateway: lets the allocations fail that a test names by their numbers.
// STARVATION names a file that both have mapped. Allocations are counted from 1, those of every
// library but the C library's own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
    volatile uint64_t count; // asked for so far
    volatile uint64_t first; // the first that fails; 0: none
    volatile uint64_t last;
    volatile uint64_t failed; // so far
};

static struct control nobody;
static struct control *control = &nobody;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);

static void resolve(void) {
    real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("STARVATION");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        control = mapped;
}

static int is_refused(void) {
    uint64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_RELAXED);
    if (control->first == 0 || number < control->first || number > control->last)
        return 0;
    control->failed++;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    if (real_malloc == NULL)
        resolve();
    return is_refused() ? NULL : real_malloc(size);
}

void *calloc(size_t count, size_t size) {
    if (real_calloc == NULL)
        resolve();
    return is_refused() ? NULL : real_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    if (real_realloc == NULL)
        resolve();
    return is_refused() ? NULL : real_realloc(old, size);
}
