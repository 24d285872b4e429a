// SPDX-License-Identifier: MIT
#include "cli/stored_login.h"

#include <string.h>

// An apiUrl that cannot be read belongs to no gateway that could be asked.
static bool is_address_of(struct gw_str url, const char *address) {
    char text[CLI_API_URL_BYTES_MAX];
    char base_url[CLI_API_URL_BYTES_MAX];
    char its_address[CLI_API_URL_BYTES_MAX];
    struct cli_reason ignored;
    if (url.at == NULL || url.length >= sizeof(text) || gw_str_find(url, '\0') < url.length)
        return false;
    memcpy(text, url.at, url.length);
    text[url.length] = '\0';
    if (cli_api_url_base(text, true, base_url, &ignored) != CLI_DONE)
        return false;
    cli_api_url_address(base_url, its_address);
    return its_address[0] != '\0' && strcmp(its_address, address) == 0;
}

static struct cli_config_place place_of(const struct cli_stored_login *stored, const char *key) {
    return (struct cli_config_place){
        .gateway = stored->is_default ? gw_str(NULL, 0) : gw_str_from(stored->address), .key = key};
}

enum cli_exit cli_stored_login_find(struct cli_config_file *file, const char *base_url,
                                    struct cli_stored_login *stored, struct cli_reason *why) {
    *stored = (struct cli_stored_login){.address = ""};
    struct gw_str top_token = gw_str(NULL, 0);
    cli_api_url_address(base_url, stored->address);
    if (stored->address[0] == '\0')
        return cli_fail_status(why, GW_NO_MEMORY);
    enum cli_exit exit =
        cli_config_file_get(file, CLI_CONFIG_TOP("apiUrl"), &stored->default_url, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_get(file, CLI_CONFIG_TOP("token"), &top_token, why);
    if (exit != CLI_DONE)
        return exit;
    stored->is_default = is_address_of(stored->default_url, stored->address);
    stored->is_token_homeless = stored->default_url.at == NULL && top_token.at != NULL;
    exit = cli_config_file_get(file, place_of(stored, "token"), &stored->token, why);
    if (exit != CLI_DONE)
        return exit;
    struct cli_config_place place = place_of(stored, "org");
    if (stored->default_url.at == NULL)
        place = CLI_CONFIG_TOP("org");
    return cli_config_file_get(file, place, &stored->org, why);
}

enum cli_exit cli_stored_login_put(struct cli_config_file *file, const char *base_url,
                                   struct gw_str token, struct cli_reason *why) {
    struct cli_stored_login stored;
    enum cli_exit exit = cli_stored_login_find(file, base_url, &stored, why);
    if (exit == CLI_DONE && stored.default_url.at == NULL) {
        stored.is_default = true;
        exit = cli_config_file_set(file, place_of(&stored, "apiUrl"), gw_str_from(stored.address),
                                   why);
    }
    return exit == CLI_DONE ? cli_config_file_set(file, place_of(&stored, "token"), token, why)
                            : exit;
}

enum cli_exit cli_stored_login_forget(struct cli_config_file *file, const char *base_url,
                                      struct cli_reason *why) {
    struct cli_stored_login stored;
    enum cli_exit exit = cli_stored_login_find(file, base_url, &stored, why);
    return exit == CLI_DONE ? cli_config_file_unset(file, place_of(&stored, "token"), why) : exit;
}
