// SPDX-License-Identifier: MIT
#include "db/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_port.h"

#define SETTINGS_MAX 128 // libpq 15 knows 44 keywords
// Two probes unanswered within the time-out of a packet, and the connection is over.
#define KEEPALIVE_IDLE_S "3"
#define KEEPALIVE_INTERVAL_S "1"

// ---- reading ----

static const char *find_option(const PQconninfoOption *options, const char *keyword) {
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0)
            return option->val != NULL && *option->val != '\0' ? option->val : NULL;
    }
    return NULL;
}

// NULL: neither given nor known by default.
static const char *find_setting(const struct db_url *url, const char *keyword) {
    const char *given = find_option(url->options, keyword);
    return given != NULL ? given : find_option(url->defaults, keyword);
}

// libpq reads a service file for its defaults only where the environment names the service.
static PQconninfoOption *read_defaults(const PQconninfoOption *options) {
    const char *service = find_option(options, "service");
    if (service == NULL)
        return PQconndefaults();
    const char *before = getenv("PGSERVICE");
    char *kept = before == NULL ? NULL : strdup(before);
    PQconninfoOption *defaults = NULL;
    if ((before == NULL || kept != NULL) && setenv("PGSERVICE", service, 1) == 0)
        defaults = PQconndefaults();
    if (kept != NULL)
        (void)setenv("PGSERVICE", kept, 1);
    else
        (void)unsetenv("PGSERVICE");
    free(kept);
    return defaults;
}

// Cuts the list, in place, into at most `max` elements, NULL for an empty one; returns how many
// there are, one at the least.
static int split(char *list, const char **elements, int max) {
    int count = 0;
    for (char *at = list; at != NULL; count++) {
        char *comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        if (count < max)
            elements[count] = *at == '\0' ? NULL : at;
        at = comma == NULL ? NULL : comma + 1;
    }
    return count;
}

static bool is_socket(const char *host) {
    return host == NULL || *host == '/' || *host == '@';
}

const char *db_url_name_of(const struct db_url_server *server) {
    return server->hostaddr != NULL || is_socket(server->host) ? NULL : server->host;
}

// The rules of libpq: as many hosts as addresses, one port or as many.
static enum gw_status read_servers(struct db_url *url) {
    static const char *const keywords[] = {"host", "hostaddr", "port"};
    const char *elements[DB_URL_LIST_COUNT][DB_URL_SERVERS_MAX] = {{NULL}};
    int counts[DB_URL_LIST_COUNT] = {0};
    for (int i = 0; i < DB_URL_LIST_COUNT; i++) {
        const char *value = find_setting(url, keywords[i]);
        if (value == NULL)
            continue;
        url->lists[i] = strdup(value);
        if (url->lists[i] == NULL)
            return GW_NO_MEMORY;
        counts[i] = split(url->lists[i], elements[i], DB_URL_SERVERS_MAX);
    }
    int hosts = counts[DB_URL_HOSTS];
    int addresses = counts[DB_URL_ADDRESSES];
    int ports = counts[DB_URL_PORTS];
    url->server_count = addresses > 0 ? addresses : (hosts > 0 ? hosts : 1);
    if (url->server_count > DB_URL_SERVERS_MAX || (hosts > 0 && hosts != url->server_count) ||
        (ports > 1 && ports != url->server_count))
        return GW_INVALID;
    for (int i = 0; i < url->server_count; i++) {
        url->servers[i] =
            (struct db_url_server){elements[DB_URL_HOSTS][i], elements[DB_URL_ADDRESSES][i],
                                   elements[DB_URL_PORTS][ports == 1 ? 0 : i]};
        const char *name = db_url_name_of(&url->servers[i]);
        if (name != NULL && strlen(name) > GW_HOST_BYTES_MAX)
            return GW_INVALID;
    }
    return GW_OK;
}

enum gw_status db_url_parse(const char *text, struct db_url *url) {
    char *complaint = NULL; // may quote the password
    memset(url, 0, sizeof(*url));
    url->options = PQconninfoParse(text, &complaint);
    if (url->options == NULL) {
        bool has_complaint = complaint != NULL;
        PQfreemem(complaint);
        return has_complaint ? GW_INVALID : GW_NO_MEMORY;
    }
    url->defaults = read_defaults(url->options);
    enum gw_status status = url->defaults == NULL ? GW_NO_MEMORY : read_servers(url);
    if (status != GW_OK) {
        db_url_deinit(url);
        return status;
    }
    const char *balance = find_setting(url, "load_balance_hosts"); // libpq 16 and later
    url->is_balanced = balance != NULL && strcmp(balance, "random") == 0;
    url->session_attrs = find_setting(url, "target_session_attrs");
    return GW_OK;
}

// A setting that the manual of newer versions recommends for several hosts.
const char *db_url_problem(const char *text) {
    bool is_wanted = strstr(text, "load_balance_hosts") != NULL;
    return is_wanted && PQlibVersion() < 160000
               ? "load_balance_hosts in the database URL needs libpq 16 or later"
               : "the database URL is malformed";
}

// libpq marks what a form should hide with a dispchar of "*".
static bool is_shown(const PQconninfoOption *option) {
    return option->val != NULL && strchr(option->dispchar, '*') == NULL;
}

void db_url_show(const char *text, char *out, size_t size) {
    char *complaint = NULL;
    size_t used = 0;
    PQconninfoOption *options = PQconninfoParse(text, &complaint);
    PQfreemem(complaint);
    *out = '\0';
    for (const PQconninfoOption *option = options;
         option != NULL && option->keyword != NULL && used < size; option++) {
        if (!is_shown(option))
            continue;
        int length = snprintf(out + used, size - used, "%s%s=%s", used > 0 ? " " : "",
                              option->keyword, option->val);
        used += length > 0 ? (size_t)length : 0;
    }
    PQconninfoFree(options);
}

void db_url_deinit(struct db_url *url) {
    PQconninfoFree(url->options);
    PQconninfoFree(url->defaults);
    for (int i = 0; i < DB_URL_LIST_COUNT; i++)
        free(url->lists[i]);
    memset(url, 0, sizeof(*url));
}

// ---- connecting ----

// For PQconnectStartParams. The last mention of a keyword counts.
struct settings {
    const char *keywords[SETTINGS_MAX];
    const char *values[SETTINGS_MAX];
    int count;
};

static void add(struct settings *settings, const char *keyword, const char *value) {
    if (value == NULL)
        return;
    gw_assert(settings->count < SETTINGS_MAX - 1);
    settings->keywords[settings->count] = keyword;
    settings->values[settings->count] = value;
    settings->count++;
}

// Where neither the URL nor a service nor the environment says anything.
static void add_default(struct settings *settings, const struct db_url *url, const char *keyword,
                        const char *value) {
    if (find_setting(url, keyword) == NULL)
        add(settings, keyword, value);
}

static bool is_of_server(const char *keyword) {
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0 || strcmp(keyword, "target_session_attrs") == 0;
}

static void add_server(struct settings *settings, const struct db_url_attempt *attempt) {
    add(settings, "host", attempt->server->host);
    add(settings, "hostaddr", attempt->address);
    add(settings, "port", attempt->server->port);
    add(settings, "target_session_attrs", attempt->session_attrs);
}

// What was added before are defaults.
static void add_all(struct settings *settings, const struct db_url *url,
                    const struct db_url_attempt *attempt) {
    // the user of the process may be a question to a directory: asked once, when the URL was read
    if (find_setting(url, "service") == NULL)
        add(settings, "user", find_option(url->defaults, "user"));
    for (const PQconninfoOption *option = url->options; option->keyword != NULL; option++) {
        if (!is_of_server(option->keyword))
            add(settings, option->keyword, option->val);
    }
    add_server(settings, attempt);
    add(settings, "client_encoding", "UTF8");
}

PGconn *db_url_connect_start(const struct db_url *url, const struct db_url_attempt *attempt,
                             uint64_t packet_timeout_ms) {
    char packet_timeout[24];
    (void)snprintf(packet_timeout, sizeof(packet_timeout), "%u", (unsigned)packet_timeout_ms);
    struct settings settings = {.count = 0};
    add(&settings, "fallback_application_name", "skillreg-gateway");
    add_default(&settings, url, "tcp_user_timeout", packet_timeout);
    add_default(&settings, url, "keepalives_idle", KEEPALIVE_IDLE_S);
    add_default(&settings, url, "keepalives_interval", KEEPALIVE_INTERVAL_S);
    add_all(&settings, url, attempt);
    return PQconnectStartParams(settings.keywords, settings.values, 0);
}

PGconn *db_url_connect_blocking(const struct db_url *url, const struct db_url_attempt *attempt,
                                const char *application_name, int timeout_s) {
    char timeout[16];
    (void)snprintf(timeout, sizeof(timeout), "%d", timeout_s);
    struct settings settings = {.count = 0};
    add(&settings, "fallback_application_name", application_name);
    add_default(&settings, url, "connect_timeout", timeout);
    add_all(&settings, url, attempt);
    return PQconnectdbParams(settings.keywords, settings.values, 0);
}
