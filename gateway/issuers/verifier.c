// SPDX-License-Identifier: MIT
#include "gateway/issuers/verifier.h"

#include "base/turn_part.h"
#include "gateway/oidc/signature.h"

#define BUDGET_NS (GW_ISSUER_BUDGET_US * UINT64_C(1000))

static void take_out(struct gw_verifier *verifier, struct gw_issuer_verification *verification) {
    gw_assert(verifier->count > 0);
    gw_list_remove(&verification->link);
    verifier->count--;
    verifier->metrics->oidc_verifications_waiting = verifier->count;
}

// The keys may have changed since it began to wait.
static enum gw_status verify(const struct gw_verifier *verifier,
                             const struct gw_issuer_verification *verification) {
    const struct gw_jwk *key;
    enum gw_status status =
        verifier->find_key(verification->issuer, verification->jwt->key_id, &key);
    return status == GW_OK ? gw_jwk_verify(key, verification->jwt) : status;
}

static void count(struct gw_metrics *metrics, enum gw_status status) {
    if (status == GW_OK)
        metrics->oidc_verifications_total[GW_VERIFICATION_GOOD]++;
    else if (status == GW_DENIED)
        metrics->oidc_verifications_total[GW_VERIFICATION_BAD]++;
    else
        metrics->oidc_verifications_total[GW_VERIFICATION_UNDECIDED]++;
}

static void give_turns(struct gw_verifier *verifier, uint64_t until_ns) {
    do {
        if (gw_list_is_empty(&verifier->waiting))
            return;
        struct gw_issuer_verification *verification =
            gw_container_of(verifier->waiting.next, struct gw_issuer_verification, link);
        take_out(verifier, verification);
        enum gw_status status = verify(verifier, verification);
        count(verifier->metrics, status);
        verification->on_done(verification, status);
    } while (uv_hrtime() < until_ns);
}

static void on_idle(uv_idle_t *idle) {
    struct gw_verifier *verifier = gw_container_of(idle, struct gw_verifier, idle);
    gw_turn_part_begin("oidc_signatures");
    give_turns(verifier, uv_hrtime() + BUDGET_NS);
    gw_turn_part_end();
    if (verifier->count == 0)
        uv_idle_stop(idle);
}

void gw_verifier_open(struct gw_verifier *verifier, uv_loop_t *loop, struct gw_metrics *metrics,
                      enum gw_status (*find_key)(struct gw_issuer *issuer, struct gw_str key_id,
                                                 const struct gw_jwk **key)) {
    *verifier = (struct gw_verifier){.find_key = find_key, .metrics = metrics};
    gw_list_init(&verifier->waiting);
    uv_idle_init(loop, &verifier->idle);
}

void gw_verifier_close(struct gw_verifier *verifier) {
    while (!gw_list_is_empty(&verifier->waiting)) {
        struct gw_issuer_verification *verification =
            gw_container_of(verifier->waiting.next, struct gw_issuer_verification, link);
        take_out(verifier, verification);
        verification->on_done(verification, GW_CANCELLED);
    }
    uv_close((uv_handle_t *)&verifier->idle, NULL);
}

enum gw_status gw_verifier_add(struct gw_verifier *verifier,
                               struct gw_issuer_verification *verification) {
    if (verifier->count >= GW_ISSUER_VERIFICATIONS_MAX ||
        uv_is_closing((const uv_handle_t *)&verifier->idle)) {
        verifier->metrics->oidc_verifications_refused_total++;
        return GW_BUSY;
    }
    gw_list_push_back(&verifier->waiting, &verification->link);
    verifier->count++;
    verifier->metrics->oidc_verifications_waiting = verifier->count;
    uv_idle_start(&verifier->idle, on_idle);
    return GW_OK;
}

void gw_verifier_remove(struct gw_verifier *verifier, struct gw_issuer_verification *verification) {
    if (verification->link.next != NULL && !gw_list_is_empty(&verification->link))
        take_out(verifier, verification);
}
