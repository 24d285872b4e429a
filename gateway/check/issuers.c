// SPDX-License-Identifier: MIT
#include "gateway/check/issuers.h"

#include <stdio.h>

#include "base/loop/files.h"
#include "gateway/check/origin.h"
#include "gateway/issuers/key_files.h"
#include "gateway/issuers/proxy.h"
#include "gateway/settings/issuer_url.h"

#define SUBJECT "issuer"
#define TODO_START "a start ends here"
#define TODO_AWAY "until it can be reached, keys that the gateways have go on; without any: 503"

static void check_key_file(const struct gw_issuer_setting *setting,
                           struct gw_check_report *report) {
    struct gw_file file = {.path = setting->keys};
    char problem[GW_KEY_FILE_PROBLEM_BYTES];
    struct gw_issuer_keys keys;
    gw_issuer_keys_init(&keys, 0, 0);
    gw_files_read(&file, 1);
    if (gw_key_file_take(&file, &keys, problem) == GW_OK)
        gw_check_add(report, GW_CHECK_OK, SUBJECT, NULL, "%s: %s holds %d usable key%s",
                     setting->name, file.path, gw_jwk_set_count(keys.set),
                     gw_jwk_set_count(keys.set) == 1 ? "" : "s");
    else
        gw_check_add(report, GW_CHECK_ERROR, SUBJECT, TODO_START, "%s: %s: %s", setting->name,
                     file.path, problem);
    gw_issuer_keys_deinit(&keys);
    gw_files_drop(&file, 1);
}

static void check_bearer_file(const struct gw_issuer_setting *setting,
                              struct gw_check_report *report) {
    struct gw_secret_line line;
    const char *problem;
    if (setting->bearer_file == NULL)
        return;
    if (gw_secret_line_read(setting->bearer_file, &line, &problem) != GW_OK)
        gw_check_add(report, GW_CHECK_WARNING, SUBJECT, "its keys cannot be fetched without it",
                     "%s: %s: %s", setting->name, setting->bearer_file, problem);
    else if (line.is_public)
        gw_check_add(report, GW_CHECK_WARNING, "secret", "chmod o-r it",
                     "%s holds a secret and can be read by everybody on this machine",
                     setting->bearer_file);
    gw_bytes_wipe(&line, sizeof(line));
}

static void check_place(const struct gw_config *config, const struct gw_issuer_setting *setting,
                        struct gw_check_report *report) {
    static struct gw_upstream_origins origins; // large
    static struct gw_issuer_proxy proxy;
    const char *text = setting->keys != NULL ? setting->keys : setting->issuer;
    char place[GW_ISSUER_URL_BYTES_MAX + 1];
    const char *const places[] = {place};
    struct gw_issuer_url url;
    struct gw_upstream_problem problem;
    const char *why = NULL;
    struct gw_upstream_options options = {
        .texts = places, .text_count = 1, .authorities_file = setting->ca};
    enum gw_status status = gw_issuer_url_split(gw_str_from(text), true, &url, &why);
    gw_assert(status == GW_OK); // the settings are checked
    (void)snprintf(place, sizeof(place), "%.*s", GW_STR_ARG(url.origin));
    origins = (struct gw_upstream_origins){.count = 0};
    status = gw_issuer_proxy_read(&proxy, &problem);
    if (status == GW_OK)
        gw_issuer_proxy_use(&proxy, &options);
    if (status != GW_OK || gw_upstream_origins_read(&origins, &options, &problem) != GW_OK) {
        gw_check_add(report, GW_CHECK_ERROR, SUBJECT, TODO_START, "%s: %s: %s", setting->name,
                     place, problem.text);
        return;
    }
    const struct gw_check_origin check = {.origin = &origins.list[0],
                                          .subject = SUBJECT,
                                          .todo = TODO_AWAY,
                                          .level = GW_CHECK_WARNING,
                                          .timeout_ms = config->upstream_connect_timeout_ms};
    gw_check_origin(&check, report);
    gw_upstream_origins_deinit(&origins);
}

void gw_check_issuers(const struct gw_config *config, struct gw_check_report *report) {
    for (int i = 0; i < config->oidc_issuers.count; i++) {
        const struct gw_issuer_setting *setting = &config->oidc_issuers.at[i];
        check_bearer_file(setting, report);
        if (setting->keys_from == GW_ISSUER_KEYS_IN_FILE)
            check_key_file(setting, report);
        else
            check_place(config, setting, report);
    }
}
