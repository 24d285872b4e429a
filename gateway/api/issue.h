// SPDX-License-Identifier: MIT
#pragma once
// What making a token has in common, whether it is created or rotated: a JSON body is read, a
// secret new_token, and answered with 201, this once. The handlers are gateway/api/create.h and
// gateway/api/rotate.h.
//
// A request with an Idempotency-Key comes again when its answer got lost. The database then names
// the token that stands in the way, and whether anybody has used it as far as it knows. A use that
// this process has noted and not written yet is known here alone. If there is none, the same
// statement, sent once more, makes another token instead of that one.

#include "db/tokens.h"
#include "gateway/api/body.h"
#include "gateway/api/new_token.h"

// Embedded in the call of a handler, all zero but for the next three, which are of that call.
struct gw_issue_call {
    struct db_query *query;
    struct db_request_key *request;
    void (*act)(struct gw_issue_call *call); // on the whole body
    struct gw_api_body body;
    struct gw_new_token new_token; // made before gw_issue_respond
    char instead_of[DB_ID_LENGTH_MAX];
};

struct gw_exchange *gw_issue_exchange(const struct gw_issue_call *call);

// ---- the request ----
// The field Idempotency-Key. False: answered.
bool gw_issue_read_key(struct gw_exchange *exchange, struct gw_str *key) GW_MUST_USE;
// Takes the exchange over. Parameters of the query, of which there are none, are refused; then
// request->body_digest is set and `act` called.
void gw_issue_start(struct gw_issue_call *call, struct gw_exchange *exchange);

// ---- the outcome ----
// True: `earlier` may be replaced, and request->instead_of says so; send the statement again.
// False: it stands.
bool gw_issue_replaces(struct gw_issue_call *call,
                       const struct db_earlier_token *earlier) GW_MUST_USE;
// The same for a request that is no struct gw_issue_call; the caller keeps `instead_of` as long.
bool gw_issue_may_replace(struct gw_exchange *exchange, struct db_request_key *request,
                          char instead_of[DB_ID_LENGTH_MAX],
                          const struct db_earlier_token *earlier) GW_MUST_USE;
// From now on this gateway refuses the token that was revoked for the new one, if there is one.
void gw_issue_refuse_superseded(struct gw_exchange *exchange,
                                const struct db_superseded_token *superseded);
// A rotation: the old token, and when it ends.
struct gw_issue_old {
    struct gw_str id;
    int64_t expires_ms;
};
// Answers with the token and its secret. `old` NULL: it was created.
void gw_issue_respond(struct gw_issue_call *call, const struct db_token_row *row,
                      const struct gw_issue_old *old);
