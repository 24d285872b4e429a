// SPDX-License-Identifier: MIT
#include "gateway/oidc/claims.h"

#include <inttypes.h>
#include <string.h>

#include "tls/accelerate/sha256.h"

#define YEAR_10000_S INT64_C(253402300800)
#define SPIFFE_SCHEME "spiffe://"

_Static_assert(GW_OIDC_REPLAY_KEY_BYTES == TLS_SHA256_BYTES, "a digest");

static const char *const fault_texts[] = {
#define X(name, text) text,
    GW_OIDC_CLAIM_FAULT_MAP(X)
#undef X
};

const char *gw_oidc_claim_fault_text(enum gw_oidc_claim_fault fault) {
    gw_assert((size_t)fault < sizeof(fault_texts) / sizeof(fault_texts[0]));
    return fault_texts[fault];
}

// GW_NOT_FOUND: no such claim; GW_INVALID: it is no string.
static enum gw_status find_string(const struct gw_jwt *jwt, struct gw_arena *arena,
                                  struct gw_str name, struct gw_str *text) {
    struct gw_json value;
    if (!gw_json_member(jwt->claims, name, &value))
        return GW_NOT_FOUND;
    return gw_json_string(value, arena, text);
}

// ---- the issuer ----

static enum gw_status trust_domain(const struct gw_jwt *jwt, struct gw_arena *arena,
                                   struct gw_str *domain) {
    struct gw_str id;
    const struct gw_str scheme = GW_STR(SPIFFE_SCHEME);
    enum gw_status status = find_string(jwt, arena, GW_STR("sub"), &id);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK || !gw_str_starts_with(id, scheme))
        return GW_INVALID;
    size_t length = gw_str_find(gw_str_slice(id, scheme.length, id.length), '/');
    if (length == 0 || scheme.length + length == id.length)
        return GW_INVALID; // of nobody, or the trust domain itself
    *domain = gw_str_slice(id, 0, scheme.length + length);
    return GW_OK;
}

enum gw_status gw_oidc_issuer(const struct gw_jwt *jwt, struct gw_arena *arena,
                              struct gw_str *issuer) {
    enum gw_status status = find_string(jwt, arena, GW_STR("iss"), issuer);
    return status == GW_NOT_FOUND ? trust_domain(jwt, arena, issuer) : status;
}

// ---- the check ----

struct check {
    const struct gw_jwt *jwt;
    struct gw_arena *arena;
    const struct gw_oidc_policy *policy;
    int64_t now_s;
    struct gw_oidc_times times;
    enum gw_oidc_claim_fault fault;
};

static enum gw_status refuse(struct check *check, enum gw_oidc_claim_fault fault) {
    check->fault = fault;
    return GW_INVALID;
}

static enum gw_status check_issuer(struct check *check) {
    struct gw_str issuer;
    enum gw_status status = gw_oidc_issuer(check->jwt, check->arena, &issuer);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK || !gw_str_equal(issuer, check->policy->issuer))
        return refuse(check, GW_OIDC_CLAIM_FAULT_ISSUER);
    return GW_OK;
}

static enum gw_status check_audience(struct check *check) {
    struct gw_json audience;
    struct gw_str text;
    if (!gw_json_member(check->jwt->claims, GW_STR("aud"), &audience))
        return refuse(check, GW_OIDC_CLAIM_FAULT_AUDIENCE);
    if (gw_json_type(audience) == GW_JSON_ARRAY && gw_json_count(audience) == 1)
        audience = gw_json_element(audience, 0);
    enum gw_status status = gw_json_string(audience, check->arena, &text);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK || !gw_str_equal(text, check->policy->audience))
        return refuse(check, GW_OIDC_CLAIM_FAULT_AUDIENCE);
    return GW_OK;
}

// GW_NOT_FOUND: there is no such claim. GW_INVALID: it is no time from 1970 to 9999.
static enum gw_status find_time(const struct check *check, struct gw_str name, int64_t *time_s) {
    struct gw_json value;
    int64_t found;
    if (!gw_json_member(check->jwt->claims, name, &value))
        return GW_NOT_FOUND;
    if (gw_json_integer(value, &found) != GW_OK || found < 0 || found >= YEAR_10000_S)
        return GW_INVALID;
    *time_s = found;
    return GW_OK;
}

static enum gw_status check_expiry(struct check *check) {
    int64_t *expires_s = &check->times.expires_s;
    if (find_time(check, GW_STR("exp"), expires_s) != GW_OK)
        return refuse(check, GW_OIDC_CLAIM_FAULT_EXPIRES);
    if (check->now_s >= *expires_s + GW_OIDC_LEEWAY_S)
        return refuse(check, GW_OIDC_CLAIM_FAULT_EXPIRED);
    check->times.replay_until_s = *expires_s + GW_OIDC_LEEWAY_S;
    return GW_OK;
}

static enum gw_status check_not_before(struct check *check) {
    int64_t not_before_s;
    enum gw_status status = find_time(check, GW_STR("nbf"), &not_before_s);
    if (status == GW_NOT_FOUND)
        return GW_OK;
    if (status != GW_OK || not_before_s > check->now_s + GW_OIDC_LEEWAY_S)
        return refuse(check, GW_OIDC_CLAIM_FAULT_NOT_BEFORE);
    return GW_OK;
}

static enum gw_status check_issued(struct check *check) {
    int64_t issued_s;
    int64_t age_s_max = check->policy->age_s_max;
    enum gw_status status = find_time(check, GW_STR("iat"), &issued_s);
    check->times.issued_s = GW_OIDC_NO_TIME;
    if (status == GW_NOT_FOUND && check->policy->may_lack_iat) {
        if (check->times.expires_s > check->now_s + age_s_max + GW_OIDC_LEEWAY_S)
            return refuse(check, GW_OIDC_CLAIM_FAULT_TOO_OLD);
        return GW_OK;
    }
    if (status != GW_OK || issued_s > check->now_s + GW_OIDC_LEEWAY_S)
        return refuse(check, GW_OIDC_CLAIM_FAULT_ISSUED);
    if (check->now_s > issued_s + age_s_max + GW_OIDC_LEEWAY_S)
        return refuse(check, GW_OIDC_CLAIM_FAULT_TOO_OLD);
    check->times.issued_s = issued_s;
    // Old enough is who is older by a second: a time is a whole number of them.
    int64_t too_old_s = issued_s + GW_OIDC_AGE_S_MAX + GW_OIDC_LEEWAY_S + 1;
    if (check->times.replay_until_s > too_old_s)
        check->times.replay_until_s = too_old_s;
    return GW_OK;
}

static enum gw_status check_id(struct check *check) {
    struct gw_str id;
    enum gw_status status = find_string(check->jwt, check->arena, GW_STR("jti"), &id);
    if (status == GW_NO_MEMORY || (status == GW_NOT_FOUND && check->policy->may_lack_jti))
        return status == GW_NO_MEMORY ? status : GW_OK;
    if (status != GW_OK || id.length == 0 || id.length > GW_OIDC_JWT_ID_BYTES_MAX)
        return refuse(check, GW_OIDC_CLAIM_FAULT_JWT_ID);
    return GW_OK;
}

enum gw_status gw_oidc_claims_check(const struct gw_jwt *jwt, struct gw_arena *arena,
                                    const struct gw_oidc_policy *policy, int64_t now_s,
                                    struct gw_oidc_times *times, enum gw_oidc_claim_fault *fault) {
    static enum gw_status (*const steps[])(struct check *) = {
        check_issuer, check_audience, check_expiry, check_not_before, check_issued, check_id};
    struct check check = {.jwt = jwt, .arena = arena, .policy = policy, .now_s = now_s};
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == GW_OK; i++)
        status = steps[i](&check);
    *fault = check.fault;
    if (status == GW_OK)
        *times = check.times;
    return status;
}

// ---- the replay key ----

enum gw_status gw_oidc_replay_key(const struct gw_jwt *jwt, struct gw_arena *arena,
                                  unsigned char key[GW_OIDC_REPLAY_KEY_BYTES]) {
    struct gw_str issuer;
    struct gw_str id;
    enum gw_status status = find_string(jwt, arena, GW_STR("jti"), &id);
    if (status == GW_OK)
        status = gw_oidc_issuer(jwt, arena, &issuer);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK) {
        tls_sha256(jwt->signing_input, key);
        return GW_OK;
    }
    // The length parts the two; no signing input begins with a point.
    const struct gw_str pieces[] = {gw_arena_printf(arena, ".%zu:", issuer.length), issuer, id};
    struct gw_str text = {NULL, 0};
    if (pieces[0].at != NULL)
        text = gw_arena_join(arena, pieces, 3);
    if (text.at == NULL)
        return GW_NO_MEMORY;
    tls_sha256(text, key);
    return GW_OK;
}

// ---- any claim ----

static enum gw_status text_of(struct gw_json value, struct gw_arena *arena, struct gw_str *text) {
    int64_t number;
    switch (gw_json_type(value)) {
    case GW_JSON_STRING:
        return gw_json_string(value, arena, text);
    case GW_JSON_BOOL:
        *text = gw_json_raw(value);
        return GW_OK;
    case GW_JSON_NUMBER:
        if (gw_json_integer(value, &number) != GW_OK)
            return GW_NOT_FOUND;
        *text = gw_arena_printf(arena, "%" PRId64, number);
        return text->at != NULL ? GW_OK : GW_NO_MEMORY;
    case GW_JSON_NULL:
    case GW_JSON_ARRAY:
    case GW_JSON_OBJECT:
    default:
        return GW_NOT_FOUND;
    }
}

// One step of a pointer: "~1" is '/', "~0" is '~' (RFC 6901 section 4). GW_NOT_FOUND: another '~'.
static enum gw_status unescape(struct gw_arena *arena, struct gw_str step, struct gw_str *name) {
    char *out = gw_arena_allocate(arena, step.length + 1);
    size_t length = 0;
    if (out == NULL)
        return GW_NO_MEMORY;
    for (size_t i = 0; i < step.length; i++) {
        char c = step.at[i];
        if (c == '~') {
            if (++i == step.length || (step.at[i] != '0' && step.at[i] != '1'))
                return GW_NOT_FOUND;
            c = step.at[i] == '0' ? '~' : '/';
        }
        out[length++] = c;
    }
    *name = gw_str(out, length);
    return GW_OK;
}

static enum gw_status follow(struct gw_json *value, struct gw_arena *arena, struct gw_str pointer) {
    struct gw_str step;
    struct gw_str name;
    while (gw_str_next(&pointer, '/', &step)) {
        enum gw_status status = unescape(arena, step, &name);
        if (status != GW_OK)
            return status;
        if (!gw_json_member(*value, name, value))
            return GW_NOT_FOUND;
    }
    return GW_OK;
}

enum gw_status gw_oidc_claim(const struct gw_jwt *jwt, struct gw_arena *arena, struct gw_str name,
                             struct gw_str *text) {
    struct gw_json value = jwt->claims;
    if (name.length > 0 && name.at[0] == '/') {
        enum gw_status status = follow(&value, arena, gw_str_slice(name, 1, name.length));
        if (status != GW_OK)
            return status;
    } else if (!gw_json_member(jwt->claims, name, &value)) {
        return GW_NOT_FOUND;
    }
    return text_of(value, arena, text);
}
