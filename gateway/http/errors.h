// SPDX-License-Identifier: MIT
#pragma once
// Every error that the gateway itself answers, one row each. A refusal names a row and brings its
// sentence; status, code and what goes with them come from the row. docs/reference.md has the same
// rows: ./dev reference writes it, and a test compares the two.
//
// The table stands in this room because the parser refuses in these terms too.

#include <stdbool.h>

// X(id, code, status, connection, challenge, retry_after, when)
//
// code           of the body; with two statuses it has two rows
// connection     CLOSES: an ambiguous request closes it, for what follows cannot be trusted. STAYS:
//                the rest of the request decides
// challenge      value of WWW-Authenticate (RFC 6750 section 3), or NULL
// retry_after    value of Retry-After, unless the caller knows better, or NULL
// when           for readers of docs/reference.md; not in the program
// clang-format off
#define GW_ERRORS(X)                                                                               \
    X(BAD_REQUEST, "bad_request", 400, CLOSES, NULL, NULL,                                         \
      "not HTTP as RFC 9112 has it, a target that can be read in two ways, two `Authorization` "   \
      "fields, `org` or `asOrg` doubled, an invalid `Idempotency-Key`; at `/authz` not exactly "   \
      "one original request, at `/oauth2/introspect` not exactly one `token`; the connection is "  \
      "closed")                                                                                    \
    X(INVALID_JSON, "invalid_json", 400, STAYS, NULL, NULL,                                        \
      "the body is not JSON, names a member twice, is too deep, or has too many values; at "       \
      "`/leaks/gitlab` also one that is no report")                                                \
    X(OAUTH_INVALID_REQUEST, "invalid_request", 400, STAYS, NULL, NULL,                            \
      "at `/oauth2/token`: a parameter is missing, doubled or wrong, or the identity token is "    \
      "not accepted (RFC 6749 section 5.2, RFC 8693 section 2.2.2)")                               \
    X(OAUTH_UNSUPPORTED_GRANT_TYPE, "unsupported_grant_type", 400, STAYS, NULL, NULL,              \
      "at `/oauth2/token`: `grant_type` is not that of a token exchange")                          \
    X(OAUTH_INVALID_SCOPE, "invalid_scope", 400, STAYS, NULL, NULL,                                \
      "at `/oauth2/token`: `scope` is not made of read, write and admin")                          \
    X(OAUTH_INVALID_TARGET, "invalid_target", 400, STAYS, NULL, NULL,                              \
      "at `/oauth2/token`: `org`, `resource` or `audience` names no organisation, or none is "     \
      "named where rules of several are met")                                                      \
    X(MISSING_TOKEN, "missing_token", 401, STAYS, "Bearer", NULL,                                  \
      "no `Authorization` where one is needed, or one without a bearer token")                     \
    X(INVALID_TOKEN, "invalid_token", 401, STAYS, "Bearer error=\"invalid_token\"", NULL,          \
      "the token is malformed, of the other environment, unknown, revoked or expired")             \
    X(CERTIFICATE_REQUIRED, "certificate_required", 401, STAYS,                                    \
      "Bearer error=\"invalid_token\"", NULL,                                                      \
      "the token is bound to a name of a client certificate, and the connection has not shown "    \
      "one with that name")                                                                        \
    X(ORG_MISMATCH, "org_mismatch", 403, STAYS, NULL, NULL,                                        \
      "the token belongs to another organisation")                                                 \
    X(ADDRESS_NOT_ALLOWED, "address_not_allowed", 403, STAYS, NULL, NULL,                          \
      "the token may not be used from the client's address, or that is unknown")                   \
    X(INSUFFICIENT_SCOPE, "insufficient_scope", 403, STAYS,                                        \
      "Bearer error=\"insufficient_scope\"", NULL,                                                 \
      "the token's scope is too small; the message names the one needed")                          \
    X(IDENTITY_NOT_ACCEPTED, "identity_not_accepted", 403, STAYS, NULL, NULL,                      \
      "the identity token is not accepted for the organisation; the message names claims where "   \
      "its repository, project or account has a rule")                                             \
    X(SELF_ROTATION_NOT_ALLOWED, "self_rotation_not_allowed", 403, STAYS, NULL, NULL,              \
      "the token was not made to rotate itself (`selfRotate`), or did it too often")               \
    X(TRUST_NOT_ALLOWED, "trust_not_allowed", 403, STAYS, NULL, NULL,                              \
      "the token makes no rules of trust (it was minted by one, has an end, or is bound to "       \
      "addresses), or none with the scope `admin`")                                                \
    X(ORIGINAL_NOT_FOUND, "not_found", 403, STAYS, NULL, NULL,                                     \
      "at `/authz`: no such route")                                                                \
    X(ORIGINAL_METHOD_NOT_ALLOWED, "method_not_allowed", 403, STAYS, NULL, NULL,                   \
      "at `/authz`: the original method is not for the original path")                             \
    X(NOT_FOUND, "not_found", 404, STAYS, NULL, NULL,                                              \
      "no such route; no live token, or no rule, with this id in this organisation")               \
    X(DEVICE_CODE_NOT_FOUND, "device_code_not_found", 404, STAYS, NULL, NULL,                      \
      "at `/auth/cli/lookup` and `/auth/cli/approve`: no login with this code waits for an "       \
      "approval")                                                                                  \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, STAYS, NULL, NULL,                            \
      "this method is not for this path; `Allow` says which are")                                  \
    X(REQUEST_TIMEOUT, "request_timeout", 408, STAYS, NULL, NULL,                                  \
      "the head or the body did not arrive in time")                                               \
    X(ALREADY_CREATED, "already_created", 409, STAYS, NULL, NULL,                                  \
      "a request with this `Idempotency-Key` has made a token, which was used; the message names " \
      "it")                                                                                        \
    X(ALREADY_EXCHANGED, "already_exchanged", 409, STAYS, NULL, NULL,                              \
      "the identity token was exchanged before, as often as its issuer allows")                    \
    X(ALREADY_ROTATED, "already_rotated", 409, STAYS, NULL, NULL,                                  \
      "the token has a successor already; the message names it")                                   \
    X(LAST_ADMIN, "last_admin", 409, STAYS, NULL, NULL,                                            \
      "the organisation would have no live admin token any more; `?last=true` does it all the "    \
      "same")                                                                                      \
    X(TOKEN_DIFFERS, "token_differs", 409, STAYS, NULL, NULL,                                      \
      "a token that is handed over is there with other values, or in another organisation")        \
    X(TOKEN_ENDED, "token_ended", 409, STAYS, NULL, NULL,                                          \
      "a token that is handed over was revoked, or was pruned after its end: it never comes back") \
    X(TOO_MANY_RULES, "too_many_rules", 409, STAYS, NULL, NULL,                                    \
      "the organisation has 1,000 rules of trust, or 64 for one project")                          \
    X(REQUEST_IN_PROGRESS, "request_in_progress", 409, STAYS, NULL, "2",                           \
      "the same request, by its `Idempotency-Key`, was answered within the last two seconds; "     \
      "with `Retry-After`")                                                                        \
    X(DEVICE_CODE_EXPIRED, "device_code_expired", 410, STAYS, NULL, NULL,                          \
      "at `/auth/cli/poll`: the code has expired, was used, or is unknown")                        \
    X(BODY_TOO_LARGE, "body_too_large", 413, STAYS, NULL, NULL,                                    \
      "more than 16 KiB for the token routes and introspection (40 KiB for a revocation of "       \
      "many), more than 100 MiB to the registry")                                                  \
    X(TARGET_TOO_LONG, "target_too_long", 414, STAYS, NULL, NULL,                                  \
      "the path and query are too long")                                                           \
    X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", 415, STAYS, NULL, NULL,                    \
      "the token routes take `application/json`, introspection "                                   \
      "`application/x-www-form-urlencoded`")                                                       \
    X(EXPECTATION_FAILED, "expectation_failed", 417, STAYS, NULL, NULL,                            \
      "`Expect` is something else than `100-continue`")                                            \
    X(VALIDATION_FAILED, "validation_failed", 422, STAYS, NULL, NULL,                              \
      "a field is missing or wrong; the message names it")                                         \
    X(RATE_LIMITED, "rate_limited", 429, STAYS, NULL, "1",                                         \
      "the token, its organisation or (in a search without one) its address is over a limit; "     \
      "with `Retry-After` and `RateLimit`")                                                        \
    X(TOO_MANY_FAILED_TOKENS, "too_many_failed_tokens", 429, STAYS, NULL, "1",                     \
      "the client's address, or its IPv6 /48, is over `--failed-token-limit`; with `Retry-After`") \
    X(TOO_MANY_LOGINS, "too_many_logins", 429, STAYS, NULL, "1",                                   \
      "at `/auth/cli/...`: the client's address has begun too many logins, or typed too many "     \
      "wrong codes; with `Retry-After`")                                                           \
    X(HEADERS_TOO_LARGE, "headers_too_large", 431, STAYS, NULL, NULL,                              \
      "a header field is too long, or all together, or there are too many")                        \
    X(NOT_IMPLEMENTED, "not_implemented", 501, STAYS, NULL, NULL,                                  \
      "an unknown method or transfer coding")                                                      \
    X(UPSTREAM_FAILED, "upstream_failed", 502, STAYS, NULL, NULL,                                  \
      "the registry cannot be reached, or broke off before it answered")                           \
    X(UPSTREAM_INVALID, "upstream_invalid", 502, STAYS, NULL, NULL,                                \
      "the registry's answer is not valid HTTP")                                                   \
    X(UNAVAILABLE, "unavailable", 503, STAYS, NULL, "1",                                           \
      "the gateway cannot know or do it now (the database does not answer, a change waited too "   \
      "long for another one, no memory, no descriptors); with `Retry-After`")                      \
    X(NO_UPSTREAM, "no_upstream", 503, STAYS, NULL, "1",                                           \
      "this route goes to the registry, and none is configured; with `Retry-After`")               \
    X(UPSTREAM_TIMEOUT, "upstream_timeout", 504, STAYS, NULL, NULL,                                \
      "the registry did not answer in time")                                                       \
    X(HTTP_VERSION, "http_version", 505, STAYS, NULL, NULL,                                        \
      "another version than HTTP/1.1 or HTTP/1.0")                                                 \
    X(LOOP_DETECTED, "loop_detected", 508, STAYS, NULL, NULL,                                      \
      "`--upstream` leads back to the gateway: the request came through four of them (`Via`)")
// clang-format on

enum gw_error {
    GW_ERROR_NONE,
#define X(id, ...) GW_ERROR_##id,
    GW_ERRORS(X)
#undef X
        GW_ERROR_COUNT
};

struct gw_error_row {
    const char *code;
    int status;
    bool closes;
    const char *challenge;   // NULL: no WWW-Authenticate
    const char *retry_after; // NULL: no Retry-After
};

// `error` is not GW_ERROR_NONE.
const struct gw_error_row *gw_error_row(enum gw_error error);

// Why something is refused: a row, and one sentence for a person. The sentence is static, or lives
// as long as its maker says.
struct gw_refusal {
    enum gw_error error; // GW_ERROR_NONE: it is not refused
    const char *message;
};

extern const struct gw_refusal gw_refusal_no_memory;

// Fills *refusal; false, as whoever reads a request returns then.
static inline bool gw_refuse(struct gw_refusal *refusal, enum gw_error error, const char *message) {
    *refusal = (struct gw_refusal){.error = error, .message = message};
    return false;
}
// The same for a wrong member or parameter.
static inline bool gw_refuse_value(struct gw_refusal *refusal, const char *message) {
    return gw_refuse(refusal, GW_ERROR_VALIDATION_FAILED, message);
}
static inline bool gw_refuse_no_memory(struct gw_refusal *refusal) {
    *refusal = gw_refusal_no_memory;
    return false;
}
