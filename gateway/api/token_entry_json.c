// SPDX-License-Identifier: MIT
#include "gateway/api/token_entry_json.h"

#include <stdio.h>

#include "gateway/exchange/token_json.h"
#include "token/name.h"

#define REASON_BYTES_MAX (GW_TOKEN_NAME_BYTES_MAX + DB_ID_LENGTH_MAX + 64)

static bool is_gitlab(const struct db_token_actor *actor) {
    return actor->name.at == NULL && gw_str_equal(actor->text, GW_STR(DB_GITLAB));
}

static struct gw_str kind_of_actor(const struct db_token_actor *actor) {
    if (actor->name.at != NULL)
        return GW_STR("token");
    if (is_gitlab(actor))
        return GW_STR(DB_GITLAB);
    bool is_registry = gw_str_equal(actor->text, GW_STR(DB_REGISTRY));
    return is_registry ? GW_STR(DB_REGISTRY) : GW_STR(DB_OPERATOR);
}

void gw_token_entry_json_write_actor(struct gw_json_writer *json, const char *key,
                                     const struct db_token_actor *actor) {
    if (actor->text.at == NULL) {
        gw_json_put_null(json, key);
        return;
    }
    bool is_token = actor->name.at != NULL;
    gw_json_key(json, key);
    gw_json_open_object(json);
    gw_json_put_string(json, "kind", kind_of_actor(actor));
    gw_json_put_string_or_null(json, "tokenId", is_token ? actor->text : gw_str(NULL, 0));
    gw_json_put_string(json, "name", is_token ? actor->name : actor->text);
    gw_json_close_object(json);
}

static int format_revoked(const struct db_token_entry *entry, char out[REASON_BYTES_MAX]) {
    const struct db_token_actor *by = &entry->revoked_by;
    if (is_gitlab(by))
        return snprintf(out, REASON_BYTES_MAX, "Revoked because GitLab found it in a repository.");
    if (by->name.at == NULL)
        return snprintf(out, REASON_BYTES_MAX, "Revoked by an operator.");
    if (gw_str_equal(by->text, entry->row.id))
        return snprintf(out, REASON_BYTES_MAX, "Revoked by itself.");
    return snprintf(out, REASON_BYTES_MAX, "Revoked by the token %.*s (%.*s).",
                    GW_STR_ARG(by->name), GW_STR_ARG(by->text));
}

static void write_reason(struct gw_json_writer *json, const struct db_token_entry *entry) {
    char reason[REASON_BYTES_MAX];
    int length;
    if (entry->state == DB_TOKEN_LIVE) {
        gw_json_put_null(json, "reason");
        return;
    }
    if (entry->state == DB_TOKEN_REVOKED)
        length = format_revoked(entry, reason);
    else if (entry->replaced_by.at != NULL)
        length =
            snprintf(reason, sizeof(reason), "Replaced by %.*s.", GW_STR_ARG(entry->replaced_by));
    else
        length = snprintf(reason, sizeof(reason), "Its time is over.");
    gw_assert(length > 0 && length < (int)sizeof(reason));
    gw_json_put_string(json, "reason", gw_str(reason, (size_t)length));
}

void gw_token_entry_json_write_state(struct gw_json_writer *json,
                                     const struct db_token_entry *entry) {
    static const struct gw_str states[] = {
        [DB_TOKEN_LIVE] = GW_STR_INIT("live"),
        [DB_TOKEN_EXPIRED] = GW_STR_INIT("expired"),
        [DB_TOKEN_REVOKED] = GW_STR_INIT("revoked"),
    };
    gw_json_put_string(json, "state", states[entry->state]);
    write_reason(json, entry);
    gw_json_put_time(json, "revokedAt", entry->revoked_ms);
    gw_token_entry_json_write_actor(json, "revokedBy", &entry->revoked_by);
    gw_json_put_string_or_null(json, "replacedBy", entry->replaced_by);
}

static void write_maker(struct gw_json_writer *json, const struct db_token_details *details) {
    if (details->rule_name.at == NULL) {
        gw_token_entry_json_write_actor(json, "createdBy", &details->created_by);
        return;
    }
    gw_json_key(json, "createdBy");
    gw_json_open_object(json);
    gw_json_put_string(json, "kind", GW_STR("rule"));
    gw_json_put_null(json, "tokenId");
    gw_json_put_string(json, "ruleId", details->created_by.text);
    gw_json_put_string(json, "name", details->rule_name);
    gw_json_close_object(json);
}

void gw_token_entry_json_write_details(struct gw_json_writer *json,
                                       const struct db_token_details *details) {
    gw_token_json_write(json, &details->entry.row);
    if (!details->entry.row.binds_children)
        gw_json_put_boolean(json, "bindChildren", false);
    gw_token_entry_json_write_state(json, &details->entry);
    gw_json_put_string_or_null(json, "revokedFrom", details->revoked_from);
    write_maker(json, details);
    gw_json_put_string_or_null(json, "createdFrom", details->created_from);
    gw_json_put_string_or_null(json, "replaces", details->replaces);
}
