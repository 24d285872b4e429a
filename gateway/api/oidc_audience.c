// SPDX-License-Identifier: MIT
#include "gateway/api/oidc_audience.h"

#include "base/json.h"
#include "gateway/api/identity.h"
#include "gateway/api/reply.h"
#include "gateway/exchange/exchange.h"
#include "gateway/settings/issuer_setting.h"

// Every issuer with its URL and its audience, and what else there is.
#define ANSWER_BYTES_MAX (16 * 1024)

static void write_issuer(struct gw_json_writer *json, const struct gw_issuer_setting *setting) {
    gw_json_open_object(json);
    gw_json_put_string(json, "kind", gw_str_from(setting->kind));
    gw_json_put_string(json, "issuer", gw_str_from(setting->issuer));
    gw_json_put_string(json, "audience", gw_str_from(setting->audience));
    gw_json_close_object(json);
}

void gw_oidc_audience_start(struct gw_exchange *exchange) {
    const struct gw_issuer_settings *settings = &exchange->services->config->oidc_issuers;
    struct gw_buf body;
    struct gw_json_writer json;
    if (!gw_identity_is_taken(exchange))
        return;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_put_string(&json, "audience", gw_str_from(settings->at[0].audience));
    gw_json_key(&json, "issuers");
    gw_json_open_array(&json);
    for (int i = 0; i < settings->count; i++)
        write_issuer(&json, &settings->at[i]);
    gw_json_close_array(&json);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}
