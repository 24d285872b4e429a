// SPDX-License-Identifier: MIT
#include "gateway/settings/metrics.h"

#include <stddef.h>
#include <string.h>

#include "base/status.h"

enum gw_code_class gw_metrics_code_class(int status) {
    if (status < 300)
        return GW_CODE_2XX;
    return status < 500 ? (enum gw_code_class)(status / 100 - 2) : GW_CODE_5XX;
}

void gw_metrics_reset_gauges(struct gw_metrics *metrics) {
#define X(name, type, help)                                                                        \
    if (strcmp(type, "gauge") == 0)                                                                \
        metrics->name = 0;
    GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help)                                                                \
    if (strcmp(type, "gauge") == 0)                                                                \
        metrics->member = 0;
    GW_METRICS_TIMES_MAP(X)
#undef X
    metrics->process = (struct gw_process_metrics){.processor_ns = metrics->process.processor_ns};
}

static int64_t earliest_end(const struct gw_metrics *all, int count) {
    int64_t earliest = 0;
    for (int i = 0; i < count; i++) {
        int64_t end = all[i].cert_not_after_seconds;
        if (end != 0 && (earliest == 0 || end < earliest))
            earliest = end;
    }
    return earliest;
}

static int64_t most_of(const struct gw_metrics *all, int count, size_t offset) {
    int64_t most = 0;
    for (int i = 0; i < count; i++) {
        int64_t value = *(const int64_t *)(const void *)((const char *)&all[i] + offset);
        if (value > most)
            most = value;
    }
    return most;
}

// Without a worker the sum itself, which is all zero.
static const struct gw_metrics *longest_wait(const struct gw_metrics *all, int count,
                                             const struct gw_metrics *sum) {
    const struct gw_metrics *longest = count > 0 ? &all[0] : sum;
    for (int i = 1; i < count; i++) {
        if (all[i].changes_waiting_ms > longest->changes_waiting_ms)
            longest = &all[i];
    }
    return longest;
}

#define MOST_OF(member) most_of(all, count, offsetof(struct gw_metrics, member))

static void add_labelled(const struct gw_metrics *metrics, struct gw_metrics *sum) {
    for (int class = 0; class < GW_ROUTE_CLASS_COUNT; class ++) {
        for (int code = 0; code < GW_CODE_CLASS_COUNT; code++)
            sum->responses_total[class][code] += metrics->responses_total[class][code];
        gw_histogram_add(&sum->requests[class], &metrics->requests[class]);
    }
    for (int kind = 0; kind < GW_DECISION_COUNT; kind++)
        sum->decisions_total[kind] += metrics->decisions_total[kind];
    for (int kind = 0; kind < GW_TLS_RESULT_COUNT; kind++)
        sum->tls_handshakes_total[kind] += metrics->tls_handshakes_total[kind];
    for (int kind = 0; kind < GW_VERIFICATION_COUNT; kind++)
        sum->oidc_verifications_total[kind] += metrics->oidc_verifications_total[kind];
    for (int kind = 0; kind < GW_KEY_FETCH_COUNT; kind++)
        sum->oidc_key_fetches_total[kind] += metrics->oidc_key_fetches_total[kind];
    for (int kind = 0; kind < GW_TOKEN_EXCHANGE_COUNT; kind++)
        sum->token_exchanges_total[kind] += metrics->token_exchanges_total[kind];
    for (int kind = 0; kind < GW_LEAK_REPORT_COUNT; kind++)
        sum->leak_reports_total[kind] += metrics->leak_reports_total[kind];
    for (int kind = 0; kind < GW_LEAKED_COUNT; kind++)
        sum->leaked_tokens_total[kind] += metrics->leaked_tokens_total[kind];
}

void gw_metrics_sum(const struct gw_metrics *all, int count, struct gw_metrics *sum) {
    gw_assert(count >= 0);
    memset(sum, 0, sizeof(*sum));
    for (int i = 0; i < count; i++) {
#define X(name, type, help) sum->name += all[i].name;
        GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help) sum->member += all[i].member;
        GW_METRICS_TIMES_MAP(X)
#undef X
#define X(member, name, help) gw_histogram_add(&sum->member, &all[i].member);
        GW_METRICS_HISTOGRAMS_MAP(X)
#undef X
        add_labelled(&all[i], sum);
    }
    const struct gw_metrics *longest = longest_wait(all, count, sum);
    sum->cert_not_after_seconds = earliest_end(all, count);
    sum->loop_turn_longest_ms = MOST_OF(loop_turn_longest_ms);
    sum->database_silent_ms = MOST_OF(database_silent_ms);
    sum->oidc_keys_age_ms = MOST_OF(oidc_keys_age_ms);
    sum->oidc_issuers_without_keys = MOST_OF(oidc_issuers_without_keys);
    sum->changes_waiting_ms = longest->changes_waiting_ms;
    sum->changes_blocker_pid = longest->changes_blocker_pid;
}
