// SPDX-License-Identifier: MIT
// Proves of gateway/issuers/verifier.c: signatures are looked at in the order of arrival, never
// inside the call that asks, a bounded number waits, and who left is not called.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/issuers/verifier.h"
#include "gateway/oidc/jwt.h"

static struct gw_verifier verifier;
static struct gw_metrics metrics;
static uv_loop_t loop;
static struct gw_jwt jwt;

struct waiting {
    struct gw_issuer_verification verification;
    int order;
    enum gw_status status;
};

static int done_count;

static void on_done(struct gw_issuer_verification *verification, enum gw_status status) {
    struct waiting *waiting = gw_container_of(verification, struct waiting, verification);
    waiting->order = ++done_count;
    waiting->status = status;
}

// The keys were taken away meanwhile: which says that they are asked for at the turn.
static enum gw_status find_none(struct gw_issuer *issuer, struct gw_str key_id,
                                const struct gw_jwk **key) {
    (void)issuer;
    (void)key_id;
    (void)key;
    return GW_UNAVAILABLE;
}

static int open_verifier(void **state) {
    (void)state;
    done_count = 0;
    metrics = (struct gw_metrics){.oidc_verifications_waiting = 0};
    assert_int_equal(uv_loop_init(&loop), 0);
    gw_verifier_open(&verifier, &loop, &metrics, find_none);
    return 0;
}

static int close_verifier(void **state) {
    (void)state;
    gw_verifier_close(&verifier);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static enum gw_status add(struct waiting *waiting) {
    *waiting = (struct waiting){.verification = {.jwt = &jwt, .on_done = on_done}};
    return gw_verifier_add(&verifier, &waiting->verification);
}

static void run_until_empty(void) {
    while (verifier.count > 0)
        (void)uv_run(&loop, UV_RUN_ONCE);
}

static void test_in_the_order_of_arrival_and_never_inside(void **state) {
    (void)state;
    struct waiting waiting[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(add(&waiting[i]), GW_OK);
    assert_int_equal(done_count, 0);
    assert_int_equal(metrics.oidc_verifications_waiting, 3);
    run_until_empty();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(waiting[i].order, i + 1);
        assert_int_equal(waiting[i].status, GW_UNAVAILABLE);
    }
    assert_int_equal(metrics.oidc_verifications_waiting, 0);
    assert_int_equal(metrics.oidc_verifications_total[GW_VERIFICATION_UNDECIDED], 3);
}

static void test_who_left_is_not_called(void **state) {
    (void)state;
    struct waiting waiting[2];
    assert_int_equal(add(&waiting[0]), GW_OK);
    assert_int_equal(add(&waiting[1]), GW_OK);
    gw_verifier_remove(&verifier, &waiting[0].verification);
    gw_verifier_remove(&verifier, &waiting[0].verification);
    struct gw_issuer_verification never = {.issuer = NULL};
    gw_verifier_remove(&verifier, &never);
    run_until_empty();
    assert_int_equal(waiting[0].order, 0);
    assert_int_equal(waiting[1].order, 1);
}

static void test_the_number_that_waits_is_bounded(void **state) {
    (void)state;
    struct waiting *waiting = calloc(GW_ISSUER_VERIFICATIONS_MAX + 1, sizeof(*waiting));
    assert_non_null(waiting);
    for (int i = 0; i < GW_ISSUER_VERIFICATIONS_MAX; i++)
        assert_int_equal(add(&waiting[i]), GW_OK);
    assert_int_equal(add(&waiting[GW_ISSUER_VERIFICATIONS_MAX]), GW_BUSY);
    assert_int_equal(metrics.oidc_verifications_refused_total, 1);
    run_until_empty();
    assert_int_equal(done_count, GW_ISSUER_VERIFICATIONS_MAX);
    free(waiting);
}

static void test_the_end_of_the_process_ends_them(void **state) {
    (void)state;
    static struct waiting waiting;
    assert_int_equal(add(&waiting), GW_OK);
    assert_int_equal(close_verifier(NULL), 0);
    assert_int_equal(waiting.status, GW_CANCELLED);
    assert_int_equal(open_verifier(NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_verifier, close_verifier)
        TEST(test_in_the_order_of_arrival_and_never_inside),
        TEST(test_who_left_is_not_called),
        TEST(test_the_number_that_waits_is_bounded),
        TEST(test_the_end_of_the_process_ends_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
