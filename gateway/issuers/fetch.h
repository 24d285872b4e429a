// SPDX-License-Identifier: MIT
#pragma once
// One fetch of the keys of an issuer: its discovery document first, unless the settings name the
// place of the keys. Over a client end of its own (gateway/upstream), with the authorities of the
// settings, through the proxy of the environment if there is one. A redirect is a failure, and so
// is an answer over GW_JWK_SET_BYTES_MAX, or all of it later than GW_ISSUER_FETCH_MS. The keys are
// not looked at here.
//
//   start --> discovery --> keys --> on_done
//                |            ^
//                +------------+

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/exchange/services.h"
#include "gateway/issuers/proxy.h"
#include "gateway/settings/issuer_setting.h"
#include "gateway/settings/issuer_url.h"
#include "gateway/upstream/call.h"
#include "gateway/upstream/origins.h"

#define GW_ISSUER_FETCH_MS 10000
#define GW_ISSUER_PROBLEM_TEXT_BYTES 256
#define GW_ISSUER_BEARER_BYTES_MAX 4096

struct gw_issuer_fetch {
    const struct gw_issuer_setting *setting;
    const struct gw_services *services; // whose metrics are not those of the registry
    struct gw_upstream *upstream;
    struct gw_upstream_call call;
    uv_timer_t timer;
    struct gw_buf body;
    struct gw_str bearer; // of the fetch that is under way; empty: none
    char origin[GW_ISSUER_URL_BYTES_MAX + 1];
    char line[GW_ISSUER_URL_BYTES_MAX + 64];
    char fields[GW_ISSUER_BEARER_BYTES_MAX + 256];
    char problem[GW_ISSUER_PROBLEM_TEXT_BYTES]; // of the last that failed
    bool is_busy;
    bool is_discovering;
    // Once for each start, never inside. GW_OK: `keys` is the text, valid during the call.
    // Otherwise `problem` says why, without the name of the issuer.
    void (*on_done)(struct gw_issuer_fetch *fetch, enum gw_status status, struct gw_str keys);
};

// `services`, `setting` and its strings, and `proxy` are borrowed. GW_INVALID: *problem says why.
// On failure nothing is open.
enum gw_status gw_issuer_fetch_open(struct gw_issuer_fetch *fetch,
                                    const struct gw_services *services,
                                    const struct gw_issuer_setting *setting,
                                    const struct gw_issuer_proxy *proxy,
                                    struct gw_upstream_problem *problem) GW_MUST_USE;
// No on_done follows. The memory is needed until the loop has ended.
void gw_issuer_fetch_close(struct gw_issuer_fetch *fetch);
// While it is not busy. `bearer`: for Authorization, copied; empty: none. On failure (`problem`
// says why) on_done does not come.
enum gw_status gw_issuer_fetch_start(struct gw_issuer_fetch *fetch,
                                     struct gw_str bearer) GW_MUST_USE;
