// SPDX-License-Identifier: MIT
#include "gateway/settings/metrics_text.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define PREFIX "skillreg_gateway_"
#define LABELS_BYTES_MAX 128
#define NS_PER_S INT64_C(1000000000)

#define OFFSET(member) offsetof(struct gw_metrics, member)

static const int64_t *counters_at(const struct gw_metrics *metrics, size_t offset) {
    return (const int64_t *)(const void *)((const char *)metrics + offset);
}

static enum gw_status write_head(const char *name, const char *type, const char *help,
                                 struct gw_buf *out) {
    return gw_buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name,
                         type);
}

// ---- without labels ----

static enum gw_status write_plain(const struct gw_metrics *sum, struct gw_buf *out) {
    enum gw_status status = GW_OK;
#define X(name, type, help)                                                                        \
    if (status == GW_OK)                                                                           \
        status = write_head(#name, type, help, out);                                               \
    if (status == GW_OK)                                                                           \
        status = gw_buf_printf(out, PREFIX #name " %" PRId64 "\n", sum->name);
    GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help)                                                                \
    if (status == GW_OK)                                                                           \
        status = write_head(name, type, help, out);                                                \
    if (status == GW_OK)                                                                           \
        status = gw_buf_printf(out, PREFIX name " %" PRId64 ".%03" PRId64 "\n",                    \
                               sum->member / 1000, sum->member % 1000);
    GW_METRICS_TIMES_MAP(X)
#undef X
    return status;
}

// ---- counters with labels ----

#define X(member, text) text,
static const char *const route_classes[] = {GW_ROUTE_CLASSES_MAP(X)};
static const char *const code_classes[] = {GW_CODE_CLASSES_MAP(X)};
static const char *const decisions[] = {GW_DECISIONS_MAP(X)};
static const char *const handshakes[] = {GW_TLS_RESULTS_MAP(X)};
static const char *const verifications[] = {GW_VERIFICATIONS_MAP(X)};
static const char *const key_fetches[] = {GW_KEY_FETCHES_MAP(X)};
static const char *const token_exchanges[] = {GW_TOKEN_EXCHANGES_MAP(X)};
static const char *const leak_reports[] = {GW_LEAK_REPORTS_MAP(X)};
static const char *const leaked_tokens[] = {GW_LEAKED_TOKENS_MAP(X)};
#undef X

struct label {
    const char *name;
    const char *const *values;
    int count;
};

// An array of counters: one of `inner`, or for each value of `outer` one of `inner`.
static const struct labelled {
    const char *name;
    const char *help;
    size_t offset;
    struct label outer; // .count 0: none
    struct label inner;
} labelled[] = {
    {"responses_total",
     "Responses, by the first digit of the status and by what answers.",
     OFFSET(responses_total),
     {"route_class", route_classes, GW_ROUTE_CLASS_COUNT},
     {"code", code_classes, GW_CODE_CLASS_COUNT}},
    {"decisions_total",
     "Decisions about requests.",
     OFFSET(decisions_total),
     {NULL, NULL, 0},
     {"decision", decisions, GW_DECISION_COUNT}},
    {"tls_handshakes_total",
     "TLS handshakes of clients that ended; failed are also those refused or timed out.",
     OFFSET(tls_handshakes_total),
     {NULL, NULL, 0},
     {"result", handshakes, GW_TLS_RESULT_COUNT}},
    {"oidc_verifications_total",
     "Signatures of identity tokens that were looked at.",
     OFFSET(oidc_verifications_total),
     {NULL, NULL, 0},
     {"result", verifications, GW_VERIFICATION_COUNT}},
    {"oidc_key_fetches_total",
     "Fetches of the keys of issuers, by what they brought.",
     OFFSET(oidc_key_fetches_total),
     {NULL, NULL, 0},
     {"outcome", key_fetches, GW_KEY_FETCH_COUNT}},
    {"token_exchanges_total",
     "Identity tokens that were to be exchanged, by what became of them.",
     OFFSET(token_exchanges_total),
     {NULL, NULL, 0},
     {"outcome", token_exchanges, GW_TOKEN_EXCHANGE_COUNT}},
    {"leak_reports_total",
     "Reports of leaked tokens, by what became of them.",
     OFFSET(leak_reports_total),
     {NULL, NULL, 0},
     {"outcome", leak_reports, GW_LEAK_REPORT_COUNT}},
    {"leaked_tokens_total",
     "Tokens in reports of leaks that were taken, by what became of them.",
     OFFSET(leaked_tokens_total),
     {NULL, NULL, 0},
     {"outcome", leaked_tokens, GW_LEAKED_COUNT}},
};

// `outer` NULL: there is none.
static enum gw_status write_row(const struct labelled *family, const char *outer,
                                const int64_t *counters, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (int i = 0; i < family->inner.count && status == GW_OK; i++) {
        char labels[LABELS_BYTES_MAX] = "";
        if (outer != NULL)
            (void)snprintf(labels, sizeof(labels), ",%s=\"%s\"", family->outer.name, outer);
        status = gw_buf_printf(out, PREFIX "%s{%s=\"%s\"%s} %" PRId64 "\n", family->name,
                               family->inner.name, family->inner.values[i], labels, counters[i]);
    }
    return status;
}

static enum gw_status write_labelled(const struct gw_metrics *sum, const struct labelled *family,
                                     struct gw_buf *out) {
    const int64_t *counters = counters_at(sum, family->offset);
    enum gw_status status = write_head(family->name, "counter", family->help, out);
    if (status == GW_OK && family->outer.count == 0)
        return write_row(family, NULL, counters, out);
    for (int i = 0; i < family->outer.count && status == GW_OK; i++) {
        const int64_t *row = counters + (ptrdiff_t)i * family->inner.count;
        status = write_row(family, family->outer.values[i], row, out);
    }
    return status;
}

static enum gw_status write_all_labelled(const struct gw_metrics *sum, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < sizeof(labelled) / sizeof(labelled[0]) && status == GW_OK; i++)
        status = write_labelled(sum, &labelled[i], out);
    return status;
}

// ---- histograms ----

// Of the admin port there is none: probes would drown the rest.
static enum gw_status write_requests(const struct gw_metrics *sum, struct gw_buf *out) {
    enum gw_status status = write_head(
        "request_duration_seconds", "histogram",
        "From the head of a request, read, to the last byte of its response, put out.", out);
    for (int class = 0; class < GW_ROUTE_CLASS_COUNT && status == GW_OK; class ++) {
        char labels[LABELS_BYTES_MAX];
        (void)snprintf(labels, sizeof(labels), "route_class=\"%s\"", route_classes[class]);
        if (class != GW_ROUTE_CLASS_ADMIN)
            status = gw_histogram_write(&sum->requests[class], PREFIX "request_duration_seconds",
                                        labels, out);
    }
    return status;
}

static enum gw_status write_histograms(const struct gw_metrics *sum, struct gw_buf *out) {
    enum gw_status status = write_requests(sum, out);
#define X(member, name, help)                                                                      \
    if (status == GW_OK)                                                                           \
        status = write_head(name, "histogram", help, out);                                         \
    if (status == GW_OK)                                                                           \
        status = gw_histogram_write(&sum->member, PREFIX name, "", out);
    GW_METRICS_HISTOGRAMS_MAP(X)
#undef X
    return status;
}

// ---- processes ----

enum unit { UNIT_ONE, UNIT_MS, UNIT_NS };

#define PROCESS(member) offsetof(struct gw_process_metrics, member)

// The names and help of Prometheus' own clients.
static const struct of_process {
    const char *name;
    const char *type;
    const char *help;
    size_t offset;
    enum unit unit;
} of_process[] = {
    {"process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
     PROCESS(processor_ns), UNIT_NS},
    {"process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
     PROCESS(resident_bytes), UNIT_ONE},
    {"process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
     PROCESS(virtual_bytes), UNIT_ONE},
    {"process_open_fds", "gauge", "Number of open file descriptors.", PROCESS(open_fds), UNIT_ONE},
    {"process_max_fds", "gauge", "Maximum number of open file descriptors.", PROCESS(max_fds),
     UNIT_ONE},
    {"process_start_time_seconds", "gauge",
     "Start time of the process since unix epoch in seconds.", PROCESS(start_ms), UNIT_MS},
};

static enum gw_status write_value(int64_t value, enum unit unit, struct gw_buf *out) {
    if (unit == UNIT_MS)
        return gw_buf_printf(out, "%" PRId64 ".%03" PRId64 "\n", value / 1000, value % 1000);
    if (unit == UNIT_NS)
        return gw_buf_printf(out, "%" PRId64 ".%09" PRId64 "\n", value / NS_PER_S,
                             value % NS_PER_S);
    return gw_buf_printf(out, "%" PRId64 "\n", value);
}

// A worker that does not run has none.
static enum gw_status write_of_process(const struct gw_metrics *all, int count,
                                       const struct of_process *family, struct gw_buf *out) {
    enum gw_status status = gw_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name,
                                          family->help, family->name, family->type);
    for (int i = 0; i < count && status == GW_OK; i++) {
        const char *process = (const char *)&all[i].process;
        if (all[i].process.start_ms == 0)
            continue;
        status = gw_buf_printf(out, "%s{worker=\"%d\"} ", family->name, i);
        if (status == GW_OK)
            status = write_value(*(const int64_t *)(const void *)(process + family->offset),
                                 family->unit, out);
    }
    return status;
}

static enum gw_status write_processes(const struct gw_metrics *all, int count, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < sizeof(of_process) / sizeof(of_process[0]) && status == GW_OK; i++)
        status = write_of_process(all, count, &of_process[i], out);
    return status;
}

// ---- the build ----

static enum gw_status write_build(struct gw_buf *out) {
    enum gw_status status =
        write_head("build_info", "gauge", "1, with the version of the program.", out);
    return status == GW_OK
               ? gw_buf_printf(out, PREFIX "build_info{version=\"" GATEWAY_VERSION "\"} 1\n")
               : status;
}

// ---- names of the version before ----

// The sum of `count` counters, each `stride` after the one before.
static const struct old {
    const char *name;
    const char *successor;
    size_t offset;
    int stride;
    int count;
} olds[] = {
#define RESPONSES(code, text)                                                                      \
    {"responses_" text "_total", "responses_total{code=\"" text "\"}",                             \
     OFFSET(responses_total) + code * sizeof(int64_t), GW_CODE_CLASS_COUNT, GW_ROUTE_CLASS_COUNT},
#define DECISIONS(kind, text)                                                                      \
    {"decisions_" text "_total", "decisions_total{decision=\"" text "\"}",                         \
     OFFSET(decisions_total) + kind * sizeof(int64_t), 0, 1},
#define HANDSHAKES(kind, text)                                                                     \
    {"tls_handshakes_" text "_total", "tls_handshakes_total{result=\"" text "\"}",                 \
     OFFSET(tls_handshakes_total) + kind * sizeof(int64_t), 0, 1},
    GW_CODE_CLASSES_MAP(RESPONSES) GW_DECISIONS_MAP(DECISIONS) GW_TLS_RESULTS_MAP(HANDSHAKES)
#undef RESPONSES
#undef DECISIONS
#undef HANDSHAKES
};

static enum gw_status write_old(const struct gw_metrics *sum, const struct old *old,
                                struct gw_buf *out) {
    int64_t value = 0;
    for (int i = 0; i < old->count; i++)
        value += counters_at(sum, old->offset)[(ptrdiff_t)i * old->stride];
    return gw_buf_printf(out,
                         "# HELP " PREFIX "%s Deprecated, not in the next version: %s.\n"
                         "# TYPE " PREFIX "%s counter\n" PREFIX "%s %" PRId64 "\n",
                         old->name, old->successor, old->name, old->name, value);
}

static enum gw_status write_olds(const struct gw_metrics *sum, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]) && status == GW_OK; i++)
        status = write_old(sum, &olds[i], out);
    return status;
}

enum gw_status gw_metrics_write(const struct gw_metrics *all, int count, struct gw_buf *out) {
    struct gw_metrics sum;
    gw_metrics_sum(all, count, &sum);
    enum gw_status status = write_build(out);
    if (status == GW_OK)
        status = write_plain(&sum, out);
    if (status == GW_OK)
        status = write_all_labelled(&sum, out);
    if (status == GW_OK)
        status = write_histograms(&sum, out);
    if (status == GW_OK)
        status = write_processes(all, count, out);
    if (status == GW_OK)
        status = write_olds(&sum, out);
    return status;
}
