// SPDX-License-Identifier: MIT
#include "cli/id_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64url.h"
#include "cli/github_id_token.h"
#include "cli/text.h"

#define PARTS 3
#define VARIABLE "SKILLREG_ID_TOKEN"
#define FILE_VARIABLE "SKILLREG_ID_TOKEN_FILE"

// NULL: not set, or empty.
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_variable_name(const char *at, const char *name) {
    size_t length = strlen(name);
    return strncmp(at, name, length) == 0 && (at[length] == '=' || at[length] == '\0');
}

bool cli_id_token_is_variable(const char *at) {
    return is_variable_name(at, VARIABLE) || is_variable_name(at, FILE_VARIABLE) ||
           is_variable_name(at, CLI_GITHUB_ID_TOKEN_URL) ||
           is_variable_name(at, CLI_GITHUB_ID_TOKEN_SECRET);
}

// The form alone: the gateway judges it.
static bool is_jwt(struct gw_str text) {
    struct gw_str part;
    int count = 0;
    while (gw_str_next(&text, '.', &part)) {
        for (size_t i = 0; i < part.length; i++) {
            if (!gw_base64url_is_char(part.at[i]))
                return false;
        }
        if (part.length == 0)
            return false;
        count++;
    }
    return count == PARTS;
}

enum cli_exit cli_id_token_set(struct cli_id_token *token, struct gw_str text, const char *place,
                               struct cli_reason *why) {
    text = cli_text_trim(text);
    if (text.length > CLI_ID_TOKEN_BYTES_MAX)
        return cli_fail(why, CLI_USAGE,
                        "%s holds more than %d bytes, which no gateway takes for an identity token",
                        place, CLI_ID_TOKEN_BYTES_MAX);
    if (!is_jwt(text))
        return cli_fail(why, CLI_USAGE,
                        "%s holds no identity token: one is a JWT, three parts of letters, digits, "
                        "- and _ with dots between them",
                        place);
    memcpy(token->text, text.at, text.length);
    token->text[text.length] = '\0';
    return CLI_DONE;
}

void cli_id_token_wipe(struct cli_id_token *token) {
    gw_bytes_wipe(token, sizeof(*token));
}

// ---- from a file ----

// One byte more than a token has and than white space behind it may be: what is longer is none.
static ssize_t read_all(int file, char *out, size_t room) {
    size_t used = 0;
    while (used < room) {
        ssize_t got = read(file, out + used, room - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

static enum cli_exit read_file(const char *path, struct cli_id_token *token,
                               struct cli_reason *why) {
    char bytes[CLI_ID_TOKEN_BYTES_MAX + 64];
    if (is_jwt(gw_str_from(path)) && access(path, F_OK) != 0)
        return cli_fail(why, CLI_USAGE,
                        "--id-token-file and " FILE_VARIABLE
                        " take the path of a file, never the identity token itself");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read_all(file, bytes, sizeof(bytes));
    enum cli_exit exit =
        length < 0 ? cli_fail(why, CLI_USAGE, "cannot read the file of the identity token, %s: %s",
                              path, strerror(errno))
                   : cli_id_token_set(token, gw_str(bytes, (size_t)length), path, why);
    if (file >= 0)
        (void)close(file);
    gw_bytes_wipe(bytes, sizeof(bytes));
    return exit;
}

// ---- from the first place that has one ----

static enum cli_exit fail_without(struct cli_reason *why) {
    const char *path = variable(FILE_VARIABLE);
    return cli_fail(why, CLI_USAGE,
                    "no identity token: no --id-token-file; no " CLI_GITHUB_ID_TOKEN_URL
                    " and " CLI_GITHUB_ID_TOKEN_SECRET
                    " (a GitHub job needs permissions: id-token: write); no " VARIABLE
                    " (a GitLab job needs id_tokens:); no file %s%s (a pod needs a projected "
                    "serviceAccountToken)",
                    path != NULL ? path : CLI_ID_TOKEN_FILE,
                    path != NULL ? ", which " FILE_VARIABLE " names" : "");
}

static enum cli_exit ask_github(struct cli_session *session, const struct cli_options *options,
                                struct cli_id_token *token, struct cli_reason *why) {
    bool insecure_http = cli_options_has(options, CLI_FLAG_INSECURE_HTTP);
    struct gw_buf value;
    gw_buf_init(&value, CLI_API_BODY_BYTES_MAX);
    enum cli_exit exit = cli_github_id_token_ask(session, insecure_http, &value, why);
    if (exit == CLI_DONE)
        exit = cli_id_token_set(token, gw_buf_bytes(&value),
                                "the answer of " CLI_GITHUB_ID_TOKEN_ENDPOINT, why);
    gw_buf_deinit_wiped(&value);
    return exit;
}

enum cli_exit cli_id_token_find(struct cli_session *session, const struct cli_options *options,
                                struct cli_id_token *token, struct cli_reason *why) {
    const char *path = options->values[CLI_FLAG_ID_TOKEN_FILE];
    if (path != NULL)
        return read_file(path, token, why);
    if (variable(CLI_GITHUB_ID_TOKEN_URL) != NULL && variable(CLI_GITHUB_ID_TOKEN_SECRET) != NULL)
        return ask_github(session, options, token, why);
    if (variable(VARIABLE) != NULL)
        return cli_id_token_set(token, gw_str_from(variable(VARIABLE)), VARIABLE, why);
    path = variable(FILE_VARIABLE);
    if (path == NULL)
        path = CLI_ID_TOKEN_FILE;
    return access(path, F_OK) == 0 ? read_file(path, token, why) : fail_without(why);
}
