// SPDX-License-Identifier: MIT
#pragma once
// Heads on both sides of the relay: the request head for the registry, composed anew from the
// parsed one, and the fields of the registry's response that pass to the client.
// gateway/http/field_rules.h has the rules.

#include "base/str.h"
#include "gateway/exchange/exchange.h"
#include "gateway/upstream/call.h"

// The request line in origin form, with the path and query bytes that were matched; then the fields
// that may pass, the framing, Via (RFC 9110 section 7.6.3), and the gateway's own: X-SkillReg-Org,
// -Token-Id, -Scopes (with an identity), -Client-Subject (with a client certificate), X-Request-Id,
// X-Forwarded-For, -Proto, -Host. Of these three a trusted proxy's are kept, and its address is
// added to the list; any other client's are replaced. The call adds Host. Both slices are in the
// exchange's arena. GW_NO_MEMORY; GW_TOO_BIG: too many options in Connection, which
// gw_field_rules_check refuses earlier.
enum gw_status gw_relay_compose_request(struct gw_exchange *exchange, bool forward_authorization,
                                        struct gw_upstream_request *composed) GW_MUST_USE;

// The fields that pass to the client, byte for byte; `fields` has room for GW_HTTP_FIELDS_MAX, and
// slices are the head's. GW_TOO_BIG as above.
enum gw_status gw_relay_pick_fields(const struct gw_http_head *response,
                                    struct gw_response_field *fields, int *field_count) GW_MUST_USE;
