// SPDX-License-Identifier: MIT
#include "gateway/auth/rate_limit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fixed_table.h"
#include "base/hash.h"

enum policy { TOKEN, SEARCH, ORG, POLICIES };

struct gw_rate_limit {
    struct gw_rate rates[POLICIES];
    struct gw_fixed_table tables[POLICIES]; // arrival times; only of rates that limit
    uint64_t unknown_clients_us;            // the arrival time of their searches, all together
    struct gw_metrics *metrics;
};

// One policy that applies to a request.
struct claim {
    enum policy policy;
    bool is_of_unknown_client;
    uint64_t key; // else
    struct gw_rate_verdict verdict;
};

enum gw_status gw_rate_limit_create(const struct gw_rate_limit_options *options,
                                    struct gw_metrics *metrics, struct gw_rate_limit **limit) {
    *limit = NULL;
    if (options->token.count + options->search.count + options->org.count == 0)
        return GW_OK;
    struct gw_rate_limit *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return GW_NO_MEMORY;
    made->metrics = metrics;
    made->rates[TOKEN] = options->token;
    made->rates[SEARCH] = options->search;
    made->rates[ORG] = options->org;
    enum gw_status status = GW_OK;
    for (int i = 0; i < POLICIES && status == GW_OK; i++) {
        if (made->rates[i].count > 0)
            status = gw_fixed_table_init(&made->tables[i], GW_RATE_KEYS_MAX);
    }
    if (status == GW_OK)
        *limit = made;
    else
        gw_rate_limit_destroy(made);
    return status;
}

void gw_rate_limit_destroy(struct gw_rate_limit *limit) {
    if (limit == NULL)
        return;
    for (int i = 0; i < POLICIES; i++)
        gw_fixed_table_deinit(&limit->tables[i]);
    free(limit);
}

// ---- counting ----

// The gateway makes the ids, so no client can choose two with one key.
static uint64_t key_of(struct gw_str id) {
    return gw_hash_bytes(0, id.at, id.length);
}

static void add_claim(const struct gw_rate_limit *limit, struct claim claim, uint64_t now_us,
                      struct claim *claims, int *count) {
    if (limit->rates[claim.policy].count == 0)
        return;
    uint64_t arrival_us = claim.is_of_unknown_client
                              ? limit->unknown_clients_us
                              : gw_fixed_table_find(&limit->tables[claim.policy], claim.key);
    claim.verdict = gw_rate_judge(&limit->rates[claim.policy], arrival_us, now_us);
    gw_assert(*count < POLICIES);
    claims[(*count)++] = claim;
}

// Counted by the token, or without one by the client.
static struct claim claim_of_subject(const struct gw_rate_subject *subject, enum policy policy) {
    struct claim claim = {.policy = policy};
    if (subject->token_id.length > 0)
        claim.key = key_of(subject->token_id);
    else
        claim.is_of_unknown_client = !gw_client_key(subject->client, &claim.key);
    return claim;
}

static int find_claims(const struct gw_rate_limit *limit, const struct gw_rate_subject *subject,
                       uint64_t now_us, struct claim claims[POLICIES]) {
    int count = 0;
    bool is_anonymous = subject->token_id.length == 0;
    if (subject->is_search && limit->rates[SEARCH].count > 0)
        add_claim(limit, claim_of_subject(subject, SEARCH), now_us, claims, &count);
    else if (!is_anonymous)
        add_claim(limit, claim_of_subject(subject, TOKEN), now_us, claims, &count);
    if (!is_anonymous)
        add_claim(limit, (struct claim){.policy = ORG, .key = key_of(subject->org_id)}, now_us,
                  claims, &count);
    return count;
}

static void keep_claim(struct gw_rate_limit *limit, const struct claim *claim, uint64_t now_us) {
    if (claim->is_of_unknown_client)
        limit->unknown_clients_us = claim->verdict.arrival_us;
    else if (gw_fixed_table_put(&limit->tables[claim->policy], claim->key,
                                claim->verdict.arrival_us) > now_us)
        limit->metrics->rate_entries_displaced_total++;
}

// ---- the fields of the response ----

static void print(struct gw_rate_use *use, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print(struct gw_rate_use *use, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t left = sizeof(use->fields) - use->length;
    int length = vsnprintf(use->fields + use->length, left, format, arguments);
    va_end(arguments);
    gw_assert(length >= 0 && (size_t)length < left);
    use->length += (size_t)length;
}

// A request that is refused by one policy has used up nothing of the others.
static uint64_t left_of(const struct claim *claim, bool is_allowed) {
    return claim->verdict.left + (claim->verdict.is_allowed && !is_allowed ? 1 : 0);
}

static void print_fields(const struct gw_rate_limit *limit, const struct claim *claims, int count,
                         struct gw_rate_use *use) {
    static const char *const names[] = {[TOKEN] = "token", [SEARCH] = "search", [ORG] = "org"};
    for (int i = 0; i < count; i++) {
        const struct gw_rate *rate = &limit->rates[claims[i].policy];
        print(use, "%s\"%s\";q=%" PRIu64 ";w=%" PRIu64, i == 0 ? "RateLimit-Policy: " : ", ",
              names[claims[i].policy], rate->count, rate->period_s);
    }
    for (int i = 0; i < count; i++)
        print(use, "%s\"%s\";r=%" PRIu64 ";t=%" PRIu64, i == 0 ? "\r\nRateLimit: " : ", ",
              names[claims[i].policy], left_of(&claims[i], use->is_allowed),
              gw_rate_seconds(claims[i].verdict.wait_us));
    if (count > 0)
        print(use, "\r\n");
}

void gw_rate_limit_use(struct gw_rate_limit *limit, const struct gw_rate_subject *subject,
                       uint64_t now_ms, struct gw_rate_use *use) {
    struct claim claims[POLICIES];
    uint64_t now_us = now_ms * 1000;
    int count = find_claims(limit, subject, now_us, claims);
    *use = (struct gw_rate_use){.is_allowed = true};
    for (int i = 0; i < count; i++) {
        if (claims[i].verdict.is_allowed)
            continue;
        uint64_t wait_s = gw_rate_seconds(claims[i].verdict.wait_us);
        use->is_allowed = false;
        use->wait_s = wait_s > use->wait_s ? wait_s : use->wait_s;
    }
    for (int i = 0; i < count && use->is_allowed; i++)
        keep_claim(limit, &claims[i], now_us);
    print_fields(limit, claims, count, use);
}
