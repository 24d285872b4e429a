// SPDX-License-Identifier: MIT
#include "gateway/operator/prune.h"

#include <stdio.h>

#include "base/json.h"
#include "db/prune.h"
#include "gateway/operator/progress.h"
#include "gateway/operator/text.h"
#include "gateway/settings/complaint.h"

#define OUTPUT_BYTES_MAX 4096

struct pruning {
    struct db_session session;
    struct db_prune_ages ages;
    struct db_prune_counts found;
    struct gw_operator_progress progress;
    uint64_t tokens; // deleted so far
    uint64_t audit_events;
};

// ---- showing ----

static enum gw_status append_json(struct gw_buf *out, const struct gw_operator_options *options,
                                  uint64_t tokens, uint64_t audit_events) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_json_put_boolean(&json, "dryRun", options->is_dry_run);
    gw_json_put_integer(&json, "tokens", (int64_t)tokens);
    gw_json_put_integer(&json, "auditEvents", (int64_t)audit_events);
    return gw_operator_end_json(&json, out);
}

static enum gw_status append_text(struct gw_buf *out, const struct gw_operator_options *options,
                                  uint64_t tokens, uint64_t audit_events) {
    char counts[2][GW_OPERATOR_COUNT_LENGTH];
    return gw_buf_printf(out, "%s: %s rows of tokens, %s events of the audit.\n",
                         options->is_dry_run ? "Would be deleted" : "\xE2\x9C\x93 Deleted",
                         gw_operator_count_text(tokens, counts[0]),
                         gw_operator_count_text(audit_events, counts[1]));
}

static enum gw_operator_exit show(const struct gw_operator_options *options, uint64_t tokens,
                                  uint64_t audit_events) {
    struct gw_buf out;
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_status status = options->wants_json ? append_json(&out, options, tokens, audit_events)
                                                : append_text(&out, options, tokens, audit_events);
    bool is_shown = status == GW_OK && gw_operator_write_beyond(&out, 0);
    gw_buf_deinit(&out);
    return is_shown ? GW_OPERATOR_DONE : gw_operator_fail_output();
}

static enum gw_operator_exit fail(struct pruning *pruning, enum gw_status status) {
    gw_operator_progress_end(&pruning->progress);
    if (pruning->tokens + pruning->audit_events > 0)
        gw_complain("%llu rows of tokens and %llu events were deleted before this",
                    (unsigned long long)pruning->tokens, (unsigned long long)pruning->audit_events);
    return gw_operator_fail_session(&pruning->session, status);
}

// ---- deleting ----

static void tell(struct pruning *pruning) {
    gw_operator_progress_tell(&pruning->progress, pruning->tokens + pruning->audit_events);
}

static enum gw_status delete_tokens(struct pruning *pruning) {
    struct db_prune_tokens at = {.is_over = false};
    bool is_wanted = pruning->ages.revoked_ms + pruning->ages.expired_ms > 0;
    while (is_wanted && !at.is_over) {
        enum gw_status status = db_prune_tokens_step(&pruning->session, &pruning->ages, &at);
        if (status != GW_OK)
            return status;
        pruning->tokens += at.deleted;
        tell(pruning);
    }
    return GW_OK;
}

static enum gw_status delete_audit(struct pruning *pruning) {
    struct db_prune_audit at = {.is_over = pruning->ages.audit_ms == 0};
    while (!at.is_over) {
        enum gw_status status = db_prune_audit_step(&pruning->session, &pruning->ages, &at);
        if (status != GW_OK)
            return status;
        pruning->audit_events += at.deleted;
        tell(pruning);
    }
    return GW_OK;
}

static enum gw_operator_exit prune(const struct gw_operator_options *options,
                                   struct pruning *pruning) {
    const struct db_prune_counts *found = &pruning->found;
    enum gw_status status = db_prune_preview(&pruning->session, &pruning->ages, &pruning->found);
    if (status != GW_OK)
        return fail(pruning, status);
    uint64_t tokens = found->revoked + found->expired;
    if (options->is_dry_run)
        return show(options, tokens, found->audit_events);
    gw_operator_progress_start(&pruning->progress, tokens + found->audit_events);
    status = delete_tokens(pruning);
    if (status == GW_OK)
        status = delete_audit(pruning);
    if (status != GW_OK)
        return fail(pruning, status);
    gw_operator_progress_end(&pruning->progress);
    return show(options, pruning->tokens, pruning->audit_events);
}

enum gw_operator_exit gw_operator_prune(const struct gw_operator_options *options) {
    struct pruning pruning = {.ages = {.audit_ms = options->audit_age_ms,
                                       .revoked_ms = options->revoked_age_ms,
                                       .expired_ms = options->expired_age_ms}};
    enum gw_operator_exit code = gw_operator_open_session(options, &pruning.session);
    if (code != GW_OPERATOR_DONE)
        return code;
    code = prune(options, &pruning);
    db_session_close(&pruning.session);
    return code;
}
