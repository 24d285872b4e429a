// SPDX-License-Identifier: MIT
#include "cli/token_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "token/syntax.h"

#define ASSIGNMENT "SKILLREG_TOKEN="
#define LINE_BYTES_MAX 1024

enum cli_exit cli_token_output_parse(const char *text, enum cli_token_output *output,
                                     struct cli_reason *why) {
    static const struct {
        const char *word;
        enum cli_token_output output;
    } words[] = {{"github", CLI_TOKEN_OUTPUT_GITHUB},
                 {"gitlab", CLI_TOKEN_OUTPUT_GITLAB},
                 {"dotenv", CLI_TOKEN_OUTPUT_DOTENV}};
    *output = CLI_TOKEN_OUTPUT_TEXT;
    if (text == NULL)
        return CLI_DONE;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].word) == 0) {
            *output = words[i].output;
            return CLI_DONE;
        }
    }
    return cli_fail(why, CLI_USAGE, "--output takes one of github, gitlab, dotenv");
}

// ---- the file of a GitHub job ----

// NULL: this is no step of one.
static const char *github_env(void) {
    const char *path = getenv("GITHUB_ENV");
    return path != NULL && path[0] != '\0' ? path : NULL;
}

static enum cli_exit fail_at_github_env(const char *path, struct cli_reason *why) {
    return cli_fail(why, CLI_FAILED, "cannot write to the file of GITHUB_ENV, %s: %s", path,
                    strerror(errno));
}

static bool is_standard_output(int file) {
    struct stat here;
    struct stat there;
    return fstat(STDOUT_FILENO, &here) == 0 && fstat(file, &there) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static enum cli_exit check_github_env(const char *path, struct cli_reason *why) {
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0)
        return fail_at_github_env(path, why);
    bool is_redirected = is_standard_output(file);
    (void)close(file);
    if (is_redirected)
        return cli_fail(why, CLI_USAGE,
                        "--output github puts the token into GITHUB_ENV by itself and prints the "
                        "command that masks it, which the runner has to read: leave the "
                        "redirection out");
    return CLI_DONE;
}

// A line that somebody left without an end must not swallow ours; an empty one does not count.
static enum cli_exit append_to_github_env(const char *path, struct gw_str secret,
                                          struct cli_reason *why) {
    char line[LINE_BYTES_MAX];
    int length = snprintf(line, sizeof(line), "\n" ASSIGNMENT "%.*s\n", GW_STR_ARG(secret));
    gw_assert(length > 0 && length < (int)sizeof(line));
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    bool is_written = file >= 0 && write(file, line, (size_t)length) == (ssize_t)length;
    gw_bytes_wipe(line, sizeof(line));
    enum cli_exit exit = is_written ? CLI_DONE : fail_at_github_env(path, why);
    if (file >= 0)
        (void)close(file);
    return exit;
}

enum cli_exit cli_token_output_check(enum cli_token_output output, struct cli_reason *why) {
    if (output != CLI_TOKEN_OUTPUT_GITHUB)
        return CLI_DONE;
    if (github_env() != NULL)
        return check_github_env(github_env(), why);
    if (isatty(STDOUT_FILENO))
        return cli_fail(why, CLI_USAGE,
                        "--output github is for a step of a GitHub job, where GITHUB_ENV is set; "
                        "--output dotenv prints a line for a shell");
    return CLI_DONE;
}

// ---- the lines ----

static void put_line(struct cli_output *out, const char *before, struct gw_str secret,
                     const char *after) {
    cli_output_put(out, before);
    cli_output_put_clean(out, secret);
    cli_output_put(out, after);
}

static enum cli_exit put_github(struct gw_str secret, struct cli_output *out,
                                struct cli_reason *why) {
    const char *path = github_env();
    put_line(out, "::add-mask::", secret, "\n");
    if (path == NULL)
        put_line(out, ASSIGNMENT, secret, "\n");
    return path != NULL ? append_to_github_env(path, secret, why) : CLI_DONE;
}

enum cli_exit cli_token_output_put(enum cli_token_output output, struct gw_str secret,
                                   struct cli_output *out, struct cli_reason *why) {
    gw_assert(output != CLI_TOKEN_OUTPUT_TEXT);
    enum gw_token_kind kind;
    if (gw_token_syntax_parse(secret, &kind) != GW_OK)
        return cli_fail(why, CLI_FAILED, "the gateway's answer holds no valid token");
    switch (output) {
    case CLI_TOKEN_OUTPUT_GITHUB:
        return put_github(secret, out, why);
    case CLI_TOKEN_OUTPUT_GITLAB:
        put_line(out, ASSIGNMENT, secret, "\n");
        cli_note("GitLab does not mask a variable of a dotenv report: let no job print it");
        return CLI_DONE;
    case CLI_TOKEN_OUTPUT_DOTENV:
        put_line(out, ASSIGNMENT "'", secret, "'\n");
        return CLI_DONE;
    default:
        put_line(out, "", secret, "\n");
        return CLI_DONE;
    }
}
