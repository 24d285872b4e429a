// SPDX-License-Identifier: MIT
#include "gateway/auth/token_row.h"

#include <string.h>

static struct gw_str ranges_of(const struct db_token_row *row) {
    return gw_str((const char *)row->allowed_ips,
                  row->allowed_ip_count * sizeof(struct gw_ip_range));
}

size_t gw_token_row_bytes(const struct db_token_row *row) {
    return row->id.length + row->name.length + row->prefix.length + row->org_id.length +
           row->org_slug.length + row->org_name.length + ranges_of(row).length +
           row->bound_san.length + 1;
}

static struct gw_str copy_into(char **at, struct gw_str text) {
    struct gw_str copy = {*at, text.length};
    if (text.length > 0)
        memcpy(*at, text.at, text.length);
    *at += text.length;
    return copy;
}

void gw_token_row_copy(const struct db_token_row *row, char *block, struct db_token_row *copy) {
    char *at = block;
    *copy = *row;
    copy->id = copy_into(&at, row->id);
    copy->name = copy_into(&at, row->name);
    copy->prefix = copy_into(&at, row->prefix);
    copy->org_id = copy_into(&at, row->org_id);
    copy->org_slug = copy_into(&at, row->org_slug);
    copy->org_name = copy_into(&at, row->org_name);
    copy->allowed_ips = (const struct gw_ip_range *)copy_into(&at, ranges_of(row)).at;
    copy->bound_san = copy_into(&at, row->bound_san);
}
