// SPDX-License-Identifier: MIT
#include "gateway/issuers/discovery.h"

#include "base/json.h"
#include "gateway/upstream/url.h"

static enum gw_status refuse(const char *why, const char **problem) {
    *problem = why;
    return GW_INVALID;
}

bool gw_discovery_is_same_origin(struct gw_str one, struct gw_str other) {
    struct gw_upstream_url first;
    struct gw_upstream_url second;
    const char *problem;
    return gw_upstream_url_parse(one, &first, &problem) == GW_OK &&
           gw_upstream_url_parse(other, &second, &problem) == GW_OK &&
           gw_str_equal_nocase(gw_str_from(first.host), gw_str_from(second.host)) &&
           first.port == second.port;
}

// NULL: it is missing, or no text.
static struct gw_str text_of(struct gw_json document, struct gw_str name, struct gw_arena *arena) {
    struct gw_json value;
    struct gw_str text;
    if (!gw_json_member(document, name, &value) || gw_json_string(value, arena, &text) != GW_OK)
        return gw_str(NULL, 0);
    return text;
}

enum gw_status gw_discovery_read(struct gw_arena *arena, struct gw_str document,
                                 struct gw_str issuer, struct gw_issuer_url *keys,
                                 const char **problem) {
    struct gw_json root;
    struct gw_issuer_url own;
    struct gw_issuer_url found;
    enum gw_status status = gw_json_parse(arena, document, GW_JSON_TOKENS_MAX, &root, NULL);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK || gw_json_type(root) != GW_JSON_OBJECT)
        return refuse("its discovery document is no JSON object", problem);
    if (!gw_str_equal(text_of(root, GW_STR("issuer"), arena), issuer))
        return refuse("its discovery document names another issuer", problem);
    struct gw_str place = text_of(root, GW_STR("jwks_uri"), arena);
    if (place.at == NULL)
        return refuse("its discovery document has no jwks_uri", problem);
    if (gw_issuer_url_split(place, true, &found, problem) != GW_OK)
        return refuse("the jwks_uri of its discovery document is no https URL", problem);
    if (gw_issuer_url_split(issuer, false, &own, problem) != GW_OK ||
        !gw_discovery_is_same_origin(own.origin, found.origin))
        return refuse("the jwks_uri of its discovery document is on another host: if it is right, "
                      "name it in `keys`",
                      problem);
    *keys = found;
    return GW_OK;
}
