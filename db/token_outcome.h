// SPDX-License-Identifier: MIT
#pragma once
// What a change of tokens came to. A change is a function of the schema that judges, in its own
// transaction, the actor: the token that asks for it, or DB_OPERATOR. Its first column is the
// outcome, a word; it changes nothing unless that is GW_OK. Besides what is said at each change:
// GW_DENIED (`refusal` says why), GW_BUSY (it waited for another transaction), GW_UNAVAILABLE.

#include <libpq-fe.h>

#include "base/status.h"

#define DB_TOKEN_OUTCOME_COLUMN 0

enum db_refusal {
    DB_REFUSAL_NONE,
    DB_REFUSAL_NOT_LIVE,          // the actor was revoked, has expired, or its organisation is gone
    DB_REFUSAL_OTHER_ORG,         // the actor is of another organisation
    DB_REFUSAL_NOT_ADMIN,         // the actor has no scope for it any more
    DB_REFUSAL_ENDS_TOO_LATE,     // a child would outlive the actor
    DB_REFUSAL_NOT_BOUND,         // a child might be used from where the actor may not
    DB_REFUSAL_OTHER_BINDING,     // a child or successor would not be bound as the actor is
    DB_REFUSAL_IN_PROGRESS,       // the same request was answered within the last two seconds
    DB_REFUSAL_OTHER_BODY,        // a request with the same key had another body
    DB_REFUSAL_LAST_ADMIN,        // the organisation would have no live admin token any more
    DB_REFUSAL_OUTLIVES_MAKER,    // the successors of a child would outlive the actor
    DB_REFUSAL_NOT_SELF_ROTATING, // the actor was not made to rotate itself
    DB_REFUSAL_ROTATED_TOO_OFTEN, // the chain of the actor has had its rotations for a month
    DB_REFUSAL_LIVES_TOO_LONG,    // a successor would live longer than the actor was made to live
    DB_REFUSAL_WIDER_SCOPES,      // a change would let the token do more
    DB_REFUSAL_LATER_END,         // a change would let it live longer
    DB_REFUSAL_WIDER_ADDRESSES,   // a change would let it be used from elsewhere
    DB_REFUSAL_MAKER_MINTED,      // the actor was minted by a rule, and makes none
    DB_REFUSAL_MAKER_ENDS,        // a rule would outlive the actor
    DB_REFUSAL_MAKER_BOUND,       // a rule would give tokens for where the actor may not be used
    DB_REFUSAL_ADMIN_BY_OPERATOR, // only an operator makes a rule with the scope admin
    DB_REFUSAL_MINTED,            // a rule minted the token, which has no successor
    DB_REFUSAL_TOO_MANY_RULES,    // the organisation has DB_TRUST_RULES_MAX, or for one anchor
    DB_REFUSAL_DIFFERS,           // a token with this digest is there with other values
    DB_REFUSAL_ENDED              // it was there, and never comes back
};

// Of the first row: what its word means. Sets *refusal. GW_UNAVAILABLE: an outcome of a newer
// schema, or no row.
enum gw_status db_token_outcome_read(const PGresult *result, enum db_refusal *refusal) GW_MUST_USE;
