// SPDX-License-Identifier: MIT
#include "gateway/operator/token_issue.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret_input.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/token_json.h"
#include "gateway/operator/text.h"
#include "gateway/settings/complaint.h"
#include "token/id.h"

#define OUTPUT_BYTES_MAX 16384
#define IMPORT_BYTES_MAX (GW_TOKEN_LENGTH_MAX + 1) // and the '\r' of a line end

// `secret` is empty for a token that its owner has already.
static enum gw_status render_json(struct gw_buf *out, const struct db_token_row *row,
                                  struct gw_str secret) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_token_json_write(&json, row);
    if (secret.length > 0)
        gw_json_put_string(&json, "token", secret);
    return gw_operator_end_json(&json, out);
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

static enum gw_operator_exit show_token(const struct gw_operator_options *options,
                                        const struct db_token_row *row, struct gw_str secret) {
    struct gw_buf out;
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_status status =
        options->wants_json ? render_json(&out, row, secret) : render_text(&out, row, secret);
    bool is_shown = status == GW_OK && gw_operator_write(gw_buf_bytes(&out));
    gw_buf_deinit_wiped(&out);
    if (is_shown)
        return GW_OPERATOR_DONE;
    if (secret.length > 0)
        gw_complain(
            "the token was created but could not be shown, revoke it: skillreg-gateway token "
            "revoke %.*s",
            GW_STR_ARG(row->id));
    else
        gw_complain("the token was imported as %.*s, but that could not be shown",
                    GW_STR_ARG(row->id));
    return GW_OPERATOR_REFUSED;
}

// Stores `secret` and shows the token; with the secret only if `is_new`.
static enum gw_operator_exit store_token(const struct gw_operator_options *options,
                                         struct gw_operator_store *store, struct gw_str secret,
                                         bool is_new) {
    gw_assert(options->slug.at != NULL && options->name.at != NULL);
    gw_assert(secret.length >= GW_TOKEN_PREFIX_LENGTH);
    char org_id[DB_ID_LENGTH_MAX];
    size_t org_id_length = 0;
    enum gw_status status =
        gw_operator_store_find_org(store, options->slug, org_id, &org_id_length);
    if (status == GW_NOT_FOUND)
        return gw_operator_fail_unknown_org(options->slug);
    if (status != GW_OK)
        return gw_operator_fail_store(store, status);
    char id[GW_ID_LENGTH + 1];
    if (gw_id_make(id) != GW_OK)
        return gw_operator_fail("the system gives no random numbers");
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
        return gw_operator_fail_unknown_org(options->slug);
    if (status == GW_CONFLICT)
        return gw_operator_fail(
            "this token is there already, perhaps expired, revoked or in another "
            "organisation (skillreg-gateway token list --all shows it)");
    if (status != GW_OK)
        return gw_operator_fail_store(store, status);
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

// store_token on a store of its own.
static enum gw_operator_exit open_and_store(const struct gw_operator_options *options,
                                            struct gw_str secret, bool is_new) {
    struct gw_operator_store store;
    enum gw_operator_exit code = gw_operator_open(options, &store);
    if (code != GW_OPERATOR_DONE)
        return code;
    code = store_token(options, &store, secret, is_new);
    gw_operator_store_close(&store);
    return code;
}

enum gw_operator_exit gw_operator_token_create(const struct gw_operator_options *options) {
    struct gw_token_secret secret;
    if (gw_token_mint(options->kind, &secret) != GW_OK)
        return gw_operator_fail("the system gives no random numbers");
    enum gw_operator_exit code = open_and_store(options, gw_str(secret.text, secret.length), true);
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
static enum gw_operator_exit read_token(char bytes[IMPORT_BYTES_MAX], struct gw_str *secret) {
    size_t length = 0;
    const char *failed = NULL;
    enum gw_token_kind kind;
    enum gw_status status =
        gw_secret_input_read("Token: ", bytes, IMPORT_BYTES_MAX, &length, &failed);
    if (status == GW_SYSTEM)
        return gw_operator_fail("standard input cannot be read");
    if (status == GW_CANCELLED)
        return gw_operator_fail("interrupted, nothing was stored");
    *secret = gw_str(bytes, length);
    if (length > 0 && bytes[length - 1] == '\r')
        secret->length--;
    if (status == GW_OK && is_input_used_up() && gw_token_syntax_parse(*secret, &kind) == GW_OK)
        return GW_OPERATOR_DONE;
    return gw_operator_fail(
        "standard input holds no token: one line, sr_live_, sr_test_ or sk_ and then "
        "20-255 of A-Z a-z 0-9 _ -");
}

enum gw_operator_exit gw_operator_token_import(const struct gw_operator_options *options) {
    char input[IMPORT_BYTES_MAX];
    struct gw_str secret = gw_str(NULL, 0);
    enum gw_operator_exit code = read_token(input, &secret);
    if (code == GW_OPERATOR_DONE)
        code = open_and_store(options, secret, false);
    gw_bytes_wipe(input, sizeof(input));
    return code;
}
