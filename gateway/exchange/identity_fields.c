// SPDX-License-Identifier: MIT
#include "gateway/exchange/identity_fields.h"

void gw_identity_fields_init(struct gw_identity_fields *identity,
                             const struct gw_exchange *exchange) {
    struct gw_str org = GW_STR("");
    struct gw_str id = GW_STR("");
    struct gw_str scopes = GW_STR("");
    if (exchange->has_identity) {
        org = exchange->identity.org_slug;
        id = exchange->identity.id;
        scopes = gw_str(identity->scopes,
                        gw_scope_format(exchange->identity.scopes, ",", identity->scopes));
    }
    identity->fields[0] = (struct gw_response_field){GW_STR("X-SkillReg-Org"), org};
    identity->fields[1] = (struct gw_response_field){GW_STR("X-SkillReg-Token-Id"), id};
    identity->fields[2] = (struct gw_response_field){GW_STR("X-SkillReg-Scopes"), scopes};
}
