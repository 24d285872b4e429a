// SPDX-License-Identifier: MIT
#include "gateway/oidc/default_audience.h"

static bool strip_prefix(struct gw_str *text, struct gw_str prefix) {
    if (!gw_str_starts_with(*text, prefix))
        return false;
    *text = gw_str_slice(*text, prefix.length, text->length);
    return true;
}

// https://HOST/OWNER, and nothing behind it.
static bool is_owner_url(struct gw_str url, struct gw_str host) {
    return strip_prefix(&url, GW_STR("https://")) && strip_prefix(&url, host) &&
           strip_prefix(&url, GW_STR("/")) && url.length > 0 && gw_str_find(url, '/') == url.length;
}

// GitHub's own issuer and those of *.ghe.com begin with token.actions; a GitHub server is its own.
static bool is_github_default(struct gw_str issuer, struct gw_str audience) {
    if (!strip_prefix(&issuer, GW_STR("https://")))
        return false;
    struct gw_str host = gw_str_slice(issuer, 0, gw_str_find(issuer, '/'));
    (void)strip_prefix(&host, GW_STR("token.actions."));
    if (gw_str_equal(host, GW_STR("githubusercontent.com")))
        host = GW_STR("github.com");
    return is_owner_url(audience, host);
}

// https://oidc.circleci.com/org/ID: ID.
static bool is_circleci_default(struct gw_str issuer, struct gw_str audience) {
    return audience.length > 0 && issuer.length > audience.length &&
           issuer.at[issuer.length - audience.length - 1] == '/' &&
           gw_str_equal(gw_str_slice(issuer, issuer.length - audience.length, issuer.length),
                        audience);
}

// That of the API server of a cluster (kube-apiserver --api-audiences), by the usual names.
static bool is_kubernetes_default(struct gw_str audience) {
    return gw_str_starts_with(audience, GW_STR("https://kubernetes.default.svc")) ||
           gw_str_equal(audience, GW_STR("kubernetes.default.svc")) ||
           gw_str_equal(audience, GW_STR("api"));
}

bool gw_oidc_audience_is_default(enum gw_oidc_kind kind, struct gw_str issuer,
                                 struct gw_str audience) {
    if (gw_str_equal(issuer, audience))
        return true;
    switch (kind) {
    case GW_OIDC_GITHUB:
        return is_github_default(issuer, audience);
    case GW_OIDC_BUILDKITE:
        return is_owner_url(audience, GW_STR("buildkite.com"));
    case GW_OIDC_CIRCLECI:
        return is_circleci_default(issuer, audience);
    case GW_OIDC_KUBERNETES:
        return is_kubernetes_default(audience);
    case GW_OIDC_GITLAB:
    case GW_OIDC_SPIFFE:
    case GW_OIDC_GENERIC:
    case GW_OIDC_KIND_COUNT:
    default:
        return false;
    }
}
