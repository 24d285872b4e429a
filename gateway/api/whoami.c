// SPDX-License-Identifier: MIT
#include "gateway/api/whoami.h"

#include "base/json.h"
#include "gateway/api/reply.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/token_json.h"

#define WHOAMI_BYTES_MAX (8 * 1024)
#define WHOAMI_BYTES_USUAL 1024

// A token stands for a machine, so its user is the token itself. Clients expect an address; it lies
// under a reserved domain (RFC 2606), so that no mail ever reaches a mailbox.
static void write_user(struct gw_json_writer *json, struct gw_exchange *exchange) {
    const struct db_token_row *identity = &exchange->identity;
    const struct gw_str pieces[] = {identity->id, GW_STR("@"), identity->org_slug,
                                    GW_STR(".skillreg.invalid")};
    struct gw_str email = gw_arena_join(&exchange->arena, pieces, 4);
    gw_json_key(json, "user");
    gw_json_open_object(json);
    gw_json_put_string(json, "id", identity->id);
    gw_json_put_string(json, "email", email);
    gw_json_put_string(json, "name", identity->name);
    gw_json_close_object(json);
}

static void write_org(struct gw_json_writer *json, const struct db_token_row *identity) {
    gw_json_key(json, "org");
    gw_json_open_object(json);
    gw_json_put_string(json, "id", identity->org_id);
    gw_json_put_string(json, "slug", identity->org_slug);
    gw_json_put_string(json, "name", identity->org_name);
    gw_json_close_object(json);
}

static void write_orgs(struct gw_json_writer *json, const struct db_token_row *identity) {
    bool is_admin = gw_scope_allows(identity->scopes, GW_SCOPE_ADMIN);
    gw_json_key(json, "orgs");
    gw_json_open_array(json);
    gw_json_open_object(json);
    gw_json_put_string(json, "slug", identity->org_slug);
    gw_json_put_string(json, "name", identity->org_name);
    gw_json_put_string(json, "role", is_admin ? GW_STR("admin") : GW_STR("member"));
    gw_json_close_object(json);
    gw_json_close_array(json);
}

// Its last use is the one before this request: whoever fears for a token wants to know of others.
static void write_token(struct gw_json_writer *json, const struct db_token_row *identity) {
    gw_json_key(json, "token");
    gw_json_open_object(json);
    gw_token_json_write_looked_up(json, identity);
    gw_json_close_object(json);
}

void gw_whoami_start(struct gw_exchange *exchange) {
    struct gw_buf body;
    gw_assert(exchange->has_identity);
    gw_buf_init(&body, WHOAMI_BYTES_MAX);
    char *unused;
    struct gw_json_writer json;
    gw_json_writer_init(&json, &body);
    json.status = gw_buf_reserve(&body, WHOAMI_BYTES_USUAL, &unused); // grow once
    gw_json_open_object(&json);
    write_user(&json, exchange);
    write_org(&json, &exchange->identity);
    write_orgs(&json, &exchange->identity);
    write_token(&json, &exchange->identity);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}
