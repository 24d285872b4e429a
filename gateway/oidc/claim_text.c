// SPDX-License-Identifier: MIT
#include "gateway/oidc/claim_text.h"

#include "gateway/oidc/claims.h"

static bool strip_prefix(struct gw_str *text, struct gw_str prefix) {
    if (!gw_str_starts_with(*text, prefix))
        return false;
    *text = gw_str_slice(*text, prefix.length, text->length);
    return true;
}

// The element up to the next '/'; false where there is no '/'.
static bool take_segment(struct gw_str *rest, struct gw_str *segment) {
    size_t length = gw_str_find(*rest, '/');
    if (length == rest->length)
        return false;
    *segment = gw_str_slice(*rest, 0, length);
    *rest = gw_str_slice(*rest, length + 1, rest->length);
    return true;
}

static bool ends_with(struct gw_str text, struct gw_str end) {
    return text.length >= end.length &&
           gw_str_equal(gw_str_slice(text, text.length - end.length, text.length), end);
}

// OWNER/REPO/.github/workflows/FILE@refs/...: no part before the ref has a '/' in it, and a ref may
// hold anything, so the first ones count. The repository has to be that of the token.
static bool split_workflow(struct gw_str text, struct gw_str repository, struct gw_str *file,
                           struct gw_str *ref) {
    const struct gw_str at_refs = GW_STR("@refs");
    if (!gw_str_equal_nocase(gw_str_slice(text, 0, repository.length), repository))
        return false;
    text = gw_str_slice(text, repository.length, text.length);
    if (!strip_prefix(&text, GW_STR("/.github/workflows/")))
        return false;
    struct gw_str rest = text;
    if (!take_segment(&rest, file) || !ends_with(*file, at_refs) ||
        file->length == at_refs.length || rest.length == 0)
        return false;
    *file = gw_str_slice(*file, 0, file->length - at_refs.length);
    *ref = gw_str_slice(text, file->length + 1, text.length);
    return true;
}

static enum gw_status workflow_part(const struct gw_jwt *jwt, struct gw_arena *arena, bool is_file,
                                    struct gw_str *text) {
    struct gw_str repository;
    struct gw_str file;
    struct gw_str ref;
    enum gw_status status = gw_oidc_claim(jwt, arena, GW_STR("repository"), &repository);
    if (status != GW_OK)
        return status;
    if (!split_workflow(*text, repository, &file, &ref))
        return GW_NOT_FOUND;
    *text = is_file ? file : ref;
    return GW_OK;
}

// system:serviceaccount:NAMESPACE:NAME; neither holds a ':'.
static enum gw_status account_part(struct gw_str *text, bool is_namespace) {
    struct gw_str rest = *text;
    struct gw_str namespace;
    struct gw_str name;
    if (!strip_prefix(&rest, GW_STR("system:serviceaccount:")) ||
        !gw_str_next(&rest, ':', &namespace) || !gw_str_next(&rest, ':', &name) ||
        rest.at != NULL || namespace.length == 0 || name.length == 0)
        return GW_NOT_FOUND;
    *text = is_namespace ? namespace : name;
    return GW_OK;
}

enum gw_status gw_oidc_claim_text(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                                  struct gw_arena *arena, struct gw_str name, struct gw_str *text) {
    const struct gw_oidc_claim_kind *claim = gw_oidc_claim_kind_find(kind, name);
    enum gw_status status = gw_oidc_claim(jwt, arena, claim != NULL ? claim->path : name, text);
    if (status != GW_OK || claim == NULL)
        return status;
    switch (claim->source) {
    case GW_OIDC_WORKFLOW_FILE:
    case GW_OIDC_WORKFLOW_REF:
        return workflow_part(jwt, arena, claim->source == GW_OIDC_WORKFLOW_FILE, text);
    case GW_OIDC_ACCOUNT_NAMESPACE:
    case GW_OIDC_ACCOUNT_NAME:
        return account_part(text, claim->source == GW_OIDC_ACCOUNT_NAMESPACE);
    case GW_OIDC_AS_IT_IS:
    default:
        return GW_OK;
    }
}
