// SPDX-License-Identifier: MIT
#pragma once
// The decision (allow, deny, unknown) for one request, from its headers alone: which token, is it
// live, does it belong to the organisation of the route, is its scope enough. Deny only on
// knowledge; when the gateway cannot know, the verdict is unknown (503), never a 401 and never a
// pass. Nothing about a verdict is kept: the scope is judged anew for each request.

#include <stdbool.h>

#include "gateway/auth/cache.h"
#include "gateway/auth/judgement.h"

struct gw_config;
struct gw_exchange;

struct gw_decision {
    struct gw_auth_question question;
    struct gw_exchange *exchange;
    const struct gw_route_match *match;
    bool is_pending;
    bool has_waited; // for the database
    bool is_again;
    bool is_charged; // to the client, as a failed token, until it turns out to be none
    enum gw_verdict verdict;
    struct gw_refusal refusal; // when not allowed; its message is static
    uint64_t wait_s;           // when limited, until it is worth another try
    bool is_unseen;            // limited because the token was not looked at
    void (*on_decided)(struct gw_decision *decision);
};

// May the client of `exchange` do what `match` says? That is the exchange's own match, or the one
// of a request that another proxy asks about; it must stay until decided. True: the verdict stands
// already and on_decided will not be called. False: on_decided follows, from the loop. On ALLOW the
// exchange has its identity, unless the route is open or the token optional and absent.
bool gw_authz_start(struct gw_decision *decision, struct gw_exchange *exchange,
                    const struct gw_route_match *match,
                    void (*on_decided)(struct gw_decision *decision)) GW_MUST_USE;
// Asks once more for a request that was allowed and has its identity (a handler that reads a body:
// at its end): by what the token is now, and the exchange's own match. That is another judgement
// and not another use: no rate, no last use, no failed token, no decision is counted. The rest as
// above.
bool gw_authz_start_again(struct gw_decision *decision, struct gw_exchange *exchange,
                          void (*on_decided)(struct gw_decision *decision)) GW_MUST_USE;
// on_decided will not be called any more. Harmless when nothing is pending.
void gw_authz_cancel(struct gw_decision *decision);
// Answers the exchange, for any verdict except ALLOW.
void gw_authz_refuse(const struct gw_decision *decision);
// `secret` has the shape of a token and is of the gateway's environment; any other is refused
// without a lookup.
bool gw_authz_accepts(const struct gw_config *config, struct gw_str secret);
