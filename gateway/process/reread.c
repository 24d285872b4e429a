// SPDX-License-Identifier: MIT
#include "gateway/process/reread.h"

#include "base/log.h"
#include "db/events.h"
#include "db/pool.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/leak_secret.h"
#include "gateway/auth/registry_credentials.h"
#include "gateway/exchange/services.h"
#include "gateway/issuers/issuers.h"
#include "gateway/process/database_urls.h"
#include "gateway/settings/config_reread.h"

struct rates {
    struct gw_rate token;
    struct gw_rate search;
    struct gw_rate org;
};

static bool is_same_rate(const struct gw_rate *one, const struct gw_rate *other) {
    return one->count == other->count && one->period_s == other->period_s &&
           one->burst == other->burst;
}

static void use_settings(struct gw_services *services, const struct rates *before) {
    const struct gw_config *config = services->config;
    gw_log_set_level(config->log_level);
    gw_log_set_form(config->log_form);
    if (is_same_rate(&before->token, &config->rate_limit) &&
        is_same_rate(&before->search, &config->search_rate_limit) &&
        is_same_rate(&before->org, &config->org_rate_limit))
        return;
    if (gw_auth_change_rates(services->auth, services) != GW_OK)
        gw_log(GW_LOG_ERROR, "server", "cannot use the new rates, the old ones stay reason=\"%s\"",
               gw_status_text(GW_NO_MEMORY));
}

// That they can be read was seen.
static void use_urls(const struct gw_services *services) {
    const struct gw_config *config = services->config;
    enum gw_status status = db_pool_use_url(services->pool, config->database_url);
    if (status == GW_OK)
        status = db_events_use_url(services->events, gw_database_urls_of_events(config));
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "db", "cannot use the new URL of the database reason=\"%s\"",
               gw_status_text(status));
}

void gw_reread(struct gw_config *config, struct gw_services *services, bool may_log) {
    const struct rates before = {config->rate_limit, config->search_rate_limit,
                                 config->org_rate_limit};
    if (gw_config_reread(config, may_log))
        use_settings(services, &before);
    if (gw_database_urls_reread(config, may_log))
        use_urls(services);
    gw_registry_credentials_reread(config, services->registry_credentials, may_log);
    gw_leak_secret_reread(config, services->leak_secret, may_log);
    if (services->issuers != NULL)
        gw_issuers_reread(services->issuers);
}
