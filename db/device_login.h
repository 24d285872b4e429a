// SPDX-License-Identifier: MIT
#pragma once
// Logins by a code (RFC 8628), which any gateway begins, approves and hands out: each step is one
// statement, and what it may do is decided in the functions of db/sql/0027_device_login.sql. Rules
// of calls as in db/tokens.h. Codes are known by their SHA-256 here.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token.h"
#include "db/token_outcome.h"

#define DB_DEVICE_LOGIN_S 600         // until a login that nobody picked up ends
#define DB_DEVICE_LOGINS_HERE_MAX 100 // that wait, of one address, or one /64 of IPv6
#define DB_DEVICE_LOGINS_MAX 20000    // of all, over all gateways
#define DB_DEVICE_TOKEN_S 43200       // the life of a token, unless the approver says another
#define DB_USER_AGENT_LENGTH_MAX 200

extern const struct db_statement db_device_login_start_statement;
extern const struct db_statement db_device_login_show_statement;
extern const struct db_statement db_device_login_approve_statement;
extern const struct db_statement db_device_login_look_statement;
extern const struct db_statement db_device_login_collect_statement;

// ---- a program asks ----

enum db_device_start_outcome {
    DB_DEVICE_STARTED,
    DB_DEVICE_TAKEN,         // somebody has this user code: draw another
    DB_DEVICE_TOO_MANY_HERE, // DB_DEVICE_LOGINS_HERE_MAX
    DB_DEVICE_TOO_MANY       // DB_DEVICE_LOGINS_MAX
};

struct db_device_login_start {
    struct db_query query;
    unsigned char device_digest[DB_DIGEST_LENGTH];
    unsigned char user_digest[DB_DIGEST_LENGTH];
    struct gw_str requested_from; // client's address as text; .at NULL: unknown
    struct gw_str user_agent; // to DB_USER_AGENT_LENGTH_MAX printable characters; .at NULL: none
    // GW_OK: `outcome` and, with DB_DEVICE_STARTED, `expires_ms` say what came of it; with
    // too many, `expires_ms` is when one of them will have ended.
    void (*on_done)(struct db_device_login_start *call, enum gw_status status,
                    enum db_device_start_outcome outcome, int64_t expires_ms);
};
enum gw_status db_device_login_start(struct db_pool *pool,
                                     struct db_device_login_start *call) GW_MUST_USE;

// ---- somebody approves ----

struct db_device_login {
    struct gw_str requested_from; // .at NULL: unknown
    struct gw_str user_agent;     // .at NULL: none
    int64_t requested_ms;
    int64_t expires_ms;
};

struct db_device_login_show {
    struct db_query query;
    unsigned char user_digest[DB_DIGEST_LENGTH];
    // GW_OK; GW_NOT_FOUND: no such code waits for an approval. `login` is NULL unless GW_OK.
    void (*on_done)(struct db_device_login_show *call, enum gw_status status,
                    const struct db_device_login *login);
};
enum gw_status db_device_login_show(struct db_pool *pool,
                                    struct db_device_login_show *call) GW_MUST_USE;

struct db_device_login_approve {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str approved_by;   // token id
    struct gw_str approved_from; // client's address as text; .at NULL: unknown
    unsigned char user_digest[DB_DIGEST_LENGTH];
    struct gw_str token_id; // that the token will have
    struct gw_str token_name;
    struct gw_str description; // .at NULL: none
    gw_scope_set scopes;       // without admin
    int64_t expires_ms; // DB_NO_TIME: DB_DEVICE_TOKEN_S, and no later than the token that approves
    // GW_OK: `expires_ms` of the token, and `requested_from` (.at NULL: unknown). GW_NOT_FOUND as
    // above; GW_DENIED, with DB_REFUSAL_ENDS_TOO_LATE `expires_ms` is the latest.
    void (*on_done)(struct db_device_login_approve *call, enum gw_status status, int64_t expires_ms,
                    struct gw_str requested_from);
    enum db_refusal refusal; // set before on_done with GW_DENIED
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_device_login_approve(struct db_pool *pool,
                                       struct db_device_login_approve *call) GW_MUST_USE;

// ---- the program picks it up ----

struct db_device_login_look {
    struct db_query query;
    unsigned char device_digest[DB_DIGEST_LENGTH];
    // GW_OK; GW_NOT_FOUND: it was picked up, has ended, or never was.
    void (*on_done)(struct db_device_login_look *call, enum gw_status status, bool is_approved);
};
enum gw_status db_device_login_look(struct db_pool *pool,
                                    struct db_device_login_look *call) GW_MUST_USE;

struct db_device_login_collect {
    struct db_query query;
    unsigned char device_digest[DB_DIGEST_LENGTH];
    struct gw_str prefix; // of the secret of the token
    unsigned char digest[DB_DIGEST_LENGTH];
    struct gw_str collected_from; // client's address as text; .at NULL: unknown
    // GW_OK: the token is there. GW_NOT_FOUND: the login is not approved, or was picked up
    // meanwhile. GW_DENIED: whoever approved it may no longer. GW_CONFLICT: the digest is taken,
    // and nothing was done.
    void (*on_done)(struct db_device_login_collect *call, enum gw_status status);
};
enum gw_status db_device_login_collect(struct db_pool *pool,
                                       struct db_device_login_collect *call) GW_MUST_USE;
