// SPDX-License-Identifier: MIT
#include "cli/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/config_path.h"
#include "cli/stored_login.h"
#include "cli/token_text.h"

// Slices of the flags, the environment and the open file; .at is NULL when not found yet.
struct found {
    struct gw_str url;
    struct gw_str token;
    struct gw_str org;
};

static struct gw_str flag_or_environment(const char *flag, const char *variable) {
    const char *value = flag != NULL ? flag : getenv(variable);
    struct gw_str text = value != NULL ? cli_token_text_trim(gw_str_from(value)) : gw_str(NULL, 0);
    return text.length > 0 ? text : gw_str(NULL, 0);
}

// Of a setting with this flag: `found` outside of the file, `stored` in it.
static enum cli_setting_place place_of(const struct cli_options *options, enum cli_flag flag,
                                       struct gw_str found, struct gw_str stored) {
    if (found.at != NULL)
        return cli_options_has(options, flag) ? CLI_SETTING_IN_FLAG : CLI_SETTING_IN_ENVIRONMENT;
    return stored.at != NULL ? CLI_SETTING_IN_FILE : CLI_SETTING_NOWHERE;
}

static bool needs_token(const struct cli_options *options) {
    return options->command != CLI_COMMAND_LOGIN && options->command != CLI_COMMAND_LOGOUT &&
           options->command != CLI_COMMAND_EXEC;
}

static bool needs_org(const struct cli_options *options) {
    if (cli_options_has(options, CLI_FLAG_OIDC))
        return true;
    return needs_token(options) && options->command != CLI_COMMAND_WHOAMI &&
           !cli_options_has(options, CLI_FLAG_SELF);
}

enum cli_exit cli_settings_set_token(struct cli_settings *settings, struct gw_str token,
                                     struct cli_reason *why) {
    gw_assert(settings->token_source <= CLI_TOKEN_OF_LOGIN);
    static const char *const sources[] = {
        [CLI_TOKEN_OF_FILE] = "the stored token",
        [CLI_TOKEN_OF_ENVIRONMENT] = "SKILLREG_TOKEN",
        [CLI_TOKEN_OF_LOGIN] = "that",
    };
    token = cli_token_text_trim(token);
    const char *fault = cli_token_text_fault(token);
    if (fault == NULL && token.length >= sizeof(settings->token))
        fault = "is too long for one";
    if (fault != NULL)
        return cli_fail(why, CLI_USAGE, "%s is not a token: it %s", sources[settings->token_source],
                        fault);
    memcpy(settings->token, token.at, token.length);
    settings->token[token.length] = '\0';
    return CLI_DONE;
}

// `place` as a message names it.
static enum cli_exit read_url(struct cli_settings *settings, struct gw_str url, const char *place,
                              bool insecure_http, struct cli_reason *why) {
    char address[CLI_API_URL_BYTES_MAX];
    const char *fault = cli_token_text_placeholder(url);
    if (fault != NULL)
        return cli_fail(why, CLI_USAGE, "%s is not an address: it %s", place, fault);
    if (url.length >= sizeof(address) || gw_str_find(url, '\0') < url.length)
        return cli_fail(why, CLI_USAGE, "%s is too long, or not a URL", place);
    memcpy(address, url.at, url.length);
    address[url.length] = '\0';
    struct cli_reason wrong;
    enum cli_exit exit = cli_api_url_base(address, insecure_http, settings->base_url, &wrong);
    return exit == CLI_DONE ? CLI_DONE : cli_fail(why, exit, "%s: %s", place, wrong.text);
}

static enum cli_exit set_url(struct cli_settings *settings, struct gw_str found,
                             struct gw_str stored, const struct cli_options *options,
                             struct cli_reason *why) {
    char text[CLI_SETTING_PLACE_BYTES_MAX];
    enum cli_setting_place place = place_of(options, CLI_FLAG_URL, found, stored);
    if (place == CLI_SETTING_NOWHERE && options->command == CLI_COMMAND_LOGOUT)
        return CLI_DONE; // perhaps there is nothing to log out of
    if (place == CLI_SETTING_NOWHERE)
        return cli_fail(why, CLI_USAGE,
                        "no gateway address, set SKILLREG_URL, \"apiUrl\" in %s, or give --url",
                        cli_config_path_shown(settings->file));
    return read_url(settings, found.at != NULL ? found : stored,
                    cli_setting_place_name(&cli_setting_url, place, settings->file, text),
                    cli_options_has(options, CLI_FLAG_INSECURE_HTTP), why);
}

static enum cli_exit set_org(struct cli_settings *settings, struct gw_str org,
                             struct cli_reason *why) {
    char text[CLI_SETTING_PLACE_BYTES_MAX];
    if (settings->org_place == CLI_SETTING_NOWHERE)
        return CLI_DONE; // the token's own, asked for when it is needed
    const char *place =
        cli_setting_place_name(&cli_setting_org, settings->org_place, settings->file, text);
    const char *fault = cli_token_text_placeholder(org);
    if (fault != NULL)
        return cli_fail(why, CLI_USAGE, "%s is not the slug of an organisation: it %s", place,
                        fault);
    if (!gw_org_slug_valid(org))
        return cli_fail(
            why, CLI_USAGE,
            "%s is not the slug of an organisation, \"%.*s\": that is 2 to 48 of a-z, 0-9 "
            "and -, without a - at either end",
            place, (int)(org.length < 64 ? org.length : 64), org.at);
    memcpy(settings->org, org.at, org.length);
    settings->org[org.length] = '\0';
    return CLI_DONE;
}

static enum cli_exit set_ca_file(struct cli_settings *settings, const struct cli_options *options,
                                 struct cli_reason *why) {
    struct gw_str path = flag_or_environment(options->values[CLI_FLAG_CA_FILE], "SSL_CERT_FILE");
    if (path.length >= sizeof(settings->ca_file))
        return cli_fail(why, CLI_USAGE, "the path of the certificate authorities is too long");
    const char *flag = options->values[CLI_FLAG_CA_FILE];
    if (flag != NULL && access(flag, R_OK) != 0)
        return cli_fail(why, CLI_USAGE, "cannot read the file of --ca-file, %s: %s", flag,
                        strerror(errno));
    if (path.length > 0)
        memcpy(settings->ca_file, path.at, path.length);
    settings->ca_file[path.length] = '\0';
    return CLI_DONE;
}

static enum cli_exit fail_without_token(const struct cli_settings *settings,
                                        const struct cli_stored_login *stored,
                                        struct cli_reason *why) {
    if (stored->is_token_homeless)
        return cli_fail(
            why, CLI_USAGE,
            "the token in %s belongs to no address, as there is no \"apiUrl\" beside it, "
            "and is sent nowhere, run: skillreg login --token",
            cli_config_path_shown(settings->file));
    if (stored->default_url.at != NULL && !stored->is_default)
        return cli_fail(
            why, CLI_USAGE,
            "no token is stored for %s, set SKILLREG_TOKEN or run: skillreg login --token "
            "--url %s",
            stored->address, stored->address);
    return cli_fail(why, CLI_USAGE, "no token, set SKILLREG_TOKEN or run: skillreg login --token");
}

static enum cli_exit set_token(struct cli_settings *settings, const struct cli_options *options,
                               struct gw_str token, const struct cli_stored_login *stored,
                               struct cli_reason *why) {
    if (!needs_token(options))
        return CLI_DONE;
    if (token.at == NULL)
        token = stored->token;
    return token.at != NULL ? cli_settings_set_token(settings, token, why)
                            : fail_without_token(settings, stored, why);
}

// With what the file holds for the gateway; `file` NULL: nothing of it is needed, or it cannot be
// had and is not needed for sure.
static enum cli_exit set_all(struct cli_settings *settings, const struct cli_options *options,
                             struct found found, struct cli_config_file *file,
                             struct cli_reason *why) {
    struct cli_stored_login stored = {.address = ""};
    struct gw_str stored_url = gw_str(NULL, 0);
    enum cli_exit exit = CLI_DONE;
    if (file != NULL && found.url.at == NULL)
        exit = cli_config_file_get(file, CLI_CONFIG_TOP("apiUrl"), &stored_url, why);
    if (exit == CLI_DONE)
        exit = set_url(settings, found.url, stored_url, options, why);
    if (exit == CLI_DONE && file != NULL && settings->base_url[0] != '\0')
        exit = cli_stored_login_find(file, settings->base_url, &stored, why);
    if (exit == CLI_DONE)
        exit = set_token(settings, options, found.token, &stored, why);
    if (exit == CLI_DONE && needs_org(options)) {
        settings->org_place = place_of(options, CLI_FLAG_ORG, found.org, stored.org);
        exit = set_org(settings, found.org.at != NULL ? found.org : stored.org, why);
    }
    return exit == CLI_DONE ? set_ca_file(settings, options, why) : exit;
}

static void warn_of_others(const struct cli_settings *settings,
                           const struct cli_config_file *file) {
    if (settings->token_source == CLI_TOKEN_OF_FILE && file->is_shared)
        cli_warn("%s holds a token and can be read by others: chmod 600 %s",
                 cli_config_path_shown(settings->file), cli_config_path_shown(settings->file));
}

static enum cli_exit load_with_file(struct cli_settings *settings,
                                    const struct cli_options *options, struct found found,
                                    bool is_needed, struct cli_reason *why) {
    struct cli_config_file file;
    enum cli_exit exit = cli_config_path_find(settings->file, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_open(&file, settings->file, why);
    if (exit != CLI_DONE) {
        if (is_needed)
            return exit;
        if (cli_options_has(options, CLI_FLAG_VERBOSE))
            cli_note("the settings file is left out: %s", why->text);
        return set_all(settings, options, found, NULL, why);
    }
    exit = set_all(settings, options, found, &file, why);
    if (exit == CLI_DONE)
        warn_of_others(settings, &file);
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
    bool has_what_it_takes =
        found.url.at != NULL && (found.token.at != NULL || !needs_token(options));
    bool is_complete = has_what_it_takes && (found.org.at != NULL || !needs_org(options));
    enum cli_exit exit = is_complete
                             ? set_all(settings, options, found, NULL, why)
                             : load_with_file(settings, options, found, !has_what_it_takes, why);
    if (exit != CLI_DONE)
        cli_settings_deinit(settings);
    return exit;
}

void cli_settings_deinit(struct cli_settings *settings) {
    gw_bytes_wipe(settings->token, sizeof(settings->token));
}
