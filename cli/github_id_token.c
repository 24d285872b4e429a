// SPDX-License-Identifier: MIT
#include "cli/github_id_token.h"

#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/audience.h"

#define PATH_BYTES_MAX 8192
#define JSON_TOKENS_MAX 64
#define ANSWER_BYTES_MAX (64 * 1024)
#define HTTP_OK 200

struct endpoint {
    char origin[CLI_API_URL_BYTES_MAX]; // "https://host:port"
    struct gw_buf path;                 // with the audience, terminated
};

// Where the path of a URL begins; 0: it is no http or https URL.
static size_t origin_length(struct gw_str url) {
    size_t host = gw_str_starts_with(url, GW_STR("https://"))  ? strlen("https://")
                  : gw_str_starts_with(url, GW_STR("http://")) ? strlen("http://")
                                                               : 0;
    size_t end = host + gw_str_find(gw_str_slice(url, host, url.length), '/');
    return host > 0 && end > host ? end : 0;
}

static enum cli_exit read_origin(struct endpoint *endpoint, struct gw_str url, bool insecure_http,
                                 struct cli_reason *why) {
    size_t length = origin_length(url);
    if (length == 0 || length >= sizeof(endpoint->origin) ||
        gw_str_find(gw_str_slice(url, 0, length), '@') < length)
        return cli_fail(why, CLI_USAGE, CLI_GITHUB_ID_TOKEN_URL " is not a URL");
    memcpy(endpoint->origin, url.at, length);
    endpoint->origin[length] = '\0';
    bool is_secure = gw_str_starts_with(url, GW_STR("https://"));
    if (!is_secure && !insecure_http && !cli_api_url_is_loopback(endpoint->origin))
        return cli_fail(why, CLI_USAGE,
                        CLI_GITHUB_ID_TOKEN_URL
                        " is http://, which would show the identity token to the network, it must "
                        "be https:// (or --insecure-http if you accept that)");
    return CLI_DONE;
}

static enum gw_status write_path(struct gw_buf *path, struct gw_str rest, struct gw_str audience) {
    bool has_query = gw_str_find(rest, '?') < rest.length;
    enum gw_status status = gw_buf_append_str(path, rest.length > 0 ? rest : GW_STR("/"));
    if (status == GW_OK)
        status = gw_buf_append_str(path, has_query ? GW_STR("&audience=") : GW_STR("?audience="));
    if (status == GW_OK)
        status = cli_api_url_append_encoded(path, audience);
    return status == GW_OK ? gw_buf_append(path, "", 1) : status;
}

static enum cli_exit read_answer(struct cli_api_response *response, struct gw_buf *out,
                                 struct cli_reason *why) {
    struct gw_arena arena;
    struct gw_json root;
    struct gw_str value = gw_str(NULL, 0);
    if (response->status != HTTP_OK)
        return cli_fail(why, response->status >= 500 ? CLI_UNAVAILABLE : CLI_FAILED,
                        CLI_GITHUB_ID_TOKEN_ENDPOINT
                        " answered with status %ld, check permissions: id-token: write",
                        response->status);
    gw_arena_init(&arena, ANSWER_BYTES_MAX);
    if (gw_json_parse(&arena, response->body, JSON_TOKENS_MAX, &root, NULL) == GW_OK)
        value = cli_answer_text(root, "value", &arena);
    enum gw_status status = gw_buf_append_str(out, value);
    gw_arena_deinit(&arena);
    return status == GW_OK ? CLI_DONE : cli_fail_status(why, status);
}

static enum cli_exit ask(const struct endpoint *endpoint, struct gw_buf *out,
                         struct cli_reason *why) {
    struct cli_api_client client;
    struct cli_api_response response;
    const struct cli_api_client_options options = {
        .base_url = endpoint->origin,
        .token = getenv(CLI_GITHUB_ID_TOKEN_SECRET),
        .peer = CLI_GITHUB_ID_TOKEN_ENDPOINT,
        .connect_timeout_ms = CLI_API_CONNECT_TIMEOUT_MS,
        .total_timeout_ms = CLI_API_TOTAL_TIMEOUT_MS,
    };
    const struct cli_api_request request = {.method = "GET",
                                            .path = gw_buf_bytes(&endpoint->path).at};
    enum cli_exit exit = cli_api_client_open(&client, &options, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_api_client_send(&client, &request, &response, why);
    if (exit == CLI_DONE)
        exit = read_answer(&response, out, why);
    cli_api_client_close(&client);
    return exit;
}

enum cli_exit cli_github_id_token_ask(struct cli_session *session, bool insecure_http,
                                      struct gw_buf *out, struct cli_reason *why) {
    struct gw_str url = gw_str_from(getenv(CLI_GITHUB_ID_TOKEN_URL));
    struct gw_str audience;
    struct endpoint endpoint;
    enum cli_exit exit = read_origin(&endpoint, url, insecure_http, why);
    if (exit == CLI_DONE)
        exit = cli_audience_ask(session, "github", &audience, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&endpoint.path, PATH_BYTES_MAX);
    url = gw_str_slice(url, strlen(endpoint.origin), url.length);
    exit = write_path(&endpoint.path, url, audience) == GW_OK
               ? ask(&endpoint, out, why)
               : cli_fail(why, CLI_USAGE, CLI_GITHUB_ID_TOKEN_URL " is too long");
    gw_buf_deinit(&endpoint.path);
    return exit;
}
