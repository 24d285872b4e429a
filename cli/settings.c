// SPDX-License-Identifier: MIT
#include "cli/settings.h"

#include <stdlib.h>
#include <string.h>

#include "cli/config_file.h"
#include "cli/text.h"

// Slices of the flags, the environment and the open file; .at is NULL when not found yet.
struct found {
    struct gw_str url;
    struct gw_str token;
    struct gw_str org;
};

static struct gw_str flag_or_environment(const char *flag, const char *variable) {
    const char *value = flag != NULL ? flag : getenv(variable);
    return value != NULL && value[0] != '\0' ? gw_str_from(value) : gw_str(NULL, 0);
}

static bool needs_token(const struct cli_options *options) {
    return options->command != CLI_COMMAND_LOGIN;
}

static bool needs_org(const struct cli_options *options) {
    return options->command != CLI_COMMAND_LOGIN && options->command != CLI_COMMAND_WHOAMI &&
           !cli_options_has(options, CLI_FLAG_SELF);
}

enum cli_exit cli_settings_set_token(struct cli_settings *settings, struct gw_str token,
                                     struct cli_reason *why) {
    gw_assert(settings->token_source <= CLI_TOKEN_OF_LOGIN);
    token = cli_text_trim(token);
    bool valid = token.length > 0 && token.length < sizeof(settings->token);
    for (size_t i = 0; valid && i < token.length; i++)
        valid = token.at[i] > ' ' && token.at[i] < 0x7F;
    static const char *const sources[] = {
        [CLI_TOKEN_OF_FILE] = "\"token\" in ~/.skillreg/config.json",
        [CLI_TOKEN_OF_ENVIRONMENT] = "SKILLREG_TOKEN",
        [CLI_TOKEN_OF_LOGIN] = "that",
    };
    if (!valid)
        return cli_fail(why, CLI_USAGE,
                        "%s is no token, a token is sr_live_, sr_test_ or sk_ and base64url "
                        "characters",
                        sources[settings->token_source]);
    memcpy(settings->token, token.at, token.length);
    settings->token[token.length] = '\0';
    return CLI_DONE;
}

static enum cli_exit set_url(struct cli_settings *settings, struct gw_str url,
                             const struct cli_options *options, struct cli_reason *why) {
    char address[CLI_API_URL_BYTES_MAX];
    if (url.at == NULL)
        return cli_fail(why, CLI_USAGE,
                        "no gateway address, set SKILLREG_URL, \"apiUrl\" in "
                        "~/.skillreg/config.json, or give --url");
    if (url.length >= sizeof(address) || gw_str_find(url, '\0') < url.length)
        return cli_fail(why, CLI_USAGE, "the gateway's address is too long, or no URL");
    memcpy(address, url.at, url.length);
    address[url.length] = '\0';
    return cli_api_url_base(address, cli_options_has(options, CLI_FLAG_INSECURE_HTTP),
                            settings->base_url, why);
}

static enum cli_exit set_org(struct cli_settings *settings, struct gw_str org,
                             struct cli_reason *why) {
    if (org.at == NULL)
        return CLI_DONE; // the token's own, asked for when it is needed
    if (!gw_org_slug_valid(org))
        return cli_fail(why, CLI_USAGE,
                        "\"%.*s\" is no organisation, a slug is 2 to 48 of a-z, 0-9 and -",
                        (int)(org.length < 64 ? org.length : 64), org.at);
    memcpy(settings->org, org.at, org.length);
    settings->org[org.length] = '\0';
    return CLI_DONE;
}

static enum cli_exit set_ca_file(struct cli_settings *settings, const struct cli_options *options,
                                 struct cli_reason *why) {
    struct gw_str path = flag_or_environment(options->values[CLI_FLAG_CA_FILE], "SSL_CERT_FILE");
    if (path.length >= sizeof(settings->ca_file))
        return cli_fail(why, CLI_USAGE, "the path of the certificate authorities is too long");
    if (path.length > 0)
        memcpy(settings->ca_file, path.at, path.length);
    settings->ca_file[path.length] = '\0';
    return CLI_DONE;
}

static enum cli_exit get_missing(struct cli_config_file *file, const char *key, bool wanted,
                                 struct gw_str *value, struct cli_reason *why) {
    if (!wanted || value->at != NULL)
        return CLI_DONE;
    return cli_config_file_get(file, key, value, why);
}

static enum cli_exit set_all(struct cli_settings *settings, const struct cli_options *options,
                             const struct found *found, struct cli_reason *why) {
    enum cli_exit exit = set_url(settings, found->url, options, why);
    if (exit == CLI_DONE && needs_token(options)) {
        if (found->token.at == NULL)
            exit = cli_fail(why, CLI_USAGE,
                            "no token, set SKILLREG_TOKEN or run: skillreg login --token");
        else
            exit = cli_settings_set_token(settings, found->token, why);
    }
    if (exit == CLI_DONE && needs_org(options))
        exit = set_org(settings, found->org, why);
    return exit == CLI_DONE ? set_ca_file(settings, options, why) : exit;
}

static enum cli_exit load_with_file(struct cli_settings *settings,
                                    const struct cli_options *options, struct found *found,
                                    struct cli_reason *why) {
    char path[PATH_MAX];
    struct cli_config_file file;
    enum cli_exit exit = cli_config_file_path(path, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_open(&file, path, why);
    if (exit != CLI_DONE)
        return exit;
    exit = get_missing(&file, "apiUrl", true, &found->url, why);
    if (exit == CLI_DONE)
        exit = get_missing(&file, "token", needs_token(options), &found->token, why);
    if (exit == CLI_DONE)
        exit = get_missing(&file, "org", needs_org(options), &found->org, why);
    if (exit == CLI_DONE)
        exit = set_all(settings, options, found, why);
    cli_config_file_close(&file);
    return exit;
}

enum cli_exit cli_settings_load(struct cli_settings *settings, const struct cli_options *options,
                                struct cli_reason *why) {
    gw_assert(options->command > CLI_COMMAND_TOKEN && options->command < CLI_COMMAND_COUNT);
    *settings = (struct cli_settings){.base_url = ""};
    struct found found = {
        .url = flag_or_environment(options->values[CLI_FLAG_URL], "SKILLREG_URL"),
        .token = flag_or_environment(NULL, "SKILLREG_TOKEN"),
        .org = flag_or_environment(options->values[CLI_FLAG_ORG], "SKILLREG_ORG"),
    };
    if (!needs_token(options))
        settings->token_source = CLI_TOKEN_OF_LOGIN;
    else if (found.token.at != NULL)
        settings->token_source = CLI_TOKEN_OF_ENVIRONMENT;
    bool complete = found.url.at != NULL && (found.token.at != NULL || !needs_token(options)) &&
                    (found.org.at != NULL || !needs_org(options));
    enum cli_exit exit = complete ? set_all(settings, options, &found, why)
                                  : load_with_file(settings, options, &found, why);
    if (exit != CLI_DONE)
        cli_settings_deinit(settings);
    return exit;
}

void cli_settings_deinit(struct cli_settings *settings) {
    gw_bytes_wipe(settings->token, sizeof(settings->token));
}
