// SPDX-License-Identifier: MIT
#include "gateway/settings/config_reread.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/settings/complaint.h"
#include "gateway/settings/config_read.h"
#include "gateway/settings/setting.h"
#include "gateway/settings/value.h"

static void log_failure(const char *complaint) {
    struct gw_log_quote reason;
    gw_log(GW_LOG_ERROR, "settings",
           "cannot use the configuration file, nothing is changed reason=%s",
           gw_log_quoted(&reason, gw_str_from(complaint)));
}

// Names of settings are ours; values may be secret, and are not said.
static void log_change(const struct gw_setting *setting) {
    if (gw_setting_is_live(setting))
        gw_log(GW_LOG_INFO, "settings", "setting changed setting=%s", gw_setting_key(setting));
    else
        gw_log(GW_LOG_WARNING, "settings", "setting changed, which needs a restart setting=%s",
               gw_setting_key(setting));
}

// Logged in the old form and by the old level, which may be among what changes.
static bool take_changes(struct gw_config *config, const struct gw_config *fresh, bool may_log) {
    const struct gw_setting *setting;
    bool has_changed = false;
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL; i++) {
        if (gw_setting_is_same(config, fresh, setting))
            continue;
        if (may_log)
            log_change(setting);
        if (!gw_setting_is_live(setting))
            continue;
        gw_setting_copy(config, fresh, setting);
        has_changed = true;
    }
    return has_changed;
}

bool gw_config_reread(struct gw_config *config, bool may_log) {
    char complaint[GW_COMPLAINT_BYTES_MAX];
    bool has_changed = false;
    struct gw_config *fresh = config->config_file == NULL ? NULL : malloc(sizeof(*fresh));
    if (config->config_file != NULL && fresh == NULL && may_log)
        log_failure(gw_status_text(GW_NO_MEMORY));
    if (fresh == NULL)
        return false;
    gw_complaints_catch(complaint);
    enum gw_config_outcome outcome = gw_config_read_again(config, fresh);
    gw_complaints_catch(NULL);
    if (outcome == GW_CONFIG_RUN)
        has_changed = take_changes(config, fresh, may_log);
    else if (may_log)
        log_failure(complaint);
    gw_bytes_wipe(fresh, sizeof(*fresh)); // it may hold the URL of the database
    free(fresh);
    return has_changed;
}
