// SPDX-License-Identifier: MIT
#include "gateway/process/database_urls.h"

#include <string.h>

#include "base/log.h"
#include "db/url.h"
#include "gateway/settings/config.h"

static void log_failure(const char *path, const char *problem) {
    struct gw_log_quote file;
    gw_log(GW_LOG_ERROR, "settings",
           "cannot use the URL of the database, the old one stays: mend the file and send SIGHUP "
           "file=%s reason=\"%s\"",
           gw_log_quoted(&file, gw_str_from(path)), problem);
}

static void log_change(const char *path, const struct gw_secret_line *line) {
    struct gw_log_quote file;
    gw_log(GW_LOG_INFO, "settings", "URL of the database changed, for new connections file=%s",
           gw_log_quoted(&file, gw_str_from(path)));
    if (line->is_public)
        gw_secret_warn_of_public(path);
}

// NULL: it can be used.
static const char *problem_of(const char *text) {
    struct db_url url;
    enum gw_status status = db_url_parse(text, &url);
    if (status == GW_OK)
        db_url_deinit(&url);
    if (status == GW_INVALID)
        return db_url_problem(text);
    return status == GW_OK ? NULL : gw_status_text(status);
}

// `line` is where *url lies.
static bool reread(const char *path, struct gw_secret_line *line, const char **url, bool may_log) {
    struct gw_secret_line fresh;
    const char *problem = NULL;
    if (path == NULL)
        return false;
    if (gw_secret_line_read(path, &fresh, &problem) == GW_OK)
        problem = problem_of(fresh.text);
    bool has_changed = problem == NULL && strcmp(fresh.text, *url) != 0;
    if (has_changed) {
        *line = fresh;
        *url = line->text;
    }
    if (may_log && problem != NULL)
        log_failure(path, problem);
    else if (may_log && has_changed)
        log_change(path, line);
    gw_bytes_wipe(&fresh, sizeof(fresh));
    return has_changed;
}

bool gw_database_urls_reread(struct gw_config *config, bool may_log) {
    bool has_changed = reread(config->database_url_file, &config->database_url_line,
                              &config->database_url, may_log);
    return reread(config->database_events_url_file, &config->database_events_url_line,
                  &config->database_events_url, may_log) ||
           has_changed;
}

const char *gw_database_urls_of_events(const struct gw_config *config) {
    return config->database_events_url != NULL ? config->database_events_url : config->database_url;
}
