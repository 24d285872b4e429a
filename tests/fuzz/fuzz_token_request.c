// SPDX-License-Identifier: MIT
// What clients of the token API send: the bodies of create, rotate and a hand-over, the queries of
// list, audit and revoke, an Idempotency-Key. What must hold beyond memory safety: whatever is
// accepted is within the bounds that the database and the documents rely on, and a refusal is one
// of the documented ones.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "db/token.h"
#include "gateway/api/audit_request.h"
#include "gateway/api/body.h"
#include "gateway/api/hand_over_request.h"
#include "gateway/api/list_request.h"
#include "gateway/api/requests.h"
#include "gateway/api/revoke_request.h"
#include "gateway/exchange/exchange.h"
#include "token/limits.h"
#include "token/name.h"
#include "token/syntax.h"

#define NOW_MS 1767225600000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_refusal(const struct gw_refusal *refusal) {
    int status = gw_error_row(refusal->error)->status;
    gw_assert(status == 400 || status == 422 || status == 503);
    gw_assert(refusal->message != NULL);
    gw_assert(refusal->message[strlen(refusal->message) - 1] == '.');
}

// A name that was taken is taken again, as it is.
static void check_name(struct gw_arena *arena, struct gw_str name) {
    struct gw_str again;
    const char *wrong;
    gw_assert(gw_token_name_normalise(arena, name, &again, &wrong) == GW_OK);
    gw_assert(gw_str_equal(name, again));
}

static void check_create(struct gw_str body) {
    struct gw_arena arena;
    struct gw_token_request request;
    struct gw_refusal refusal;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    if (gw_token_request_parse(&arena, body, NOW_MS, &request, &refusal)) {
        check_name(&arena, request.name);
        gw_assert(request.scopes >= 1 && request.scopes <= 7);
        gw_assert(request.expires_ms == DB_NO_TIME || request.expires_ms > NOW_MS);
    } else {
        check_refusal(&refusal);
    }
    gw_arena_deinit(&arena);
}

static void check_rotate(struct gw_str body) {
    struct gw_arena arena;
    struct gw_rotate_request request;
    struct gw_refusal refusal;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    if (gw_rotate_request_parse(&arena, body, NOW_MS, &request, &refusal)) {
        gw_assert(request.overlap_s >= 0 && request.overlap_s <= GW_ROTATE_OVERLAP_S_MAX);
        gw_assert(request.expires_ms == DB_NO_TIME || request.expires_ms > NOW_MS);
    } else {
        check_refusal(&refusal);
    }
    gw_arena_deinit(&arena);
}

static void check_hand_over(struct gw_str body) {
    static const struct gw_hand_over_rules rules = {.now_ms = NOW_MS};
    struct gw_arena arena;
    struct gw_hand_over_request request;
    struct gw_refusal refusal;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    if (gw_hand_over_request_parse(&arena, body, &rules, &request, &refusal)) {
        check_name(&arena, request.name);
        gw_assert(request.prefix.length == GW_TOKEN_PREFIX_LENGTH);
        gw_assert(request.scopes >= 1 && !(request.scopes & GW_SCOPE_ADMIN));
        gw_assert(request.expires_ms == DB_NO_TIME || request.expires_ms > NOW_MS);
    } else {
        check_refusal(&refusal);
    }
    gw_arena_deinit(&arena);
}

static void check_key(struct gw_str value) {
    static struct gw_http_head head;
    struct gw_str key;
    struct gw_refusal refusal;
    head.field_count = 1;
    head.fields[0] = (struct gw_http_field){GW_STR("Idempotency-Key"), value, GW_FIELD_OTHER};
    if (gw_idempotency_key_read(&head, &key, &refusal))
        gw_assert(key.length >= 1 && key.length <= GW_IDEMPOTENCY_KEY_LENGTH_MAX);
    else
        check_refusal(&refusal);
}

static void check_queries(struct gw_str query) {
    struct gw_audit_request audit;
    struct gw_refusal refusal;
    if (gw_audit_request_parse(query, &audit, &refusal))
        gw_assert(audit.filter.position >= 0 && audit.limit >= 1 &&
                  audit.limit <= GW_LIST_LIMIT_MAX);
    else
        check_refusal(&refusal);
}

static void check_list(struct gw_str query) {
    struct gw_arena arena;
    struct gw_list_request list;
    struct gw_refusal refusal;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    if (gw_list_request_parse(&arena, query, &list, &refusal)) {
        gw_assert(list.page >= 1 && list.limit >= 1);
        gw_assert(list.limit <= (list.by_cursor ? GW_LIST_AFTER_LIMIT_MAX : GW_LIST_LIMIT_MAX));
        gw_assert(list.order < DB_TOKEN_ORDER_COUNT);
    } else {
        check_refusal(&refusal);
    }
    gw_arena_deinit(&arena);
}

static void check_revoke(struct gw_str query) {
    struct gw_arena arena;
    struct gw_revoke_request revoke;
    struct gw_refusal refusal;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    if (gw_revoke_request_parse(&arena, query, &revoke, &refusal))
        gw_assert(revoke.ending.wait_ms <= GW_REVOKE_WAIT_MS_MAX);
    else
        check_refusal(&refusal);
    gw_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str input = gw_str((const char *)bytes, length);
    check_queries(input);
    check_list(input);
    check_revoke(input);
    check_key(input);
    if (length > GW_BODY_OWN_BYTES_MAX)
        return 0;
    check_create(input);
    check_rotate(input);
    check_hand_over(input);
    return 0;
}
