// SPDX-License-Identifier: MIT
#include "cli/exec_cmd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/api_url.h"
#include "cli/child.h"
#include "cli/exchange.h"
#include "cli/id_token.h"

#define OWN_COUNT 3
#define OWN_BYTES_MAX (CLI_API_URL_BYTES_MAX + 32)

// "NAME=value" of the child's own; the strings that it keeps are ours, of the process.
struct environment {
    char own[OWN_COUNT][OWN_BYTES_MAX];
    char **all; // ends with NULL
};

static bool is_replaced(const char *variable) {
    static const char *const names[OWN_COUNT] = {
        "SKILLREG_TOKEN=", "SKILLREG_URL=", "SKILLREG_ORG="};
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    }
    return cli_id_token_is_variable(variable);
}

static bool environment_init(struct environment *environment, const struct cli_settings *settings) {
    char address[CLI_API_URL_BYTES_MAX];
    size_t count = 0;
    size_t used = 0;
    while (environ[count] != NULL)
        count++;
    environment->all = calloc(count + OWN_COUNT + 1, sizeof(environment->all[0]));
    cli_api_url_address(settings->base_url, address);
    if (environment->all == NULL || address[0] == '\0')
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_replaced(environ[i]))
            environment->all[used++] = environ[i];
    }
    (void)snprintf(environment->own[0], OWN_BYTES_MAX, "SKILLREG_TOKEN=%s", settings->token);
    (void)snprintf(environment->own[1], OWN_BYTES_MAX, "SKILLREG_URL=%s", address);
    (void)snprintf(environment->own[2], OWN_BYTES_MAX, "SKILLREG_ORG=%s", settings->org);
    for (size_t i = 0; i < OWN_COUNT; i++)
        environment->all[used++] = environment->own[i];
    return true;
}

static void environment_deinit(struct environment *environment) {
    gw_bytes_wipe(environment->own, sizeof(environment->own));
    free((void *)environment->all);
}

// The operands, with the NULL that a program's arguments end with.
static enum cli_exit run(const struct cli_options *options, const struct environment *environment,
                         int *status, struct cli_reason *why) {
    char **arguments = calloc(options->operand_count + 1, sizeof(arguments[0]));
    if (arguments == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    memcpy((void *)arguments, (const void *)options->operands,
           options->operand_count * sizeof(arguments[0]));
    enum cli_exit exit = cli_child_run(arguments, environment->all, status, why);
    free((void *)arguments);
    return exit;
}

static void end_token(const struct cli_settings *settings) {
    struct cli_reason why;
    if (cli_exchange_revoke(settings, &why) != CLI_DONE)
        cli_warn("The token of the command could not be revoked, and ends by itself: %s", why.text);
}

enum cli_exit cli_exec_cmd(const struct cli_options *options, struct cli_settings *settings,
                           struct cli_reason *why) {
    gw_assert(options->command == CLI_COMMAND_EXEC && options->operand_count > 0);
    struct environment environment = {.all = NULL};
    int status = 0;
    enum cli_exit exit = cli_exchange(options, settings, why);
    if (exit != CLI_DONE)
        return exit;
    exit = environment_init(&environment, settings) ? run(options, &environment, &status, why)
                                                    : cli_fail_status(why, GW_NO_MEMORY);
    environment_deinit(&environment);
    end_token(settings);
    why->command_status = status;
    return exit;
}
