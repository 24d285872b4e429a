// SPDX-License-Identifier: MIT
// What clients of the token API send: the body of create, the queries of list and revoke. What must hold beyond memory safety:
// whatever is accepted is within the bounds that the database and the documents rely on, and a refusal is one of the
// documented ones.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "db/token_store.h"
#include "gateway/token.h"
#include "gateway/token_request.h"

#define NOW_MS 1767225600000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_refusal(const struct gw_refusal *refusal) {
    gw_assert(refusal->status == 400 || refusal->status == 422 || refusal->status == 503);
    gw_assert(refusal->code != NULL && refusal->message != NULL);
    gw_assert(refusal->message[strlen(refusal->message) - 1] == '.');
}

static void check_create(struct gw_str body) {
    struct gw_arena arena;
    struct gw_token_request request;
    struct gw_refusal refusal;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    if (gw_token_request_parse(&arena, body, NOW_MS, &request, &refusal)) {
        gw_assert(gw_token_name_valid(request.name));
        gw_assert(request.scopes >= 1 && request.scopes <= 7);
        gw_assert(request.expires_ms == DB_NO_TIME || request.expires_ms > NOW_MS);
    } else {
        check_refusal(&refusal);
    }
    gw_arena_deinit(&arena);
}

static void check_queries(struct gw_str query) {
    struct gw_page_request page;
    struct gw_refusal refusal;
    uint64_t wait_ms;
    if (gw_page_request_parse(query, &page, &refusal))
        gw_assert(page.page >= 1 && page.limit >= 1 && page.limit <= GW_LIST_LIMIT_MAX);
    else
        check_refusal(&refusal);
    if (gw_revoke_wait_parse(query, &wait_ms, &refusal))
        gw_assert(wait_ms <= GW_REVOKE_WAIT_MS_MAX);
    else
        check_refusal(&refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str input = gw_str((const char *)bytes, length);
    (void)gw_is_json_content_type(input);
    check_queries(input);
    if (length <= GW_BODY_OWN_BYTES_MAX)
        check_create(input);
    return 0;
}
