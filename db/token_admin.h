// SPDX-License-Identifier: MIT
#pragma once
// Tokens as an operator sees and revokes them: of one organisation or of all, revoked and expired
// ones too, over a connection that may wait (db/session.h). Rows are valid until the next call.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "db/event.h"
#include "db/session.h"
#include "db/token.h"
#include "token/limits.h"

struct db_token_admin_row {
    struct db_token_row token; // with the slug and the name of its organisation
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    unsigned char digest[DB_DIGEST_LENGTH];
    struct gw_str state;      // "live", "expired", "revoked", "deleted" with its organisation
    struct gw_str created_by; // token id, or DB_OPERATOR
    int64_t revoked_ms;       // DB_NO_TIME: it is not revoked
    struct gw_str revoked_by; // .at NULL: it is not revoked
    int id_width;             // of the longest id of the list
    int org_width;            // of the longest slug of the list
};

struct db_token_admin_choice {
    struct gw_str org_slug; // .at NULL: of all organisations
    bool with_ended;        // also those that are not live
};

// Begins a list, by slug of the organisation, then newest first; each db_token_admin_next takes a
// row, GW_NOT_FOUND behind the last.
enum gw_status db_token_admin_list(struct db_session *session,
                                   const struct db_token_admin_choice *choice) GW_MUST_USE;
enum gw_status db_token_admin_next(struct db_session *session,
                                   struct db_token_admin_row *row) GW_MUST_USE;
// GW_NOT_FOUND: no such token, or not of the organisation `org_slug`; .at NULL: of any.
enum gw_status db_token_admin_find(struct db_session *session, struct gw_str id,
                                   struct gw_str org_slug,
                                   struct db_token_admin_row *row) GW_MUST_USE;

// ---- revoke ----
struct db_token_admin_revoke {
    struct gw_str id;
    struct gw_str org_slug; // .at NULL: of any organisation
    bool with_successors;
};
// One that is revoked, or a successor that is left live.
struct db_token_admin_revoked {
    struct gw_str id;
    struct gw_str name;
    int64_t revoked_ms; // DB_NO_TIME: left live
    uint64_t event_seq;
};
// GW_OK: *count tokens, of which db_token_admin_revoked_at reads one; the first is the one that was
// named. GW_NOT_FOUND: no such token, of another organisation, or revoked before.
enum gw_status db_token_admin_revoke(struct db_session *session,
                                     const struct db_token_admin_revoke *revoke,
                                     int *count) GW_MUST_USE;
struct db_token_admin_revoked db_token_admin_revoked_at(const struct db_session *session,
                                                        int index);
// Who has applied the event by now, and who may still act on what was before.
enum gw_status db_token_admin_reach(struct db_session *session, uint64_t event_seq,
                                    struct db_events_reach *reach) GW_MUST_USE;
