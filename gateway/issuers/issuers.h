// SPDX-License-Identifier: MIT
#pragma once
// The issuers of identity tokens that the operator trusts (gateway/settings/issuer_setting.h), with
// their keys: which keys an issuer has now, and whether one of them signed a token.
//
// Keys of a file are of this process. All others are the fleet's: one gateway fetches them, the
// database keeps them, and the log of changes tells everybody (gateway/issuers/shared_keys.h). A
// set that is valid replaces the one before; whatever else an issuer answers changes nothing, until
// the keys are older than --oidc-keys-max-age.
//
// A signature costs up to a millisecond, so verifications take turns as handshakes do
// (gateway/issuers/verifier.h).

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/issuers/verifier.h"
#include "gateway/settings/issuer_setting.h"

struct db_event;
struct gw_issuer;
struct gw_issuers;
struct gw_jwk;
struct gw_services;

// Of the settings in services->config, which has some; waits for key files. GW_INVALID: one cannot
// be used, a line of the log says which and why. GW_NO_MEMORY.
enum gw_status gw_issuers_create(struct gw_services *services,
                                 struct gw_issuers **issuers) GW_MUST_USE;
// Ends verifications as GW_CANCELLED, before the call returns.
void gw_issuers_close(struct gw_issuers *issuers);
// When the loop has ended. NULL is harmless.
void gw_issuers_destroy(struct gw_issuers *issuers);
// Key files are read again, on a thread: one that cannot be used is said in the log, and its keys
// stay.
void gw_issuers_reread(struct gw_issuers *issuers);
// What the log of changes says (db/event.h): keys changed, or everything may have.
void gw_issuers_on_event(struct gw_issuers *issuers, const struct db_event *event);
void gw_issuers_on_gap(struct gw_issuers *issuers);

// By `iss`, or the trust domain, byte for byte. NULL: the operator has no such issuer.
struct gw_issuer *gw_issuers_find(struct gw_issuers *issuers, struct gw_str issuer);
const struct gw_issuer_setting *gw_issuer_setting_of(const struct gw_issuer *issuer);

// The key of that id, valid until the turn of the loop ends; without an id (.at NULL) the only one.
// GW_NOT_FOUND: the issuer has no such key, as asked since the id was first seen. GW_UNAVAILABLE:
// nobody can say: there are no keys yet, those that there are have become too old, or the id is a
// new one, for which the issuer is asked (once a minute, for the whole fleet). Trying again helps.
enum gw_status gw_issuer_find_key(struct gw_issuer *issuer, struct gw_str key_id,
                                  const struct gw_jwk **key) GW_MUST_USE;

// GW_OK: on_done follows, never inside. GW_BUSY: too many wait. GW_NOT_FOUND, GW_UNAVAILABLE: see
// gw_issuer_find_key. After a failure on_done does not come.
enum gw_status gw_issuers_verify(struct gw_issuers *issuers,
                                 struct gw_issuer_verification *verification) GW_MUST_USE;
// No on_done follows. Harmless when it is over.
void gw_issuers_cancel(struct gw_issuer_verification *verification);
