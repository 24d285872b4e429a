// SPDX-License-Identifier: MIT
// The fields by which a proxy names the original request, with any values, in any order. What must
// hold beyond memory safety: the answer is the same in the opposite order, so no field is
// preferred; method and target are slices of the values; a target is a path.
//
// Each line of an input is one field: its first byte picks the name, the rest is the value.

#include <stddef.h>
#include <stdint.h>

#include "gateway/api/original_request.h"

#define FIELDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void add_field(struct gw_http_head *head, struct gw_str line) {
    static const struct gw_str names[] = {GW_STR_INIT("X-Original-Method"),
                                          GW_STR_INIT("X-Original-URI"),
                                          GW_STR_INIT("X-Original-URL"),
                                          GW_STR_INIT("X-Forwarded-Method"),
                                          GW_STR_INIT("X-Forwarded-Uri"),
                                          GW_STR_INIT("Method"),
                                          GW_STR_INIT("Path"),
                                          GW_STR_INIT("X-Other")};
    if (line.length == 0 || head->field_count == FIELDS_MAX)
        return;
    size_t name = (unsigned char)line.at[0] % (sizeof(names) / sizeof(names[0]));
    head->fields[head->field_count++] =
        (struct gw_http_field){names[name], gw_str_slice(line, 1, line.length), GW_FIELD_OTHER};
}

static bool lies_in(struct gw_str part, struct gw_str whole) {
    return part.at >= whole.at && part.at + part.length <= whole.at + whole.length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const char *const own_pair[2] = {"method", "path"};
    static struct gw_http_head head;
    static struct gw_http_head reversed;
    struct gw_str input = gw_str((const char *)bytes, length);
    struct gw_str rest = input;
    struct gw_str line;
    head.field_count = 0;
    while (gw_str_next(&rest, '\n', &line))
        add_field(&head, line);
    reversed.field_count = head.field_count;
    for (int i = 0; i < head.field_count; i++)
        reversed.fields[i] = head.fields[head.field_count - 1 - i];
    struct gw_original_request original;
    struct gw_original_request same;
    enum gw_status status = gw_original_request_read(&head, own_pair, &original);
    gw_assert(gw_original_request_read(&reversed, own_pair, &same) == status);
    if (status != GW_OK)
        return 0;
    gw_assert(gw_str_equal(original.method, same.method));
    gw_assert(gw_str_equal(original.target, same.target));
    gw_assert(lies_in(original.method, input) && original.method.length > 0);
    gw_assert(lies_in(original.target, input) && original.target.at[0] == '/');
    return 0;
}
