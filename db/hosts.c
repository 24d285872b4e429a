// SPDX-License-Identifier: MIT
#include "db/hosts.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "db/backoff.h"

// ---- names ----

static void on_name_resolved(struct gw_name *name) {
    struct db_hosts *hosts = gw_container_of(name, struct db_host, name)->hosts;
    hosts->on_resolved(hosts);
}

// The first server of the same name; the one that is asked about, if it has none.
static int first_of_name(const struct db_url *url, int server) {
    const char *name = db_url_name_of(&url->servers[server]);
    for (int i = 0; i < server && name != NULL; i++) {
        const char *other = db_url_name_of(&url->servers[i]);
        if (other != NULL && strcmp(name, other) == 0)
            return i;
    }
    return server;
}

static bool has_own_name(const struct db_hosts *hosts, int server) {
    return hosts->list[server] != NULL && first_of_name(hosts->url, server) == server;
}

static void free_all(struct db_hosts *hosts) {
    for (int i = hosts->url->server_count - 1; i >= 0; i--) {
        if (has_own_name(hosts, i))
            free(hosts->list[i]);
        hosts->list[i] = NULL;
    }
}

static enum gw_status create_all(struct db_hosts *hosts) {
    for (int i = 0; i < hosts->url->server_count; i++) {
        int first = first_of_name(hosts->url, i);
        if (db_url_name_of(&hosts->url->servers[i]) == NULL)
            continue;
        hosts->list[i] = first < i ? hosts->list[first] : calloc(1, sizeof(struct db_host));
        if (hosts->list[i] == NULL)
            return GW_NO_MEMORY;
        hosts->list[i]->hosts = hosts;
    }
    return GW_OK;
}

enum gw_status db_hosts_open(struct db_hosts *hosts, uv_loop_t *loop, const struct db_url *url,
                             void (*on_resolved)(struct db_hosts *hosts)) {
    memset(hosts, 0, sizeof(*hosts));
    hosts->url = url;
    hosts->loop = loop;
    hosts->on_resolved = on_resolved;
    enum gw_status status = create_all(hosts);
    if (status != GW_OK) {
        free_all(hosts);
        return status;
    }
    for (int i = 0; i < url->server_count; i++) {
        if (!has_own_name(hosts, i))
            continue;
        gw_name_open(&hosts->list[i]->name, loop, "db", url->servers[i].host, 0, on_name_resolved);
        hosts->open_count++;
    }
    return GW_OK;
}

static void on_name_closed(struct gw_name *name) {
    struct db_hosts *hosts = gw_container_of(name, struct db_host, name)->hosts;
    gw_assert(hosts->is_closing && hosts->open_count > 0);
    if (--hosts->open_count > 0)
        return;
    free_all(hosts);
    hosts->on_closed(hosts);
}

void db_hosts_close(struct db_hosts *hosts, void (*on_closed)(struct db_hosts *hosts)) {
    gw_assert(!hosts->is_closing);
    hosts->is_closing = true;
    hosts->on_closed = on_closed;
    for (int i = 0; i < hosts->url->server_count; i++) {
        if (has_own_name(hosts, i))
            gw_name_close(&hosts->list[i]->name, on_name_closed);
    }
    if (hosts->open_count == 0)
        on_closed(hosts);
}

bool db_hosts_refresh(struct db_hosts *hosts) {
    bool is_looking_up = false;
    for (int i = 0; i < hosts->url->server_count; i++)
        is_looking_up |= has_own_name(hosts, i) && gw_name_refresh(&hosts->list[i]->name);
    return is_looking_up;
}

bool db_hosts_are_looking_up(const struct db_hosts *hosts) {
    for (int i = 0; i < hosts->url->server_count; i++) {
        if (hosts->list[i] != NULL && gw_name_is_looking_up(&hosts->list[i]->name))
            return true;
    }
    return false;
}

static int address_count(const struct db_hosts *hosts, int server) {
    return hosts->list[server] == NULL ? 1 : hosts->list[server]->name.count;
}

bool db_hosts_are_known(const struct db_hosts *hosts) {
    for (int i = 0; i < hosts->url->server_count; i++) {
        if (address_count(hosts, i) > 0)
            return true;
    }
    return false;
}

// ---- addresses ----

// *address is NULL for a socket. False: there is none of that number any more.
static bool find_address(const struct db_hosts *hosts, int server, int number,
                         char text[DB_ADDRESS_BYTES], const char **address) {
    const struct db_host *host = hosts->list[server];
    *address = host == NULL ? hosts->url->servers[server].hostaddr : text;
    if (host == NULL)
        return true;
    if (number >= host->name.count)
        return false;
    const struct sockaddr_storage *socket = &host->name.list[number];
    socklen_t length = socket->ss_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                                     : (socklen_t)sizeof(struct sockaddr_in);
    return getnameinfo((const struct sockaddr *)socket, length, text, DB_ADDRESS_BYTES, NULL, 0,
                       NI_NUMERICHOST) == 0;
}

static uint32_t key_of(const struct db_url_server *server, const char *address) {
    const char *parts[] = {address != NULL ? address : server->host, server->port};
    uint32_t key = 0;
    for (int i = 0; i < 2; i++)
        key = parts[i] == NULL ? key : gw_crc32(key, parts[i], strlen(parts[i]) + 1);
    return key != 0 ? key : 1;
}

static int find_silent(const struct db_hosts *hosts, uint32_t key) {
    for (int i = 0; i < DB_HOSTS_SILENT_MAX; i++) {
        if (hosts->silent[i].key == key)
            return i;
    }
    return -1;
}

void db_hosts_note_silent(struct db_hosts *hosts, uint32_t key) {
    int at = find_silent(hosts, key);
    if (at < 0)
        at = hosts->silent_next++ % DB_HOSTS_SILENT_MAX;
    hosts->silent[at].key = key;
    hosts->silent[at].rests_until_ms = uv_now(hosts->loop) + DB_HOSTS_REST_MS;
}

void db_hosts_note_answer(struct db_hosts *hosts, uint32_t key) {
    int at = find_silent(hosts, key);
    if (at >= 0)
        hosts->silent[at].key = 0;
}

static bool is_resting(const struct db_hosts *hosts, int server, int number) {
    char text[DB_ADDRESS_BYTES];
    const char *address;
    if (!find_address(hosts, server, number, text, &address))
        return false;
    int at = find_silent(hosts, key_of(&hosts->url->servers[server], address));
    return at >= 0 && uv_now(hosts->loop) < hosts->silent[at].rests_until_ms;
}

// ---- rounds ----

// 0, 1, 2 ..., or those in a random order.
static void put_in_order(const struct db_hosts *hosts, uint8_t *list, int count) {
    for (int i = 0; i < count; i++) {
        list[i] = (uint8_t)i;
        if (!hosts->url->is_balanced)
            continue;
        int other = (int)db_backoff_random_below((uint64_t)i + 1);
        list[i] = list[other];
        list[other] = (uint8_t)i;
    }
}

static void plan_server(const struct db_hosts *hosts, int server, bool with_resting,
                        struct db_round *round) {
    uint8_t order[GW_NAME_ADDRESSES_MAX];
    int count = address_count(hosts, server);
    put_in_order(hosts, order, count);
    for (int i = 0; i < count && round->count < DB_ROUND_MAX; i++) {
        if (!with_resting && is_resting(hosts, server, order[i]))
            continue;
        round->list[round->count].server = (uint8_t)server;
        round->list[round->count].address = order[i];
        round->list[round->count].is_second = false;
        round->count++;
    }
}

static void plan_once(const struct db_hosts *hosts, bool with_resting, struct db_round *round) {
    uint8_t order[DB_URL_SERVERS_MAX];
    int count = hosts->url->server_count;
    put_in_order(hosts, order, count);
    for (int i = 0; i < count; i++)
        plan_server(hosts, order[i], with_resting, round);
}

static bool prefers_standby(const struct db_hosts *hosts) {
    const char *attrs = hosts->url->session_attrs;
    return attrs != NULL && strcmp(attrs, "prefer-standby") == 0;
}

void db_hosts_plan(const struct db_hosts *hosts, struct db_round *round) {
    round->count = round->next = 0;
    plan_once(hosts, false, round);
    if (round->count == 0)
        plan_once(hosts, true, round);
    int once = round->count;
    for (int i = 0; i < once && prefers_standby(hosts) && round->count < DB_ROUND_MAX; i++) {
        round->list[round->count] = round->list[i];
        round->list[round->count++].is_second = true;
    }
}

static const char *session_attrs_of(const struct db_hosts *hosts, bool is_second) {
    if (!prefers_standby(hosts))
        return hosts->url->session_attrs;
    return is_second ? "any" : "standby";
}

bool db_hosts_next(struct db_hosts *hosts, struct db_round *round, uint64_t rest_ms,
                   struct db_attempt *attempt) {
    while (round->next < round->count) {
        int at = round->next++;
        int server = round->list[at].server;
        const char *address;
        if (!find_address(hosts, server, round->list[at].address, attempt->address, &address))
            continue;
        attempt->what = (struct db_url_attempt){
            .server = &hosts->url->servers[server],
            .address = address,
            .session_attrs = session_attrs_of(hosts, round->list[at].is_second)};
        attempt->key = key_of(attempt->what.server, address);
        int silent = find_silent(hosts, attempt->key);
        attempt->was_silent = silent >= 0;
        if (silent >= 0) // no other link tries it meanwhile
            hosts->silent[silent].rests_until_ms = uv_now(hosts->loop) + rest_ms + DB_HOSTS_REST_MS;
        return true;
    }
    return false;
}
