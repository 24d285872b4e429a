// SPDX-License-Identifier: MIT
#include "gateway/identity_fields.h"

void gw_identity_fields_init(struct gw_identity_fields *identity,
                             const struct gw_exchange *exchange) {
    identity->count = 0;
    if (!exchange->has_identity)
        return;
    size_t length = gw_scope_format(exchange->identity.scopes, ",", identity->scopes);
    struct gw_str scopes = gw_str(identity->scopes, length);
    identity->fields[0] =
        (struct gw_response_field){GW_STR("X-SkillReg-Org"), exchange->identity.org_slug};
    identity->fields[1] =
        (struct gw_response_field){GW_STR("X-SkillReg-Token-Id"), exchange->identity.id};
    identity->fields[2] = (struct gw_response_field){GW_STR("X-SkillReg-Scopes"), scopes};
    identity->count = GW_IDENTITY_FIELDS_MAX;
}
