// SPDX-License-Identifier: MIT
#include "cli/revoke_many.h"

#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/progress.h"
#include "cli/revoke_batch.h"
#include "cli/revoked.h"
#include "cli/whoami_cmd.h"

struct many {
    struct cli_session *session;
    const struct cli_options *options;
    struct cli_revoke_target *targets;
    size_t count;
    bool may_end_last;
    bool is_own_revoked;
    size_t newest_done;  // of the last batch
    struct gw_json root; // its answer
    struct cli_progress progress;
    enum cli_exit printed; // CLI_DONE, or why the lines cannot be written
    struct cli_reason unprinted;
};

static size_t count_of(const struct many *many, enum cli_revoke_state state) {
    size_t count = 0;
    for (size_t i = 0; i < many->count; i++)
        count += many->targets[i].state == state;
    return count;
}

// ---- the ids ----

static int compare(const void *left, const void *right) {
    const struct gw_str *const *a = left;
    const struct gw_str *const *b = right;
    return gw_str_compare(**a, **b);
}

static enum cli_exit check_distinct(const struct gw_str *ids, size_t count, struct gw_arena *memory,
                                    struct cli_reason *why) {
    const struct gw_str **sorted = gw_arena_allocate(memory, count * sizeof(const struct gw_str *));
    if (sorted == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &ids[i];
    qsort(sorted, count, sizeof(const struct gw_str *), compare);
    for (size_t i = 1; i < count; i++) {
        if (gw_str_equal(*sorted[i - 1], *sorted[i]))
            return cli_fail(why, CLI_USAGE, "the id %.*s is given twice", GW_STR_ARG(*sorted[i]));
    }
    return CLI_DONE;
}

static enum cli_exit make_targets(struct many *many, const struct gw_str *ids,
                                  struct cli_reason *why) {
    many->targets =
        gw_arena_allocate(&many->session->memory, many->count * sizeof(many->targets[0]));
    if (many->targets == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    for (size_t i = 0; i < many->count; i++)
        many->targets[i] = (struct cli_revoke_target){.id = ids[i]};
    return CLI_DONE;
}

static void move_to_end(struct many *many, struct gw_str id) {
    size_t at = 0;
    while (at < many->count && !gw_str_equal(many->targets[at].id, id))
        at++;
    if (at == many->count)
        return;
    struct cli_revoke_target own = many->targets[at];
    memmove(&many->targets[at], &many->targets[at + 1], (many->count - at - 1) * sizeof(own));
    many->targets[many->count - 1] = own;
}

static enum cli_exit put_own_last(struct many *many, struct cli_reason *why) {
    struct cli_identity identity;
    enum cli_exit exit = CLI_DONE;
    if (many->count <= GW_BULK_REVOKE_MAX)
        return CLI_DONE;
    if (many->session->own_token_id.at == NULL)
        exit = cli_whoami_cmd_ask(many->session, &identity, why);
    if (exit == CLI_DONE && many->session->own_token_id.at != NULL)
        move_to_end(many, many->session->own_token_id);
    return exit;
}

// ---- the requests ----

static bool is_last_meant(void) {
    return cli_ask("The last live admin token of the organisation is among them, which can make no "
                   "other then. Revoke them?") == CLI_ASK_YES;
}

static enum cli_exit send_batch(struct many *many, struct cli_revoke_batch *batch,
                                struct cli_reason *why) {
    enum cli_exit exit = cli_revoke_batch_send(many->session, batch, &many->root, why);
    if (!cli_revoked_is_last_admin(exit, why))
        return exit;
    cli_progress_clear(&many->progress);
    if (!is_last_meant())
        return exit;
    many->may_end_last = true;
    batch->may_end_last = true;
    return cli_revoke_batch_send(many->session, batch, &many->root, why);
}

static void print_lines(struct many *many, const struct cli_revoke_batch *batch) {
    struct cli_output out;
    many->newest_done = 0;
    cli_progress_clear(&many->progress);
    cli_output_init(&out);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->targets[i].state != CLI_REVOKE_DONE)
            continue;
        cli_revoked_put_line(&out, batch->targets[i].name);
        many->newest_done++;
    }
    if (cli_options_has(many->options, CLI_FLAG_JSON) || many->printed != CLI_DONE)
        cli_output_deinit(&out);
    else
        many->printed = cli_output_send(&out, &many->unprinted);
}

static enum cli_exit send_all(struct many *many, struct cli_reason *why) {
    enum cli_exit exit = CLI_DONE;
    gw_assert(many->targets != NULL);
    struct cli_revoke_batch batch;
    for (size_t at = 0; at < many->count && exit == CLI_DONE; at += batch.count) {
        size_t left = many->count - at;
        bool is_last = left <= GW_BULK_REVOKE_MAX;
        batch = (struct cli_revoke_batch){
            .targets = many->targets + at,
            .count = is_last ? left : GW_BULK_REVOKE_MAX,
            .wait = is_last && cli_options_has(many->options, CLI_FLAG_WAIT),
            .may_end_last = many->may_end_last,
            .with_rules = cli_options_has(many->options, CLI_FLAG_WITH_RULES),
        };
        cli_progress_tell(&many->progress, "%zu of %zu tokens revoked", at, many->count);
        exit = send_batch(many, &batch, why);
        if (exit == CLI_DONE && cli_answer_is_true(many->root, "ownRevoked"))
            many->is_own_revoked = true;
        print_lines(many, &batch);
        if (exit == CLI_DONE)
            exit = cli_revoked_note_rules(many->session, many->root, why);
    }
    return exit;
}

// ---- what is said of them ----

static void put_ids(const struct many *many, const char *key, enum cli_revoke_state state,
                    struct cli_output *out) {
    const char *lead = "";
    cli_output_put(out, key);
    for (size_t i = 0; i < many->count; i++) {
        if (many->targets[i].state != state)
            continue;
        cli_output_put(out, lead);
        cli_output_put(out, "\"");
        cli_output_put_str(out, many->targets[i].id);
        cli_output_put(out, "\"");
        lead = ",";
    }
    cli_output_put(out, "]");
}

// What a gateway says of one wait.
static void put_reach(const struct many *many, struct cli_output *out) {
    static const char *const keys[] = {"gateways", "pending", "silent", "until"};
    struct gw_json member;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!gw_json_member(many->root, gw_str_from(keys[i]), &member))
            continue;
        cli_output_put(out, ",\"");
        cli_output_put(out, keys[i]);
        cli_output_put(out, "\":");
        cli_output_put_json(out, gw_json_raw(member));
    }
}

// The answers as one; after a failure also what it left.
static void put_together(const struct many *many, bool has_failed, struct cli_output *out) {
    const char *lead = "";
    cli_output_put(out, "{\"revoked\":[");
    for (size_t i = 0; i < many->count; i++) {
        if (many->targets[i].state != CLI_REVOKE_DONE)
            continue;
        cli_output_put(out, lead);
        cli_output_put_json(out, many->targets[i].json);
        lead = ",";
    }
    put_ids(many, "],\"notFound\":[", CLI_REVOKE_MISSING, out);
    cli_output_put(out, many->is_own_revoked ? ",\"ownRevoked\":true" : ",\"ownRevoked\":false");
    if (has_failed) {
        put_ids(many, ",\"notRevoked\":[", CLI_REVOKE_WAITS, out);
        put_ids(many, ",\"unknown\":[", CLI_REVOKE_UNKNOWN, out);
    } else {
        put_reach(many, out);
    }
    cli_output_put(out, "}\n");
}

static enum cli_exit print_json(const struct many *many, bool has_failed, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (many->count <= GW_BULK_REVOKE_MAX && !has_failed)
        cli_session_put_answer(many->session, &out);
    else
        put_together(many, has_failed, &out);
    return cli_output_send(&out, why);
}

static void note_own(const struct many *many) {
    if (!many->is_own_revoked)
        return;
    cli_note("the token of this call was among them");
    cli_revoked_note_own_gone(many->session);
}

// The last line of stderr is the error, so each id is noted before it.
static void note_ids(const struct many *many, enum cli_revoke_state state, const char *text) {
    for (size_t i = 0; i < many->count; i++) {
        if (many->targets[i].state == state)
            cli_note("%s %.*s", text, GW_STR_ARG(many->targets[i].id));
    }
}

static void note_left(const struct many *many) {
    note_ids(many, CLI_REVOKE_MISSING, "no live token has the id");
    if (many->count <= GW_BULK_REVOKE_MAX)
        return;
    note_ids(many, CLI_REVOKE_UNKNOWN, "it is not known whether this is revoked:");
    note_ids(many, CLI_REVOKE_WAITS, "not revoked:");
}

// ---- the end ----

static enum cli_exit check_found(const struct many *many, struct cli_reason *why) {
    size_t missing = count_of(many, CLI_REVOKE_MISSING);
    if (missing == 0)
        return CLI_DONE;
    return cli_fail(why, CLI_NOT_FOUND,
                    "%zu of %zu tokens were not found, all others are revoked, skillreg token list "
                    "shows the ids",
                    missing, many->count);
}

// A wait is for what its own batch did, and for what was done before it.
static enum cli_exit check_confirmed(const struct many *many, struct cli_reason *why) {
    if (cli_options_has(many->options, CLI_FLAG_WAIT) && many->newest_done == 0 &&
        count_of(many, CLI_REVOKE_DONE) > 0)
        return cli_fail(why, CLI_UNCONFIRMED,
                        "the tokens are revoked, but it is not known whether every gateway has "
                        "heard of it, as the last of them were not found");
    const struct cli_confirmation *words = count_of(many, CLI_REVOKE_DONE) == 1
                                               ? &cli_revoked_confirmation
                                               : &cli_revoked_many_confirmation;
    return cli_confirmation_check(many->session, many->root, words, why);
}

// What the error of one request does not say.
static void explain(const struct many *many, enum cli_exit exit, struct cli_reason *why) {
    size_t done = count_of(many, CLI_REVOKE_DONE);
    size_t unknown = count_of(many, CLI_REVOKE_UNKNOWN);
    if (cli_revoked_is_last_admin(exit, why))
        cli_reason_add(why, done == 0 ? "none was revoked, --last revokes them all the same"
                                      : "--last revokes it all the same");
    else if (unknown > 0)
        cli_reason_add(why, "it is not known whether the tokens have been revoked, the same again "
                            "does no harm");
    if (many->count <= GW_BULK_REVOKE_MAX)
        return;
    struct gw_str left = gw_arena_printf(
        &many->session->memory, "%zu of %zu tokens are revoked%s, the same command again goes on",
        done, many->count, unknown > 0 ? ", and maybe the next ones" : "");
    if (left.at != NULL)
        cli_reason_add(why, left.at);
}

static enum cli_exit conclude(struct many *many, enum cli_exit exit, struct cli_reason *why) {
    bool has_failed = exit != CLI_DONE;
    bool says_nothing = has_failed && many->count <= GW_BULK_REVOKE_MAX;
    note_own(many);
    if (cli_options_has(many->options, CLI_FLAG_JSON) && !says_nothing)
        many->printed = print_json(many, has_failed, &many->unprinted);
    note_left(many);
    if (has_failed) {
        explain(many, exit, why);
        return exit;
    }
    if (many->printed != CLI_DONE) {
        *why = many->unprinted;
        return many->printed;
    }
    exit = check_confirmed(many, why);
    return exit == CLI_DONE ? check_found(many, why) : exit;
}

enum cli_exit cli_revoke_many(struct cli_session *session, const struct cli_options *options,
                              const struct gw_str *ids, size_t count, struct cli_reason *why) {
    struct many many = {
        .session = session,
        .options = options,
        .count = count,
        .may_end_last = cli_options_has(options, CLI_FLAG_LAST),
        .printed = CLI_DONE,
    };
    gw_assert(count > 0);
    cli_progress_start(&many.progress);
    enum cli_exit exit = check_distinct(ids, count, &session->memory, why);
    if (exit == CLI_DONE)
        exit = make_targets(&many, ids, why);
    if (exit == CLI_DONE)
        exit = put_own_last(&many, why);
    return exit == CLI_DONE ? conclude(&many, send_all(&many, why), why) : exit;
}
