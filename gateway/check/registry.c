// SPDX-License-Identifier: MIT
#include "gateway/check/registry.h"

#include "gateway/check/origin.h"

#define SUBJECT "registry"
#define TODO_START "a gateway starts without it and answers 503 until it is there"

void gw_check_registry(const struct gw_config *config, struct gw_check_report *report) {
    static struct gw_upstream_origins origins; // large, and of zeros
    struct gw_upstream_problem problem;
    const struct gw_upstream_options options = {.texts = config->upstreams.at,
                                                .text_count = config->upstreams.count,
                                                .authorities_file = config->upstream_ca};
    if (options.text_count == 0) {
        gw_check_add(report, GW_CHECK_WARNING, SUBJECT, "set upstream",
                     "none is set: what is to be forwarded is answered with 503");
        return;
    }
    if (gw_upstream_origins_read(&origins, &options, &problem) != GW_OK) {
        gw_check_add(report, GW_CHECK_ERROR, SUBJECT, "a start ends here", "%.*s: %s",
                     GW_STR_ARG(problem.culprit), problem.text);
        return;
    }
    for (int i = 0; i < origins.count; i++) {
        const struct gw_check_origin check = {.origin = &origins.list[i],
                                              .subject = SUBJECT,
                                              .todo = TODO_START,
                                              .level = GW_CHECK_ERROR,
                                              .timeout_ms = config->upstream_connect_timeout_ms};
        gw_check_origin(&check, report);
    }
    gw_upstream_origins_deinit(&origins);
}
