// SPDX-License-Identifier: MIT
// The first byte is the kind of the issuer; a line of conditions and the claims of a token follow.
// What must hold beyond memory safety: a refusal has a sentence; what is accepted has an anchor,
// and is read again from what is written of it; a token that learns anything of the rule has the
// rule's anchor; a token has the same name twice.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/oidc/anchor.h"
#include "gateway/oidc/rule.h"
#include "gateway/oidc/run.h"
#include "tests/support/identity_token.h"

#define ARENA_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define CLAIMS_BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool read_rule(struct gw_arena *arena, enum gw_oidc_kind kind, struct gw_str text,
                      struct gw_oidc_rule *rule) {
    struct gw_json conditions;
    const char *wrong = NULL;
    memset(rule, 0, sizeof(*rule));
    if (gw_json_parse(arena, text, GW_JSON_TOKENS_MAX, &conditions, NULL) != GW_OK)
        return false;
    enum gw_status status = gw_oidc_rule_read(arena, kind, conditions, rule, &wrong);
    gw_assert(status == GW_OK || (status == GW_INVALID && wrong[strlen(wrong) - 1] == '.'));
    return status == GW_OK;
}

static struct gw_str write_rule(const struct gw_oidc_rule *rule, struct gw_buf *out) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, out);
    gw_oidc_rule_write_conditions(rule, &writer);
    gw_assert(gw_json_writer_finish(&writer) == GW_OK);
    return gw_buf_bytes(out);
}

static void check_is_read_again(struct gw_arena *arena, const struct gw_oidc_rule *rule) {
    struct gw_oidc_rule again;
    struct gw_buf first;
    struct gw_buf second;
    gw_buf_init(&first, SIZE_MAX / 2);
    gw_buf_init(&second, SIZE_MAX / 2);
    struct gw_str text = write_rule(rule, &first);
    gw_assert(read_rule(arena, rule->kind, text, &again));
    gw_assert(gw_str_equal(text, write_rule(&again, &second)));
    gw_buf_deinit(&second);
    gw_buf_deinit(&first);
}

static void check_match(struct gw_arena *arena, const struct gw_oidc_rule *rule,
                        struct gw_str claims) {
    struct gw_jwt jwt;
    struct gw_oidc_match match;
    struct gw_str of_rule;
    struct gw_str of_token;
    struct gw_str name;
    enum gw_jwt_fault fault;
    struct gw_str text = identity_token_text(arena, GW_STR("{\"alg\":\"ES256\"}"), claims);
    if (gw_jwt_parse(arena, text, &jwt, &fault) != GW_OK)
        return;
    gw_assert(gw_oidc_rule_match(rule, &jwt, arena, NULL, &match) == GW_OK);
    gw_assert(gw_oidc_rule_anchor(rule, arena, &of_rule) == GW_OK);
    gw_assert((match.verdict == GW_OIDC_MATCHES) == (match.claim.at == NULL));
    if (match.verdict != GW_OIDC_OTHER) {
        gw_assert(gw_oidc_anchor(rule->kind, &jwt, arena, &of_token) == GW_OK);
        gw_assert(gw_str_equal(of_rule, of_token));
    }
    gw_assert(gw_oidc_run_name(rule->kind, &jwt, arena, &name) == GW_OK && name.length > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_arena arena;
    struct gw_oidc_rule rule;
    if (length < 1)
        return 0;
    enum gw_oidc_kind kind = (enum gw_oidc_kind)(bytes[0] % GW_OIDC_KIND_COUNT);
    struct gw_str text = gw_str((const char *)bytes + 1, length - 1);
    size_t line = gw_str_find(text, '\n');
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    if (read_rule(&arena, kind, gw_str_slice(text, 0, line), &rule)) {
        check_is_read_again(&arena, &rule);
        check_match(&arena, &rule, gw_str_slice(text, line + 1, line + 1 + CLAIMS_BYTES_MAX));
    }
    gw_arena_deinit(&arena);
    return 0;
}
