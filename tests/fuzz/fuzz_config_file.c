// SPDX-License-Identifier: MIT
// Any bytes as a configuration file: entries are parts of them, in the order of their lines.
#include <stdint.h>
#include <string.h>

#include "gateway/settings/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char bytes[GW_CONFIG_FILE_BYTES_MAX + 1];
    static struct gw_config_entries entries;
    struct gw_config_fault fault;
    if (size > GW_CONFIG_FILE_BYTES_MAX)
        return 0;
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    if (gw_config_file_parse(bytes, size, &entries, &fault) != GW_OK) {
        gw_assert(fault.text != NULL && fault.line > 0);
        return 0;
    }
    for (int i = 0; i < entries.count; i++) {
        const struct gw_config_entry *entry = &entries.at[i];
        gw_assert(entry->key >= bytes && entry->value + strlen(entry->value) <= bytes + size);
        gw_assert(entry->key[0] != '\0' && strchr(entry->key, '=') == NULL);
        gw_assert(entry->line > (i == 0 ? 0 : entries.at[i - 1].line));
        gw_assert(entry->section == NULL || entry->section->line < entry->line);
    }
    return 0;
}
