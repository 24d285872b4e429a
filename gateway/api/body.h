// SPDX-License-Identifier: MIT
#pragma once
// The whole body of a request to the gateway's own API: at most what its kind may have, gathered in
// one buffer, which is wiped at the end. Embedded in the call of a handler that needs all of the
// body before it can act.

#include <stdbool.h>

#include "base/buf.h"
#include "gateway/exchange/exchange.h"

#define GW_BODY_OWN_BYTES_MAX (16 * 1024)
#define GW_BODY_IDS_BYTES_MAX (40 * 1024)    // GW_BULK_REVOKE_MAX ids of 32 characters
#define GW_BODY_LEAKS_BYTES_MAX (256 * 1024) // a thousand tokens with where they were found

enum gw_api_body_kind {
    GW_API_BODY_JSON,
    GW_API_BODY_FORM,
    GW_API_BODY_IDS,  // JSON, up to GW_BODY_IDS_BYTES_MAX
    GW_API_BODY_LEAKS // JSON, up to GW_BODY_LEAKS_BYTES_MAX
};

struct gw_api_body;
struct gw_api_body_calls {
    // The body is complete. Called at most once: not after a refusal, nor when the client leaves.
    void (*on_whole)(struct gw_api_body *body);
    // The exchange is over: detach what else the call has under way. Exactly once, after
    // gw_api_body_read.
    void (*on_over)(struct gw_api_body *body);
};

struct gw_api_body {
    struct gw_handler handler;
    struct gw_buf bytes;
    const struct gw_api_body_calls *calls;
    enum gw_api_body_kind kind;
    bool is_refused; // too large, or no memory for it
};

// Whether the head announces a body that the handler reads: not too large, and of the media type,
// which may have parameters. `is_optional`: an empty body needs no media type. False: the exchange
// is answered, with 413 or 415.
bool gw_api_body_check(struct gw_exchange *exchange, enum gw_api_body_kind kind,
                       bool is_optional) GW_MUST_USE;
// In this order.
void gw_api_body_init(struct gw_api_body *body, struct gw_exchange *exchange,
                      enum gw_api_body_kind kind, const struct gw_api_body_calls *calls);
void gw_api_body_read(struct gw_api_body *body);
// The same for a body that holds a secret, whose memory it gets in one piece. Without it: 503.
void gw_api_body_read_secret(struct gw_api_body *body);
