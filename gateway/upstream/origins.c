// SPDX-License-Identifier: MIT
#include "gateway/upstream/origins.h"

#include <stdio.h>

#include "gateway/upstream/no_proxy.h"

// ---- the options ----

static bool is_separator(char c) {
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The next address of *text, which moves past it; empty at the end.
static struct gw_str next_url(const char **text) {
    while (is_separator(**text))
        (*text)++;
    const char *start = *text;
    while (**text != '\0' && !is_separator(**text))
        (*text)++;
    return gw_str(start, (size_t)(*text - start));
}

static enum gw_status refuse(struct gw_upstream_problem *problem, struct gw_str culprit,
                             const char *text) {
    problem->culprit = culprit;
    (void)snprintf(problem->text, sizeof(problem->text), "%s", text);
    return GW_INVALID;
}

static enum gw_status add_origin(struct gw_upstream_origins *origins, struct gw_str text,
                                 const struct gw_upstream_options *options,
                                 struct gw_upstream_problem *problem) {
    const char *why;
    struct gw_upstream_origin *origin = &origins->list[origins->count];
    if (origins->count == GW_UPSTREAM_ORIGINS_MAX)
        return refuse(problem, text, "there are too many of them");
    if (gw_upstream_url_parse(text, &origin->url, &why) != GW_OK)
        return refuse(problem, text, why);
    for (int i = 0; i < origins->count; i++) {
        if (gw_str_equal_nocase(origins->list[i].url.authority, origin->url.authority))
            return refuse(problem, text, "it is there twice");
    }
    origin->origins = origins;
    bool is_direct = !origin->url.is_tls || gw_no_proxy_has(options->no_proxy, &origin->url);
    origin->proxy = is_direct ? NULL : options->proxy;
    origins->count++;
    return GW_OK;
}

static enum gw_status add_origins(struct gw_upstream_origins *origins,
                                  const struct gw_upstream_options *options,
                                  struct gw_upstream_problem *problem) {
    for (int i = 0; i < options->text_count; i++) {
        const char *text = options->texts[i];
        for (struct gw_str url; (url = next_url(&text)).length > 0;) {
            if (add_origin(origins, url, options, problem) != GW_OK)
                return GW_INVALID;
        }
    }
    return origins->count > 0 ? GW_OK : refuse(problem, GW_STR(""), "there is no address in it");
}

static enum gw_status load_authorities(struct gw_upstream_origins *origins,
                                       const struct gw_upstream_options *options,
                                       struct gw_upstream_problem *problem) {
    const char *file = options->authorities_file;
    for (int i = 0; i < origins->count; i++) {
        if (!origins->list[i].url.is_tls)
            continue;
        problem->culprit = origins->list[i].url.authority;
        return tls_client_context_create(file != NULL ? file : TLS_AUTHORITIES_OF_SYSTEM,
                                         &origins->tls, problem->text);
    }
    return GW_OK;
}

enum gw_status gw_upstream_origins_read(struct gw_upstream_origins *origins,
                                        const struct gw_upstream_options *options,
                                        struct gw_upstream_problem *problem) {
    gw_assert(origins->count == 0);
    enum gw_status status = add_origins(origins, options, problem);
    return status == GW_OK ? load_authorities(origins, options, problem) : status;
}

void gw_upstream_origins_deinit(struct gw_upstream_origins *origins) {
    gw_assert(origins->open_count == 0);
    tls_client_context_destroy(origins->tls);
}

// ---- the lookups ----

static void on_name_resolved(struct gw_name *name) {
    struct gw_upstream_origin *origin = gw_container_of(name, struct gw_upstream_origin, name);
    origin->origins->on_resolved(origin->origins, origin);
}

void gw_upstream_origins_open(struct gw_upstream_origins *origins, uv_loop_t *loop,
                              void (*on_resolved)(struct gw_upstream_origins *origins,
                                                  struct gw_upstream_origin *origin)) {
    gw_assert(origins->count > 0 && origins->open_count == 0);
    origins->on_resolved = on_resolved;
    for (int i = 0; i < origins->count; i++) {
        struct gw_upstream_origin *origin = &origins->list[i];
        const struct gw_upstream_url *url =
            origin->proxy != NULL ? &origin->proxy->url : &origin->url;
        gw_name_open(&origin->name, loop, "upstream", url->host, url->port, on_name_resolved);
        origins->open_count++;
        (void)gw_name_refresh(&origin->name);
        if (origin->name.count > 0)
            on_resolved(origins, origin);
    }
}

static void on_name_closed(struct gw_name *name) {
    struct gw_upstream_origins *origins =
        gw_container_of(name, struct gw_upstream_origin, name)->origins;
    gw_assert(origins->open_count > 0);
    if (--origins->open_count == 0)
        origins->on_closed(origins);
}

void gw_upstream_origins_close(struct gw_upstream_origins *origins,
                               void (*on_closed)(struct gw_upstream_origins *origins)) {
    origins->on_closed = on_closed;
    for (int i = 0; i < origins->count; i++)
        gw_name_close(&origins->list[i].name, on_name_closed);
}

bool gw_upstream_origins_are_closed(const struct gw_upstream_origins *origins) {
    return origins->open_count == 0;
}

bool gw_upstream_origins_refresh(struct gw_upstream_origins *origins) {
    bool is_looking_up = false;
    for (int i = 0; i < origins->count; i++)
        is_looking_up |= gw_name_refresh(&origins->list[i].name);
    return is_looking_up;
}

bool gw_upstream_origins_are_looking_up(const struct gw_upstream_origins *origins) {
    for (int i = 0; i < origins->count; i++) {
        if (gw_name_is_looking_up(&origins->list[i].name))
            return true;
    }
    return false;
}
