// SPDX-License-Identifier: MIT
#include "cli/api_client.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/api_url.h"
#include "cli/proxy.h"

#define URL_BYTES_MAX (16 * 1024)
#define RETRY_AFTER_S_MAX 10
#define AUTHORIZATION_BYTES_MAX (16 * 1024)

// libcurl's write callback: another count than `length` ends the transfer.
static size_t on_body(char *bytes, size_t size, size_t length, void *context) {
    struct cli_api_client *client = context;
    if (gw_buf_append(&client->body, bytes, size * length) == GW_OK)
        return size * length;
    client->body_too_big = true;
    return 0;
}

static bool add_header(struct cli_api_client *client, const char *line) {
    struct curl_slist *longer = curl_slist_append(client->headers, line);
    if (longer == NULL)
        return false;
    client->headers = longer;
    return true;
}

static bool add_headers(struct cli_api_client *client, const char *token) {
    struct gw_buf authorization;
    gw_buf_init(&authorization, AUTHORIZATION_BYTES_MAX);
    bool added = token[0] == '\0' ||
                 (gw_buf_printf(&authorization, "Authorization: Bearer %s", token) == GW_OK &&
                  gw_buf_append(&authorization, "", 1) == GW_OK &&
                  add_header(client, gw_buf_bytes(&authorization).at));
    added = added && add_header(client, "Accept: application/json");
    gw_buf_deinit_wiped(&authorization);
    return added;
}

static bool set_options(struct cli_api_client *client,
                        const struct cli_api_client_options *options) {
    CURL *easy = client->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->curl_error);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    code |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "skillreg/" GATEWAY_VERSION);
    code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    code |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, options->connect_timeout_ms);
    if (cli_api_url_is_loopback(options->base_url))
        code |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (options->ca_file != NULL && options->ca_file[0] != '\0') {
        code |= curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
        code |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); // that file and no other
    }
    return code == CURLE_OK;
}

enum cli_exit cli_api_client_open(struct cli_api_client *client,
                                  const struct cli_api_client_options *options,
                                  struct cli_reason *why) {
    gw_assert(options->base_url != NULL && options->token != NULL);
    *client = (struct cli_api_client){
        .base_url = options->base_url,
        .peer = options->peer != NULL ? options->peer : "the gateway",
        .total_timeout_ms = options->total_timeout_ms,
    };
    gw_buf_init(&client->body, CLI_API_BODY_BYTES_MAX);
    client->easy = curl_easy_init();
    if (client->easy != NULL && add_headers(client, options->token) && set_options(client, options))
        return CLI_DONE;
    cli_api_client_close(client);
    return cli_fail(why, CLI_FAILED, "cannot set up HTTP: out of memory, or libcurl lacks TLS");
}

// libcurl's own words, unless they may hold what an address held: the password of a proxy with an
// @ or a # in it is taken for a host, and shown.
static const char *detail_of(const struct cli_api_client *client, CURLcode code) {
    const char *detail = client->curl_error;
    bool is_clean = code != CURLE_COULDNT_RESOLVE_PROXY && strchr(detail, '@') == NULL;
    return detail[0] != '\0' && is_clean ? detail : curl_easy_strerror(code);
}

static enum cli_exit explain(const struct cli_api_client *client, CURLcode code,
                             struct cli_reason *why) {
    const char *detail = detail_of(client, code);
    char proxy[CLI_PROXY_BYTES_MAX];
    long error = 0;
    cli_proxy_name(client->base_url, proxy);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return cli_fail(why, CLI_UNREACHABLE,
                        "cannot find the host of %s, check the address and the network",
                        client->base_url);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return cli_fail(why, CLI_UNREACHABLE,
                        "cannot find the proxy%s on the way to %s, check https_proxy, http_proxy "
                        "and all_proxy",
                        proxy, client->base_url);
    case CURLE_COULDNT_CONNECT:
        (void)curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &error);
        if (proxy[0] != '\0') // unless no_proxy names the gateway: libcurl's words say which it was
            return cli_fail(why, CLI_UNREACHABLE,
                            "cannot connect on the way to %s (%s), which may lead through the "
                            "proxy%s, check the address and the proxy",
                            client->base_url, detail, proxy);
        return cli_fail(why, CLI_UNREACHABLE,
                        "cannot connect to %s (%s), check the address and that %s runs",
                        client->base_url, error != 0 ? strerror((int)error) : detail, client->peer);
    case CURLE_OPERATION_TIMEDOUT:
        return cli_fail(why, CLI_UNREACHABLE, "no answer from %s in time (%s), try again later",
                        client->base_url, detail);
    case CURLE_PEER_FAILED_VERIFICATION:
        return cli_fail(why, CLI_UNREACHABLE,
                        "the certificate of %s is not trusted (%s), name its authority with "
                        "--ca-file or SSL_CERT_FILE",
                        client->base_url, detail);
    case CURLE_SSL_CACERT_BADFILE:
        return cli_fail(why, CLI_USAGE, "cannot use the file of --ca-file or SSL_CERT_FILE (%s)",
                        detail);
    default:
        return cli_fail(why, CLI_UNREACHABLE,
                        "no answer from %s (%s), check the address, or try again later",
                        client->base_url, detail);
    }
}

// Empty when the answer has no such header.
static void copy_header(struct cli_api_client *client, const char *name,
                        char out[CLI_API_HEADER_BYTES_MAX]) {
    struct curl_header *header;
    out[0] = '\0';
    if (curl_easy_header(client->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        (void)snprintf(out, CLI_API_HEADER_BYTES_MAX, "%s", header->value);
}

// The gateway's clock, as it answered.
static int64_t read_date(struct cli_api_client *client) {
    char text[CLI_API_HEADER_BYTES_MAX];
    copy_header(client, "Date", text);
    time_t date_s = text[0] != '\0' ? curl_getdate(text, NULL) : -1;
    return date_s > 0 ? (int64_t)date_s * 1000 : -1;
}

static void read_headers(struct cli_api_client *client, struct cli_api_response *response) {
    struct curl_header *header;
    uint64_t seconds;
    copy_header(client, "X-Request-Id", response->request_id);
    copy_header(client, "SkillReg-Token-Expires", response->token_expires);
    response->date_ms = read_date(client);
    response->retry_after_s = -1;
    if (curl_easy_header(client->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        gw_str_to_u64(gw_str_trim(gw_str_from(header->value)), &seconds) == GW_OK &&
        seconds <= 86400)
        response->retry_after_s = (long)seconds;
}

static CURLcode set_request(struct cli_api_client *client, const struct cli_api_request *request,
                            const char *url, struct curl_slist *headers) {
    CURL *easy = client->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
    code |= curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (request->body.at != NULL) {
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.at);
        code |=
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
    }
    code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    code |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT,
                             strcmp(request->method, "GET") != 0 ? 1L : 0L);
    return code;
}

// The headers left, after a connection that was made for them: a proxy's part does not count.
static bool was_sent(CURL *easy) {
    curl_off_t begun_us = 0;
    long bytes_sent = 0;
    return curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &begun_us) == CURLE_OK &&
           curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes_sent) == CURLE_OK &&
           begun_us > 0 && bytes_sent > 0;
}

static uint64_t find_deadline(const struct cli_api_client *client) {
    uint64_t deadline_ms = gw_clock_monotonic_ms() + (uint64_t)client->total_timeout_ms;
    bool is_earlier = client->deadline_ms != 0 && client->deadline_ms < deadline_ms;
    return is_earlier ? client->deadline_ms : deadline_ms;
}

static CURLcode perform(struct cli_api_client *client, uint64_t deadline_ms) {
    uint64_t now_ms = gw_clock_monotonic_ms();
    long left_ms = deadline_ms > now_ms ? (long)(deadline_ms - now_ms) : 1; // 0 is without an end
    gw_buf_clear(&client->body);
    client->body_too_big = false;
    client->curl_error[0] = '\0';
    CURLcode code = curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, left_ms);
    if (code == CURLE_OK)
        code = curl_easy_perform(client->easy);
    client->was_sent = was_sent(client->easy);
    return code;
}

// The same request was answered a moment ago, or is under way (409 with a time to wait): then the
// answer is another one.
static bool is_to_be_repeated(const struct cli_api_request *request,
                              const struct cli_api_response *response, uint64_t deadline_ms) {
    return request->idempotency_key != NULL && response->status == 409 &&
           response->retry_after_s >= 0 && response->retry_after_s <= RETRY_AFTER_S_MAX &&
           gw_clock_monotonic_ms() + (uint64_t)response->retry_after_s * 1000 < deadline_ms;
}

static void read_response(struct cli_api_client *client, struct cli_api_response *response) {
    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &response->status);
    response->body = gw_buf_bytes(&client->body);
    read_headers(client, response);
}

// The wait is only explained where somebody watches it.
static void wait_to_repeat(long seconds) {
    gw_assert(seconds >= 0 && seconds <= RETRY_AFTER_S_MAX);
    if (seconds > 0 && isatty(STDERR_FILENO))
        cli_note("the gateway has only just answered the same request, asking again in %ld s",
                 seconds);
    (void)sleep((unsigned)seconds);
}

// Repeats the request after the time that the gateway names, and once more: the first repetition
// may have come a moment too early.
static CURLcode perform_until_settled(struct cli_api_client *client,
                                      const struct cli_api_request *request,
                                      struct cli_api_response *response) {
    uint64_t deadline_ms = find_deadline(client);
    CURLcode code = perform(client, deadline_ms);
    if (code == CURLE_OK)
        read_response(client, response);
    for (int i = 0; i < 2 && code == CURLE_OK && is_to_be_repeated(request, response, deadline_ms);
         i++) {
        wait_to_repeat(response->retry_after_s);
        code = perform(client, deadline_ms);
        if (code == CURLE_OK)
            read_response(client, response);
    }
    return code;
}

enum cli_exit cli_api_client_send(struct cli_api_client *client,
                                  const struct cli_api_request *request,
                                  struct cli_api_response *response, struct cli_reason *why) {
    gw_assert(request->path[0] == '/');
    char url[URL_BYTES_MAX];
    int length = snprintf(url, sizeof(url), "%s%s", client->base_url, request->path);
    if (length >= (int)sizeof(url))
        return cli_fail(why, CLI_USAGE, "an argument is longer than any gateway takes");
    char type_line[] = "Content-Type: application/json";
    char no_type_line[] = "Content-Type:"; // libcurl's own is left out
    char key_line[CLI_API_HEADER_BYTES_MAX];
    (void)snprintf(key_line, sizeof(key_line), "Idempotency-Key: %s",
                   request->idempotency_key != NULL ? request->idempotency_key : "");
    // Headers of this request alone stand before those of every request.
    struct curl_slist *headers = client->headers;
    struct curl_slist type = {.data = request->body.length > 0 ? type_line : no_type_line,
                              .next = headers};
    if (request->body.at != NULL)
        headers = &type;
    struct curl_slist key = {.data = key_line, .next = headers};
    if (request->idempotency_key != NULL)
        headers = &key;
    if (set_request(client, request, url, headers) != CURLE_OK)
        return cli_fail_status(why, GW_NO_MEMORY);
    CURLcode code = perform_until_settled(client, request, response);
    if (client->body_too_big)
        return cli_fail(why, CLI_FAILED,
                        "the answer of %s is too long for a gateway's, check the address",
                        client->base_url);
    return code == CURLE_OK ? CLI_DONE : explain(client, code, why);
}

void cli_api_client_close(struct cli_api_client *client) {
    curl_easy_cleanup(client->easy);
    for (struct curl_slist *header = client->headers; header != NULL; header = header->next)
        gw_bytes_wipe(header->data, strlen(header->data));
    curl_slist_free_all(client->headers);
    gw_buf_deinit_wiped(&client->body);
    client->easy = NULL;
    client->headers = NULL;
}
