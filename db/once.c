// SPDX-License-Identifier: MIT
#include "db/once.h"

#include <string.h>

#include "base/crc32.h"
#include "base/status.h"

bool db_once_is_new(struct db_once *once, const char *line) {
    gw_assert(once->count >= 0 && once->count <= DB_ONCE_MAX);
    uint32_t checksum = gw_crc32(0, line, strlen(line));
    for (int i = 0; i < once->count; i++) {
        if (once->checksums[i] == checksum)
            return false;
    }
    if (once->count == DB_ONCE_MAX)
        return false;
    once->checksums[once->count++] = checksum;
    return true;
}
