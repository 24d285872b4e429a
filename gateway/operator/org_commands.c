// SPDX-License-Identifier: MIT
#include "gateway/operator/org_commands.h"

#include <stdio.h>
#include <unistd.h>

#include "db/org_admin.h"
#include "db/time.h"
#include "gateway/operator/org_text.h"
#include "gateway/operator/text.h"
#include "gateway/settings/complaint.h"
#include "token/id.h"

#define OUTPUT_BYTES_MAX ((size_t)1024 * 1024)
#define FLUSH_BYTES ((size_t)32 * 1024)
#define SLUG_WIDTH_MIN 4

// ---- create ----

static enum gw_operator_exit create(const struct gw_operator_options *options,
                                    struct gw_operator_store *store) {
    char id[GW_ID_LENGTH + 1];
    if (gw_id_make(id) != GW_OK)
        return gw_operator_fail("the system gives no random numbers");
    enum gw_status status =
        gw_operator_store_create_org(store, gw_str_from(id), options->slug, options->name);
    if (status == GW_CONFLICT) {
        gw_complain(
            "organisation %.*s already exists, perhaps deleted (skillreg-gateway org show %.*s)",
            GW_STR_ARG(options->slug), GW_STR_ARG(options->slug));
        return GW_OPERATOR_REFUSED;
    }
    if (status != GW_OK)
        return gw_operator_fail_store(store, status);
    (void)printf("\xE2\x9C\x93 Organisation \"%.*s\" created.\n", GW_STR_ARG(options->slug));
    return GW_OPERATOR_DONE;
}

enum gw_operator_exit gw_operator_org_create(const struct gw_operator_options *options) {
    struct gw_operator_store store;
    enum gw_operator_exit code = gw_operator_open(options, &store);
    if (code != GW_OPERATOR_DONE)
        return code;
    code = create(options, &store);
    gw_operator_store_close(&store);
    return code;
}

// ---- showing ----

// Takes what was rendered.
static enum gw_operator_exit show(struct gw_buf *out, enum gw_status status) {
    bool is_shown = status == GW_OK && gw_operator_write(gw_buf_bytes(out));
    gw_buf_deinit(out);
    return is_shown ? GW_OPERATOR_DONE : gw_operator_fail_output();
}

static enum gw_operator_exit show_org(const struct gw_operator_options *options,
                                      const struct db_org_row *row) {
    struct gw_buf out;
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    return show(&out, options->wants_json ? gw_operator_org_append_json(&out, row)
                                          : gw_operator_org_append_text(&out, row));
}

// GW_OPERATOR_DONE: *row is the organisation that was named, valid until the next call.
static enum gw_operator_exit find(const struct gw_operator_options *options,
                                  struct db_session *session, struct db_org_row *row) {
    enum gw_status status = db_org_admin_find(session, options->slug, row);
    if (status == GW_NOT_FOUND)
        return gw_operator_fail_unknown_org(options->slug);
    return status == GW_OK ? GW_OPERATOR_DONE : gw_operator_fail_session(session, status);
}

static enum gw_operator_exit show_named(const struct gw_operator_options *options,
                                        struct db_session *session) {
    struct db_org_row row;
    enum gw_operator_exit code = find(options, session, &row);
    return code == GW_OPERATOR_DONE ? show_org(options, &row) : code;
}

// ---- list ----

static enum gw_status append_table(struct gw_buf *out, const struct db_org_row *row,
                                   bool is_first) {
    int width = row->slug_width < SLUG_WIDTH_MIN ? SLUG_WIDTH_MIN : row->slug_width;
    enum gw_status status = is_first ? gw_operator_org_append_titles(out, width) : GW_OK;
    return status == GW_OK ? gw_operator_org_append_line(out, width, row) : status;
}

// A row at a time, so that a list may be longer than memory.
static enum gw_operator_exit list_table(struct db_session *session, struct gw_buf *out) {
    struct db_org_row row;
    enum gw_status status;
    bool is_first = true;
    while ((status = db_org_admin_next(session, &row)) == GW_OK) {
        if (append_table(out, &row, is_first) != GW_OK ||
            !gw_operator_write_beyond(out, FLUSH_BYTES))
            return gw_operator_fail_output();
        is_first = false;
    }
    if (status != GW_NOT_FOUND)
        return gw_operator_fail_session(session, status);
    if (is_first)
        (void)fputs("No organisations. Create one: skillreg-gateway org create <slug>\n", stderr);
    return gw_operator_write_beyond(out, 0) ? GW_OPERATOR_DONE : gw_operator_fail_output();
}

static enum gw_operator_exit list_json(struct db_session *session, struct gw_buf *out) {
    struct db_org_row row;
    struct gw_json_writer json;
    enum gw_status status;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_json_key(&json, "organisations");
    gw_json_open_array(&json);
    while ((status = db_org_admin_next(session, &row)) == GW_OK) {
        gw_json_open_object(&json);
        gw_operator_org_write_json(&json, &row);
        gw_json_close_object(&json);
        if (json.status != GW_OK || !gw_operator_write_beyond(out, FLUSH_BYTES))
            return gw_operator_fail_output();
    }
    if (status != GW_NOT_FOUND)
        return gw_operator_fail_session(session, status);
    gw_json_close_array(&json);
    if (gw_operator_end_json(&json, out) != GW_OK)
        return gw_operator_fail_output();
    return gw_operator_write_beyond(out, 0) ? GW_OPERATOR_DONE : gw_operator_fail_output();
}

static enum gw_operator_exit list(const struct gw_operator_options *options,
                                  struct db_session *session) {
    struct gw_buf out;
    enum gw_status status = db_org_admin_list(session, options->wants_all);
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_operator_exit code =
        options->wants_json ? list_json(session, &out) : list_table(session, &out);
    gw_buf_deinit(&out);
    return code;
}

// ---- changing ----

// What a change has left, for --json; else `sentence`, which is a whole line.
static enum gw_operator_exit report(const struct gw_operator_options *options,
                                    struct db_session *session, struct gw_str slug,
                                    const char *sentence) {
    struct db_org_row row;
    if (!options->wants_json) {
        (void)fputs(sentence, stdout);
        return GW_OPERATOR_DONE;
    }
    enum gw_status status = db_org_admin_find(session, slug, &row);
    return status == GW_OK ? show_org(options, &row) : gw_operator_fail_session(session, status);
}

#define SENTENCE_BYTES 256

static enum gw_operator_exit rename_org(const struct gw_operator_options *options,
                                        struct db_session *session) {
    char sentence[SENTENCE_BYTES];
    enum gw_status status =
        db_org_admin_rename(session, options->slug, options->new_slug, options->name);
    if (status == GW_CONFLICT) {
        gw_complain(
            "organisation %.*s already exists, perhaps deleted (skillreg-gateway org show %.*s)",
            GW_STR_ARG(options->new_slug), GW_STR_ARG(options->new_slug));
        return GW_OPERATOR_REFUSED;
    }
    if (status == GW_NOT_FOUND)
        return gw_operator_fail_unknown_org(options->slug);
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    struct gw_str slug = options->new_slug.at != NULL ? options->new_slug : options->slug;
    (void)snprintf(sentence, sizeof(sentence),
                   "\xE2\x9C\x93 Organisation \"%.*s\" renamed%s%.*s%s.\n",
                   GW_STR_ARG(options->slug), options->new_slug.at != NULL ? " to \"" : "",
                   GW_STR_ARG(options->new_slug), options->new_slug.at != NULL ? "\"" : "");
    return report(options, session, slug, sentence);
}

// The answer of somebody at a terminal.
static bool is_yes(const char *line) {
    return line[0] == 'y' || line[0] == 'Y';
}

static enum gw_operator_exit ask(const struct gw_operator_options *options, const char *tokens) {
    char line[16];
    if (options->is_agreed)
        return GW_OPERATOR_DONE;
    if (!isatty(STDIN_FILENO)) {
        gw_complain("deleting organisation %.*s ends %s, and there is no terminal to ask at: give "
                    "--yes",
                    GW_STR_ARG(options->slug), tokens);
        return GW_OPERATOR_REFUSED;
    }
    (void)fprintf(stderr, "Delete organisation \"%.*s\"? That ends %s at once. [y/N] ",
                  GW_STR_ARG(options->slug), tokens);
    if (fgets(line, sizeof(line), stdin) != NULL && is_yes(line))
        return GW_OPERATOR_DONE;
    return gw_operator_fail("nothing was deleted");
}

static enum gw_operator_exit delete_org(const struct gw_operator_options *options,
                                        struct db_session *session) {
    struct db_org_row row;
    char tokens[GW_OPERATOR_COUNT_LENGTH];
    char sentence[SENTENCE_BYTES];
    enum gw_operator_exit code = find(options, session, &row);
    if (code != GW_OPERATOR_DONE)
        return code;
    (void)gw_operator_tokens_text(row.live_tokens, tokens);
    code = row.deleted_ms == DB_NO_TIME ? ask(options, tokens) : GW_OPERATOR_DONE;
    if (code != GW_OPERATOR_DONE)
        return code;
    enum gw_status status = db_org_admin_delete(session, options->slug);
    if (status == GW_CONFLICT) {
        gw_complain("organisation %.*s is deleted already", GW_STR_ARG(options->slug));
        return GW_OPERATOR_REFUSED;
    }
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    (void)snprintf(
        sentence, sizeof(sentence),
        "\xE2\x9C\x93 Organisation \"%.*s\" deleted; %s refused from now on. This undoes it: "
        "skillreg-gateway org restore %.*s\n",
        GW_STR_ARG(options->slug), tokens, GW_STR_ARG(options->slug));
    return report(options, session, options->slug, sentence);
}

static enum gw_operator_exit restore_org(const struct gw_operator_options *options,
                                         struct db_session *session) {
    struct db_org_row row;
    char tokens[GW_OPERATOR_COUNT_LENGTH];
    char sentence[SENTENCE_BYTES];
    enum gw_status status = db_org_admin_restore(session, options->slug);
    if (status == GW_NOT_FOUND)
        return gw_operator_fail_unknown_org(options->slug);
    if (status == GW_CONFLICT) {
        gw_complain("organisation %.*s is not deleted", GW_STR_ARG(options->slug));
        return GW_OPERATOR_REFUSED;
    }
    if (status == GW_OK)
        status = db_org_admin_find(session, options->slug, &row);
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    (void)snprintf(sentence, sizeof(sentence),
                   "\xE2\x9C\x93 Organisation \"%.*s\" restored, and with it %s.\n",
                   GW_STR_ARG(options->slug), gw_operator_tokens_text(row.live_tokens, tokens));
    return report(options, session, options->slug, sentence);
}

// ---- each over a session of its own ----

enum gw_operator_exit gw_operator_org_list(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, list);
}

enum gw_operator_exit gw_operator_org_show(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, show_named);
}

enum gw_operator_exit gw_operator_org_rename(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, rename_org);
}

enum gw_operator_exit gw_operator_org_delete(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, delete_org);
}

enum gw_operator_exit gw_operator_org_restore(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, restore_org);
}
