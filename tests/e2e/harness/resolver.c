// SPDX-License-Identifier: MIT
// Preloaded by resolver.py: names that end in ".test" are what the file $TEST_RESOLVER says at the
// time, which is one line:
//     hang                           until the file says something else
//     fail
//     answer 127.0.0.1 127.0.0.2     in that order
// All other names are looked up as ever.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_AGAIN_US 20000

static void read_line(char *line, size_t size) {
    const char *path = getenv("TEST_RESOLVER");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length = fd < 0 ? 0 : read(fd, line, size - 1);
    line[length > 0 ? length : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

static int is_ours(const char *node) {
    size_t length = node == NULL ? 0 : strlen(node);
    return length > 5 && strcmp(node + length - 5, ".test") == 0;
}

typedef int getaddrinfo_function(const char *node, const char *service,
                                 const struct addrinfo *hints, struct addrinfo **found);

static int look_up(const char *node, const char *service, const struct addrinfo *hints,
                   struct addrinfo **found) {
    getaddrinfo_function *real = (getaddrinfo_function *)dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, found);
}

// Each is found by the C library, which frees them all: its entries are blocks of their own.
static int answer(char *words, const char *service, const struct addrinfo *hints,
                  struct addrinfo **found) {
    struct addrinfo **end = found;
    char *rest = words;
    *found = NULL;
    for (char *word; (word = strtok_r(rest, " \n", &rest)) != NULL;) {
        int failure = look_up(word, service, hints, end);
        if (failure != 0)
            return failure;
        while (*end != NULL)
            end = &(*end)->ai_next;
    }
    return *found == NULL ? EAI_NONAME : 0;
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found) {
    char line[512];
    if (!is_ours(node))
        return look_up(node, service, hints, found);
    read_line(line, sizeof(line));
    while (strncmp(line, "hang", 4) == 0) {
        usleep(LOOK_AGAIN_US);
        read_line(line, sizeof(line));
    }
    return strncmp(line, "answer ", 7) == 0 ? answer(line + 7, service, hints, found) : EAI_AGAIN;
}
