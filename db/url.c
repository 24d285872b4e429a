// SPDX-License-Identifier: MIT
#include "db/url.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 128 // libpq 15 knows 44 keywords

// What a parsed URL becomes for PQconnectStartParams.
struct settings {
    const char *keywords[SETTINGS_MAX];
    const char *values[SETTINGS_MAX];
    char *rotated[SETTINGS_MAX]; // values that are ours to free
    int count;
    int rotated_count;
};

static const char *find_option(const PQconninfoOption *options, const char *keyword) {
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0)
            return option->val;
    }
    return NULL;
}

// Elements of a comma list.
static unsigned count_elements(const char *list) {
    unsigned count = 1;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

enum gw_status db_url_parse(const char *text, struct db_url *url) {
    char *complaint = NULL; // may quote the password
    PQconninfoOption *options = PQconninfoParse(text, &complaint);
    if (options == NULL) {
        bool has_complaint = complaint != NULL;
        PQfreemem(complaint);
        return has_complaint ? GW_INVALID : GW_NO_MEMORY;
    }
    const char *hosts = find_option(options, "hostaddr");
    if (hosts == NULL)
        hosts = find_option(options, "host");
    *url = (struct db_url){options, hosts == NULL ? 1 : count_elements(hosts)};
    return GW_OK;
}

void db_url_deinit(struct db_url *url) {
    PQconninfoFree(url->options);
    url->options = NULL;
}

// "a,b,c" from 1 on: "b,c,a". NULL without memory.
static char *rotate(const char *list, unsigned first) {
    gw_assert(first < count_elements(list));
    const char *at = list;
    for (unsigned i = 0; i < first; i++)
        at = strchr(at, ',') + 1;
    size_t length = strlen(list);
    char *rotated = malloc(length + 2);
    if (rotated == NULL)
        return NULL;
    if (at == list)
        memcpy(rotated, list, length + 1);
    else
        (void)snprintf(rotated, length + 2, "%s,%.*s", at, (int)(at - list - 1), list);
    return rotated;
}

static void add(struct settings *settings, const char *keyword, const char *value) {
    gw_assert(settings->count < SETTINGS_MAX - 1);
    settings->keywords[settings->count] = keyword;
    settings->values[settings->count] = value;
    settings->count++;
}

// False without memory.
static bool add_option(struct settings *settings, const PQconninfoOption *option,
                       unsigned host_count, unsigned first) {
    bool is_list = strcmp(option->keyword, "host") == 0 ||
                   strcmp(option->keyword, "hostaddr") == 0 || strcmp(option->keyword, "port") == 0;
    if (!is_list || count_elements(option->val) != host_count) { // one port for all hosts
        add(settings, option->keyword, option->val);
        return true;
    }
    char *rotated = rotate(option->val, first);
    if (rotated == NULL)
        return false;
    settings->rotated[settings->rotated_count++] = rotated;
    add(settings, option->keyword, rotated);
    return true;
}

PGconn *db_url_connect_start(const struct db_url *url, unsigned first_host,
                             uint64_t packet_timeout_ms) {
    char packet_timeout[24];
    (void)snprintf(packet_timeout, sizeof(packet_timeout), "%u", (unsigned)packet_timeout_ms);
    struct settings settings = {.count = 0};
    // the last mention of a keyword counts: the URL overrides the settings before it
    add(&settings, "fallback_application_name", "skillreg-gateway");
    add(&settings, "tcp_user_timeout", packet_timeout);
    bool is_complete = true;
    for (const PQconninfoOption *option = url->options; option->keyword != NULL; option++) {
        if (option->val != NULL)
            is_complete = is_complete && add_option(&settings, option, url->host_count,
                                                    first_host % url->host_count);
    }
    add(&settings, "client_encoding", "UTF8");
    PGconn *pg = is_complete ? PQconnectStartParams(settings.keywords, settings.values, 0) : NULL;
    for (int i = 0; i < settings.rotated_count; i++)
        free(settings.rotated[i]);
    return pg;
}
