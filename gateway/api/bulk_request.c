// SPDX-License-Identifier: MIT
#include "gateway/api/bulk_request.h"

#include <stdlib.h>

#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "token/id.h"
#include "token/limits.h"

#define MEMBERS GW_STR("ids")

static bool refuse_at(struct gw_arena *arena, int index, const char *wrong,
                      struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(arena, "ids[%d] %s.", index, wrong);
    return message.at != NULL ? gw_refuse_value(refusal, message.at) : gw_refuse_no_memory(refusal);
}

static int compare(const void *left, const void *right) {
    const struct gw_str *const *a = left;
    const struct gw_str *const *b = right;
    return gw_str_compare(**a, **b);
}

// A request that names a token twice means another one.
static bool check_distinct(struct gw_arena *arena, const struct gw_bulk_request *request,
                           struct gw_refusal *refusal) {
    const struct gw_str *sorted[GW_BULK_REVOKE_MAX];
    for (int i = 0; i < request->count; i++)
        sorted[i] = &request->ids[i];
    qsort(sorted, (size_t)request->count, sizeof(const struct gw_str *), compare);
    for (int i = 1; i < request->count; i++) {
        if (gw_str_equal(*sorted[i - 1], *sorted[i]))
            return refuse_at(arena, (int)(sorted[i] - request->ids), "is there twice", refusal);
    }
    return true;
}

static bool parse_ids(struct gw_arena *arena, struct gw_json list, struct gw_str *ids,
                      struct gw_bulk_request *request, struct gw_refusal *refusal) {
    for (int i = 0; i < request->count; i++) {
        if (gw_json_string(gw_json_element(list, i), arena, &ids[i]) != GW_OK ||
            !gw_id_valid(ids[i]))
            return refuse_at(arena, i, "must be the id of a token", refusal);
    }
    request->ids = ids;
    return check_distinct(arena, request, refusal);
}

bool gw_bulk_request_parse(struct gw_arena *arena, struct gw_str body,
                           struct gw_bulk_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    struct gw_json list;
    if (!gw_json_body_parse(arena, body, &root, refusal) ||
        !gw_known_members_check(arena, root, MEMBERS, refusal))
        return false;
    bool is_list = gw_json_body_find(root, GW_STR("ids"), &list);
    int count = is_list ? gw_json_count(list) : 0;
    if (!is_list || gw_json_type(list) != GW_JSON_ARRAY || count < 1 || count > GW_BULK_REVOKE_MAX)
        return gw_refuse_value(refusal, "ids must be a list of 1 to 1000 ids of tokens.");
    struct gw_str *ids = gw_arena_allocate(arena, (size_t)count * sizeof(*ids));
    if (ids == NULL)
        return gw_refuse_no_memory(refusal);
    *request = (struct gw_bulk_request){.count = count};
    return parse_ids(arena, list, ids, request, refusal);
}
