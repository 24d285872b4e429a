// SPDX-License-Identifier: MIT
#include "gateway/process/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"

#define PATH_LENGTH 4096
#define NO_LIMIT (UINT64_C(1) << 60) // v1 says so with a number beyond that

// "max" of v2 and a file that is not there are no limit.
static uint64_t read_limit(const char *folder, const char *name) {
    char path[PATH_LENGTH + 64];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    char text[32] = "";
    bool is_read = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    uint64_t limit;
    struct gw_str digits = gw_str(text, strcspn(text, "\n"));
    return is_read && gw_str_to_u64(digits, &limit) == GW_OK && limit < NO_LIMIT ? limit : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

// Of the folder and of those above it, up to the root. A path that leads nowhere, as in a container
// that sees only its own group, still ends at the root.
static uint64_t limit_upwards(char *folder, size_t root_length) {
    static const char *const names[] = {"memory.max", "memory.high", "memory.limit_in_bytes"};
    uint64_t limit = 0;
    for (;;) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            limit = smaller(limit, read_limit(folder, names[i]));
        char *end = strrchr(folder + root_length, '/');
        if (end == NULL)
            return limit;
        *end = '\0';
    }
}

static bool has_memory(const char *controllers, size_t length) {
    static const char memory[] = "memory";
    while (length >= sizeof(memory) - 1) {
        const char *comma = memchr(controllers, ',', length);
        size_t name = comma != NULL ? (size_t)(comma - controllers) : length;
        if (name == sizeof(memory) - 1 && memcmp(controllers, memory, name) == 0)
            return true;
        if (comma == NULL)
            return false;
        controllers += name + 1;
        length -= name + 1;
    }
    return false;
}

// "0::/path" is the group of v2, "4:memory:/path" one of v1 (cgroups(7)).
static uint64_t limit_of_line(char *line, const char *root) {
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL)
        return 0;
    controllers++;
    size_t length = (size_t)(path - controllers);
    path++;
    path[strcspn(path, "\n")] = '\0';
    if (length > 0 && !has_memory(controllers, length))
        return 0;
    char folder[PATH_LENGTH];
    const char *hierarchy = length > 0 ? "/memory" : "";
    int written = snprintf(folder, sizeof(folder), "%s%s%s", root, hierarchy, path);
    if (written < 0 || (size_t)written >= sizeof(folder))
        return 0;
    return limit_upwards(folder, strlen(root));
}

uint64_t gw_cgroup_memory_max(const char *of_process, const char *root) {
    gw_assert(of_process != NULL && root != NULL);
    FILE *file = fopen(of_process, "re");
    if (file == NULL)
        return 0;
    uint64_t limit = 0;
    char line[PATH_LENGTH];
    while (fgets(line, sizeof(line), file) != NULL)
        limit = smaller(limit, limit_of_line(line, root));
    (void)fclose(file);
    return limit;
}
