// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/token_exchange_request.h"
#include "gateway/exchange/exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define READ GW_SCOPE_READ
#define WRITE GW_SCOPE_WRITE
#define ADMIN GW_SCOPE_ADMIN

#define GRANT "grant_type=urn%3Aietf:params:oauth:grant-type:token-exchange"
#define JWT "&subject_token_type=urn:ietf:params:oauth:token-type:jwt"
#define ID_TOKEN "&subject_token_type=urn:ietf:params:oauth:token-type:id_token"
#define MINIMUM GRANT "&subject_token=a.b.c" JWT

static bool read_form(const char *form, struct gw_token_exchange_request *request,
                      struct gw_refusal *refusal, char memory[512]) {
    size_t length = strlen(form);
    assert_true(length < 512);
    memcpy(memory, form, length + 1);
    return gw_token_exchange_read_form(memory, length, request, refusal);
}

static void test_forms_that_are_accepted(void **state) {
    (void)state;
    static const struct {
        const char *form;
        const char *org; // NULL: none
        gw_scope_set scopes;
    } cases[] = {
        {MINIMUM, NULL, READ},
        {GRANT "&subject_token=a.b.c" ID_TOKEN, NULL, READ},
        {MINIMUM "&scope=write", NULL, WRITE},
        {MINIMUM "&scope=read+write", NULL, READ | WRITE},
        {MINIMUM "&scope=admin%20read", NULL, READ | ADMIN},
        {MINIMUM "&scope=", NULL, READ},
        {MINIMUM "&org=acme", "acme", READ},
        {MINIMUM "&org=", NULL, READ},
        {MINIMUM "&resource=https://gw.example:8443/api/v1/orgs/acme", "acme", READ},
        {MINIMUM "&resource=http%3A%2F%2Fgw%2Fapi%2Fv1%2Forgs%2Facme&org=acme", "acme", READ},
        {MINIMUM "&audience=&actor_token=&resource=", NULL, READ},
        {MINIMUM "&client_id=x&client_id=y", NULL, READ},
        {MINIMUM "&requested_token_type=urn:ietf:params:oauth:token-type:access_token", NULL, READ},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char memory[512];
        struct gw_token_exchange_request request;
        struct gw_refusal refusal = {0};
        if (!read_form(cases[i].form, &request, &refusal, memory))
            fail_msg("%s: %s", cases[i].form, refusal.message);
        bool has_org = cases[i].org != NULL;
        if (!gw_str_equal(request.subject_token, GW_STR("a.b.c")) ||
            request.scopes != cases[i].scopes || has_org != (request.org.at != NULL) ||
            (has_org && !gw_str_equal(request.org, gw_str_from(cases[i].org))))
            fail_msg("%s: scopes %d org %.*s", cases[i].form, request.scopes,
                     GW_STR_ARG(request.org));
    }
}

static void test_forms_that_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *form;
        enum gw_error error;
        const char *part; // of the message
    } cases[] = {
        {"", GW_ERROR_OAUTH_INVALID_REQUEST, "grant_type"},
        {"grant_type=client_credentials", GW_ERROR_OAUTH_UNSUPPORTED_GRANT_TYPE, "token-exchange"},
        {GRANT JWT, GW_ERROR_OAUTH_INVALID_REQUEST, "subject_token is required"},
        {GRANT "&subject_token=" JWT, GW_ERROR_OAUTH_INVALID_REQUEST, "subject_token is required"},
        {GRANT "&subject_token=a.b.c", GW_ERROR_OAUTH_INVALID_REQUEST, "subject_token_type"},
        {GRANT "&subject_token=a&subject_token_type=jwt", GW_ERROR_OAUTH_INVALID_REQUEST,
         "subject_token_type"},
        {MINIMUM "&requested_token_type=urn:ietf:params:oauth:token-type:jwt",
         GW_ERROR_OAUTH_INVALID_REQUEST, "requested_token_type"},
        {MINIMUM "&actor_token=x", GW_ERROR_OAUTH_INVALID_REQUEST, "actor_token"},
        {MINIMUM "&subject_token=d.e.f", GW_ERROR_OAUTH_INVALID_REQUEST, "more than once"},
        {MINIMUM "&org=%zz", GW_ERROR_OAUTH_INVALID_REQUEST, "escape"},
        {MINIMUM "&scope=owner", GW_ERROR_OAUTH_INVALID_SCOPE, "read, write and admin"},
        {MINIMUM "&scope=read,write", GW_ERROR_OAUTH_INVALID_SCOPE, "space"},
        {MINIMUM "&scope=read++write", GW_ERROR_OAUTH_INVALID_SCOPE, "space"},
        {MINIMUM "&audience=acme", GW_ERROR_OAUTH_INVALID_TARGET, "audience"},
        {MINIMUM "&org=Acme", GW_ERROR_OAUTH_INVALID_TARGET, "slug"},
        {MINIMUM "&resource=acme", GW_ERROR_OAUTH_INVALID_TARGET, "URL"},
        {MINIMUM "&resource=/api/v1/orgs/acme", GW_ERROR_OAUTH_INVALID_TARGET, "URL"},
        {MINIMUM "&resource=https://gw/api/v1/orgs/", GW_ERROR_OAUTH_INVALID_TARGET, "URL"},
        {MINIMUM "&resource=https://gw/api/v1/orgs/acme/skills", GW_ERROR_OAUTH_INVALID_TARGET,
         "URL"},
        {MINIMUM "&resource=https://gw/api/v1/orgs/acme%23x", GW_ERROR_OAUTH_INVALID_TARGET, "URL"},
        {MINIMUM "&resource=https://gw/api/v1/orgs/acme&org=zeta", GW_ERROR_OAUTH_INVALID_TARGET,
         "different"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char memory[512];
        struct gw_token_exchange_request request;
        struct gw_refusal refusal = {0};
        if (read_form(cases[i].form, &request, &refusal, memory))
            fail_msg("%s is accepted", cases[i].form);
        if (refusal.error != cases[i].error || strstr(refusal.message, cases[i].part) == NULL)
            fail_msg("%s: %d %s", cases[i].form, refusal.error, refusal.message);
    }
}

static bool read_json(struct gw_arena *arena, const char *body,
                      struct gw_token_exchange_request *request, struct gw_refusal *refusal) {
    return gw_token_exchange_read_json(arena, gw_str_from(body), request, refusal);
}

static void test_the_json_twin(void **state) {
    (void)state;
    struct gw_arena arena;
    struct gw_token_exchange_request request;
    struct gw_refusal refusal = {0};
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    assert_true(read_json(&arena, "{\"token\":\"a.b.c\"}", &request, &refusal));
    assert_true(gw_str_equal(request.subject_token, GW_STR("a.b.c")));
    assert_int_equal(request.scopes, READ);
    assert_null(request.org.at);
    assert_true(
        read_json(&arena, "{\"token\":\"t\",\"scopes\":[\"write\",\"read\"]}", &request, &refusal));
    assert_int_equal(request.scopes, READ | WRITE);
    static const char *const wrong[] = {
        "{}",
        "{\"token\":\"\"}",
        "{\"token\":1}",
        "{\"token\":\"t\",\"scopes\":[]}",
        "{\"token\":\"t\",\"scope\":\"write\"}",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (read_json(&arena, wrong[i], &request, &refusal))
            fail_msg("%s is accepted", wrong[i]);
        assert_int_equal(refusal.error, GW_ERROR_VALIDATION_FAILED);
    }
    assert_false(read_json(&arena, "{", &request, &refusal));
    assert_int_equal(refusal.error, GW_ERROR_INVALID_JSON);
    gw_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_that_are_accepted),
        cmocka_unit_test(test_forms_that_are_refused),
        cmocka_unit_test(test_the_json_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
