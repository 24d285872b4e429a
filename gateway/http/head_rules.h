// SPDX-License-Identifier: MIT
#pragma once
// What must hold of a whole head, beyond the grammar that llhttp checks: one framing, one plain
// Content-Length, one Host that is a host, nothing expected except 100-continue. What the checks
// find out (content_length, is_chunked, host, target, expects_continue) they write into the head.
// Pure: no I/O, no allocation.

#include <stdbool.h>

#include "base/status.h"
#include "gateway/http/errors.h"
#include "gateway/http/head_block.h"

// Each returns NULL when nothing is wrong. version_minor and the fields are there; so is what is
// named below.
//
// `frames_chunks`: llhttp reads the body as chunks; it must agree with the head.
const struct gw_refusal *gw_http_head_check_framing(struct gw_http_head *head,
                                                    bool frames_chunks) GW_MUST_USE;
// target; after the framing.
const struct gw_refusal *gw_http_head_check_request(struct gw_http_head *head) GW_MUST_USE;
// status.
const struct gw_refusal *gw_http_head_check_response(const struct gw_http_head *head) GW_MUST_USE;
