// SPDX-License-Identifier: MIT
// The fields are documented in docs/log.md, which a test holds to this.
#include "gateway/client/access_log.h"

#include "base/log.h"
#include "gateway/exchange/trace_context.h"
#include "token/mask.h"

#define METHOD_BYTES_MAX 32
#define PATH_BYTES_MAX GW_LOG_QUOTED_BYTES_MAX

// Without the query, which may hold a token, as the path itself may.
static void put_path(struct gw_log_line *line, struct gw_str key, struct gw_str target) {
    char path[PATH_BYTES_MAX];
    struct gw_str masked = {NULL, 0};
    if (target.at != NULL)
        masked = gw_str(path, gw_token_mask(gw_str_slice(target, 0, gw_str_find(target, '?')), path,
                                            sizeof(path)));
    gw_log_line_put_text(line, key, masked);
}

static void put_time(struct gw_log_line *line, struct gw_str key, struct gw_report_time *time) {
    gw_report_end_time(time);
    if (time->is_known)
        gw_log_line_put_ms(line, key, time->took_ns);
    else
        gw_log_line_put_word(line, key, GW_STR(""));
}

static void put_request(struct gw_log_line *line, const struct gw_exchange *exchange) {
    const struct gw_http_head *request = exchange->request;
    struct gw_str none = {NULL, 0};
    gw_log_line_put_word(line, GW_STR("method"), request != NULL ? request->method_name : none);
    put_path(line, GW_STR("path"), request != NULL ? request->target : none);
}

static void put_response(struct gw_log_line *line, struct gw_exchange *exchange) {
    gw_log_line_put_number(line, GW_STR("status"), (uint64_t)exchange->status);
    gw_log_line_put_number(line, GW_STR("bytes"), exchange->body_bytes);
    put_time(line, GW_STR("ms"), &exchange->report.whole);
    gw_log_line_put_word(line, GW_STR("client"), gw_client_name(&exchange->client));
}

static void put_decision(struct gw_log_line *line, struct gw_report *report) {
    gw_log_line_put_word(line, GW_STR("token"), gw_str(report->token_id, report->token_id_length));
    gw_log_line_put_word(line, GW_STR("org"), gw_str(report->org, report->org_length));
    gw_log_line_put_word(line, GW_STR("verdict"), gw_report_verdict_text(report));
    gw_log_line_put_word(line, GW_STR("error"), gw_report_error_code(report));
    gw_log_line_put_word(line, GW_STR("route"),
                         gw_str_from(report->route != NULL ? report->route->pattern : NULL));
    gw_log_line_put_word(line, GW_STR("cache"), gw_report_source_text(report));
    put_time(line, GW_STR("decision_ms"), &report->decision);
    put_time(line, GW_STR("registry_ms"), &report->registry);
}

// Bytes of header fields, which nobody has checked yet.
static void put_original(struct gw_log_line *line, const struct gw_report *report) {
    char method[METHOD_BYTES_MAX];
    struct gw_str masked = {NULL, 0};
    if (report->original_method.at != NULL)
        masked = gw_str(method, gw_token_mask(report->original_method, method, sizeof(method)));
    gw_log_line_put_text(line, GW_STR("original_method"), masked);
    put_path(line, GW_STR("original_path"), report->original_target);
}

static void put_ids(struct gw_log_line *line, struct gw_exchange *exchange) {
    gw_log_line_put_word(line, GW_STR("trace"), gw_trace_id(gw_exchange_trace(exchange)));
    gw_log_line_put_word(line, GW_STR("id"), gw_str_from(exchange->request_id));
}

// Of what went well one in so many; what did not is all there, and so is a client that left.
static bool is_in_sample(const struct gw_exchange *exchange) {
    struct gw_services *services = exchange->services;
    int sample = services->config->access_log_sample;
    if (sample <= 1 || exchange->status == 0 || exchange->status >= 400 ||
        exchange->report.error != GW_ERROR_NONE)
        return true;
    return gw_random_next(&services->random) % (uint64_t)sample == 0;
}

void gw_access_log_write(struct gw_exchange *exchange) {
    struct gw_log_line line;
    if (!exchange->report.is_wanted || !is_in_sample(exchange))
        return;
    gw_services_touch(exchange->services);
    gw_report_end_time(&exchange->report.whole);
    if (!gw_log_start(&line, GW_LOG_INFO, "request",
                      gw_services_wall_ms_at(exchange->services, exchange->report.whole.ended_ns)))
        return;
    put_request(&line, exchange);
    put_response(&line, exchange);
    put_decision(&line, &exchange->report);
    put_original(&line, &exchange->report);
    put_ids(&line, exchange);
    gw_log_finish(&line);
}
