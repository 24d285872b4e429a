// SPDX-License-Identifier: MIT
#pragma once
// What a proxy answers to CONNECT (RFC 9110 section 9.3.6, RFC 9112 section 2): the head of one
// response, behind interim ones if there are any. Bytes in, in pieces of any size; no I/O. Only the
// status counts: Content-Length and Transfer-Encoding mean nothing in a 2xx here, and whatever
// follows another status is of no use.
//
// Lines end with CRLF or LF. Control characters, a version other than HTTP/1, a status that is no
// three digits are refused at the first wrong byte.

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

#define GW_TUNNEL_ANSWER_BYTES_MAX ((size_t)8 * 1024) // with the interim ones

struct gw_tunnel_answer {
    int status;      // once GW_OK: of the final response
    size_t length;   // taken so far
    size_t column;   // in the line
    bool is_in_head; // behind the status line
    bool has_cr;     // LF has to follow
};

void gw_tunnel_answer_init(struct gw_tunnel_answer *answer);
// Takes the head's bytes from the front of `bytes`; *consumed is how many. GW_OK: complete.
// GW_WANT_INPUT: all taken, more is needed. GW_INVALID: no such head. GW_TOO_BIG.
enum gw_status gw_tunnel_answer_feed(struct gw_tunnel_answer *answer, struct gw_str bytes,
                                     size_t *consumed) GW_MUST_USE;
// NULL: it opens the tunnel. Otherwise a static part of a sentence for the operator.
const char *gw_tunnel_refusal(int status);
