// SPDX-License-Identifier: MIT
#include "gateway/operator/operator.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret_input.h"
#include "db/grants.h"
#include "db/migrate.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/token_json.h"
#include "gateway/operator/options.h"
#include "gateway/operator/store.h"
#include "gateway/settings/complaint.h"
#include "token/id.h"

enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

#define OUTPUT_BYTES_MAX 16384
#define IMPORT_BYTES_MAX (GW_TOKEN_LENGTH_MAX + 1) // and the '\r' of a line end

// ---- failing ----

static enum exit_code fail(const char *message) {
    gw_complain("%s", message);
    return EXIT_REFUSED;
}

static enum exit_code fail_unknown_org(struct gw_str slug) {
    gw_complain("there is no organisation %.*s (make it: skillreg-gateway org "
                "create %.*s)",
                GW_STR_ARG(slug), GW_STR_ARG(slug));
    return EXIT_REFUSED;
}

// For a failure that no command explains better.
static enum exit_code fail_store(const struct gw_operator_store *store, enum gw_status status) {
    if (status == GW_BUSY)
        return fail("another transaction held it up for too long, nothing was changed; try again");
    if (status != GW_UNAVAILABLE) {
        gw_complain("failed: %s", gw_status_text(status));
        return EXIT_REFUSED;
    }
    if (store->is_reached)
        return fail(store->reason);
    gw_complain("cannot reach PostgreSQL: %s (check --database-url)", store->reason);
    return EXIT_UNREACHABLE;
}

// ---- showing ----

// Past stdio, which would keep a copy of a secret.
static bool write_all(struct gw_str bytes) {
    while (bytes.length > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes.at, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes = gw_str_slice(bytes, (size_t)written, bytes.length);
    }
    return true;
}

// `secret` is empty for a token that its owner has already.
static enum gw_status render_json(struct gw_buf *out, const struct db_token_row *row,
                                  struct gw_str secret) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_token_json_write(&json, row);
    if (secret.length > 0)
        gw_json_put_string(&json, "token", secret);
    gw_json_close_object(&json);
    enum gw_status status = gw_json_writer_finish(&json);
    return status == GW_OK ? gw_buf_append_str(out, GW_STR("\n")) : status;
}

static enum gw_status render_text(struct gw_buf *out, const struct db_token_row *row,
                                  struct gw_str secret) {
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
    (void)gw_scope_format(row->scopes, ", ", scopes);
    enum gw_status status =
        gw_buf_printf(out, "\xE2\x9C\x93 Token %s successfully!\n\n  Name:   %.*s\n  Scopes: %s\n",
                      secret.length > 0 ? "created" : "imported", GW_STR_ARG(row->name), scopes);
    if (status != GW_OK)
        return status;
    if (secret.length == 0)
        return gw_buf_printf(out, "  Prefix: %.*s\n  ID:     %.*s\n", GW_STR_ARG(row->prefix),
                             GW_STR_ARG(row->id));
    return gw_buf_printf(
        out,
        "  Token:  %.*s\n\n  \xE2\x9A\xA0 Copy this token now \xE2\x80\x94 it will "
        "not be shown again.\n",
        GW_STR_ARG(secret));
}

static enum exit_code show_token(const struct gw_operator_options *options,
                                 const struct db_token_row *row, struct gw_str secret) {
    struct gw_buf out;
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_status status =
        options->wants_json ? render_json(&out, row, secret) : render_text(&out, row, secret);
    bool is_shown = status == GW_OK && write_all(gw_buf_bytes(&out));
    gw_buf_deinit_wiped(&out);
    if (is_shown)
        return EXIT_DONE;
    gw_complain("the token %.*s exists but could not be shown", GW_STR_ARG(row->id));
    return EXIT_REFUSED;
}

// ---- migrate ----

static enum exit_code run_migrate(const struct gw_operator_options *options) {
    gw_assert(options->database_url != NULL);
    struct db_migrate_report report;
    enum gw_status status = options->role.at == NULL ? db_migrate(options->database_url, &report)
                                                     : db_migrate_and_grant(options->database_url,
                                                                            options->role, &report);
    if (status == GW_UNAVAILABLE) {
        gw_complain("%s (check --database-url)", report.error);
        return EXIT_UNREACHABLE;
    }
    if (status != GW_OK)
        return fail(report.error);
    if (report.version_before == report.version_after)
        (void)printf("\xE2\x9C\x93 The schema is at version %d: nothing to do.\n",
                     report.version_after);
    else
        (void)printf("\xE2\x9C\x93 The schema went from version %d to %d.\n", report.version_before,
                     report.version_after);
    return EXIT_DONE;
}

// ---- grants ----

// One transaction: all of it, or nothing.
static enum exit_code run_grants(const struct gw_operator_options *options) {
    struct gw_buf out;
    gw_assert(options->role.at != NULL);
    gw_buf_init(&out, DB_GRANTS_BYTES_MAX);
    enum gw_status status = gw_buf_append_str(&out, GW_STR("begin;\n"));
    if (status == GW_OK)
        status = db_grants_write(options->role, &out);
    if (status == GW_OK)
        status = gw_buf_append_str(&out, GW_STR("commit;\n"));
    bool is_shown = status == GW_OK && write_all(gw_buf_bytes(&out));
    gw_buf_deinit(&out);
    return is_shown ? EXIT_DONE : fail("standard output cannot be written");
}

// ---- org create ----

static enum exit_code run_org_create(const struct gw_operator_options *options,
                                     struct gw_operator_store *store) {
    char id[GW_ID_LENGTH + 1];
    if (gw_id_make(id) != GW_OK)
        return fail("the system gives no random numbers");
    enum gw_status status =
        gw_operator_store_create_org(store, gw_str_from(id), options->slug, options->name);
    if (status == GW_CONFLICT) {
        gw_complain("organisation %.*s already exists", GW_STR_ARG(options->slug));
        return EXIT_REFUSED;
    }
    if (status != GW_OK)
        return fail_store(store, status);
    (void)printf("\xE2\x9C\x93 Organisation \"%.*s\" created.\n", GW_STR_ARG(options->slug));
    return EXIT_DONE;
}

// ---- token create, token import ----

// Stores `secret` and shows the token; with the secret only if `is_new`.
static enum exit_code store_token(const struct gw_operator_options *options,
                                  struct gw_operator_store *store, struct gw_str secret,
                                  bool is_new) {
    gw_assert(options->slug.at != NULL && options->name.at != NULL);
    gw_assert(secret.length >= GW_TOKEN_PREFIX_LENGTH);
    char org_id[DB_ID_LENGTH_MAX];
    size_t org_id_length = 0;
    enum gw_status status =
        gw_operator_store_find_org(store, options->slug, org_id, &org_id_length);
    if (status == GW_NOT_FOUND)
        return fail_unknown_org(options->slug);
    if (status != GW_OK)
        return fail_store(store, status);
    char id[GW_ID_LENGTH + 1];
    if (gw_id_make(id) != GW_OK)
        return fail("the system gives no random numbers");
    struct db_token_create create = {
        .org_id = gw_str(org_id, org_id_length),
        .id = gw_str_from(id),
        .name = options->name,
        .prefix = gw_str_slice(secret, 0, GW_TOKEN_PREFIX_LENGTH),
        .scopes = options->scopes,
        .expires_ms = DB_NO_TIME,
        .is_imported = !is_new,
        .allowed_ips = options->allowed_ips,
        .allowed_ip_count = options->allowed_ip_count,
        .created_by = GW_STR(DB_OPERATOR),
        .binds_children = options->binds_children,
    };
    gw_token_digest(secret, create.digest);
    if (options->expires_in_ms != 0)
        create.expires_ms = gw_clock_wall_ms() + (int64_t)options->expires_in_ms;
    int64_t created_ms = DB_NO_TIME;
    status = gw_operator_store_create_token(store, &create, &created_ms);
    if (status == GW_NOT_FOUND)
        return fail_unknown_org(options->slug);
    if (status == GW_CONFLICT)
        return fail("this token is known already");
    if (status != GW_OK)
        return fail_store(store, status);
    const struct db_token_row row = {.id = create.id,
                                     .name = create.name,
                                     .prefix = create.prefix,
                                     .scopes = create.scopes,
                                     .created_ms = created_ms,
                                     .last_used_ms = DB_NO_TIME,
                                     .expires_ms = create.expires_ms,
                                     .binds_children = create.binds_children,
                                     .allowed_ips = create.allowed_ips,
                                     .allowed_ip_count = create.allowed_ip_count};
    return show_token(options, &row, is_new ? secret : gw_str(NULL, 0));
}

static enum exit_code run_token_create(const struct gw_operator_options *options,
                                       struct gw_operator_store *store) {
    struct gw_token_secret secret;
    if (gw_token_mint(options->kind, &secret) != GW_OK)
        return fail("the system gives no random numbers");
    enum exit_code code = store_token(options, store, gw_str(secret.text, secret.length), true);
    gw_bytes_wipe(&secret, sizeof(secret));
    return code;
}

// False unless standard input ends where the line did. A terminal holds no more than the line.
static bool is_input_used_up(void) {
    char byte;
    ssize_t taken;
    if (isatty(STDIN_FILENO))
        return true;
    do
        taken = read(STDIN_FILENO, &byte, 1);
    while (taken < 0 && errno == EINTR);
    return taken == 0;
}

// Reads the token to import, which is all that standard input holds. `bytes` takes a token and the
// '\r' of a line end.
static enum exit_code read_token(char bytes[IMPORT_BYTES_MAX], struct gw_str *secret) {
    size_t length = 0;
    const char *failed = NULL;
    enum gw_token_kind kind;
    enum gw_status status =
        gw_secret_input_read("Token: ", bytes, IMPORT_BYTES_MAX, &length, &failed);
    if (status == GW_SYSTEM)
        return fail("standard input cannot be read");
    if (status == GW_CANCELLED)
        return fail("interrupted, nothing was stored");
    *secret = gw_str(bytes, length);
    if (length > 0 && bytes[length - 1] == '\r')
        secret->length--;
    if (status == GW_OK && is_input_used_up() && gw_token_syntax_parse(*secret, &kind) == GW_OK)
        return EXIT_DONE;
    return fail("standard input holds no token: one line, sr_live_, sr_test_ or sk_ and then "
                "20-255 of A-Z a-z 0-9 _ -");
}

// ---- dispatch ----

// `secret` is the token to import.
static enum exit_code run_with_store(const struct gw_operator_options *options,
                                     struct gw_str secret) {
    struct gw_operator_store store;
    gw_assert(options->database_url != NULL);
    enum gw_status status = gw_operator_store_open(&store, options->database_url);
    if (status != GW_OK)
        return fail(status == GW_INVALID ? "the database URL is malformed"
                                         : gw_status_text(status));
    enum exit_code code;
    if (options->command == GW_OPERATOR_ORG_CREATE)
        code = run_org_create(options, &store);
    else if (options->command == GW_OPERATOR_TOKEN_CREATE)
        code = run_token_create(options, &store);
    else
        code = store_token(options, &store, secret, false);
    gw_operator_store_close(&store);
    return code;
}

// Asks for the token before the database is opened, as its connection may start threads.
static enum exit_code run_token_import(const struct gw_operator_options *options) {
    char input[IMPORT_BYTES_MAX];
    struct gw_str secret;
    enum exit_code code = read_token(input, &secret);
    if (code == EXIT_DONE)
        code = run_with_store(options, secret);
    gw_bytes_wipe(input, sizeof(input));
    return code;
}

int gw_operator_run(int argc, char **argv) {
    struct gw_operator_options options;
    switch (gw_operator_options_read(argc, argv, &options)) {
    case GW_OPERATOR_HELP_SHOWN:
        return EXIT_DONE;
    case GW_OPERATOR_WRONG:
        return EXIT_USAGE;
    case GW_OPERATOR_RUN:
        break;
    }
    (void)signal(SIGPIPE, SIG_IGN); // write_all reports it
    gw_log_set_level(GW_LOG_ERROR); // the command reports failures of the connection
    enum exit_code code;
    if (options.command == GW_OPERATOR_MIGRATE)
        code = run_migrate(&options);
    else if (options.command == GW_OPERATOR_GRANTS)
        code = run_grants(&options);
    else if (options.command == GW_OPERATOR_TOKEN_IMPORT)
        code = run_token_import(&options);
    else
        code = run_with_store(&options, gw_str(NULL, 0));
    if (fflush(stdout) != 0 && code == EXIT_DONE)
        code = fail("standard output cannot be written");
    return code;
}
