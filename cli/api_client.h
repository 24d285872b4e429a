// SPDX-License-Identifier: MIT
#pragma once
// HTTP to the gateway: libcurl, one handle, one request at a time.
//
// The token leaves in the Authorization header of requests to base_url and nowhere else: redirects
// are not followed, certificates are verified, no password file is read, and this machine is never
// reached through a proxy (elsewhere the usual proxy variables hold). Every answer counts as
// success here, whatever its status: cli/api_error.h judges.
//
// What changes something is sent once: libcurl repeats a request by itself when a kept connection
// turns out to be dead, so all but GET go over a new one.
//
// Not thread-safe; curl_global_init must have run.

#include <curl/curl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "cli/outcome.h"

#define CLI_API_CONNECT_TIMEOUT_MS 10000
#define CLI_API_TOTAL_TIMEOUT_MS 60000
#define CLI_API_BODY_BYTES_MAX (4 * 1024 * 1024)
#define CLI_API_HEADER_BYTES_MAX 128

struct cli_api_client_options {
    const char *base_url; // as cli_api_url_base makes it
    const char *token;    // printable, without blanks; "": none is sent
    const char *ca_file;  // NULL or "": what the system trusts
    const char *peer;     // what errors call it; NULL: "the gateway"
    long connect_timeout_ms;
    long total_timeout_ms;
};

struct cli_api_request {
    const char *method;
    const char *path;            // encoded, below base_url, begins with "/"
    struct gw_str body;          // JSON; empty: Content-Length: 0; .at NULL: without it
    const char *idempotency_key; // NULL: without one
};

struct cli_api_response {
    long status;
    struct gw_str body;                           // the client's, until the next request or close
    char request_id[CLI_API_HEADER_BYTES_MAX];    // of X-Request-Id; may be empty
    char token_expires[CLI_API_HEADER_BYTES_MAX]; // of SkillReg-Token-Expires; may be empty
    long retry_after_s;                           // -1: missing, or a date
    int64_t date_ms;                              // of Date, since 1970; -1: none that can be read
};

struct cli_api_client {
    CURL *easy;
    struct curl_slist *headers; // holds the token: wiped by close
    const char *base_url;       // the caller's, as the next
    const char *peer;
    long total_timeout_ms; // of one request
    uint64_t deadline_ms;  // of several, by the monotonic clock; 0: none. The caller's
    bool was_sent;         // the gateway may have got the last request, though no answer came
    struct gw_buf body;    // may hold a secret: wiped by close
    bool body_too_big;
    char curl_error[CURL_ERROR_SIZE];
};

// On failure there is nothing to close. Keeps base_url and peer, copies the rest.
enum cli_exit cli_api_client_open(struct cli_api_client *client,
                                  const struct cli_api_client_options *options,
                                  struct cli_reason *why) GW_MUST_USE;
// CLI_UNREACHABLE: no whole answer came; client->was_sent says whether the request may have been
// served. CLI_FAILED: an answer that cannot be one of the gateway's.
// A gateway that served a request with the same key within the last two seconds answers 409 with a
// time to wait; the request is repeated after that time, with a note on stderr where that is a
// terminal.
enum cli_exit cli_api_client_send(struct cli_api_client *client,
                                  const struct cli_api_request *request,
                                  struct cli_api_response *response,
                                  struct cli_reason *why) GW_MUST_USE;
void cli_api_client_close(struct cli_api_client *client);
