// SPDX-License-Identifier: MIT
#include "gateway/oidc/algorithm.h"

static const struct {
    struct gw_str name;
    enum gw_jwk_algorithm algorithm;
} names[] = {
    {GW_STR_INIT("RS256"), GW_JWK_RS256}, {GW_STR_INIT("RS384"), GW_JWK_RS384},
    {GW_STR_INIT("RS512"), GW_JWK_RS512}, {GW_STR_INIT("PS256"), GW_JWK_PS256},
    {GW_STR_INIT("ES256"), GW_JWK_ES256}, {GW_STR_INIT("ES384"), GW_JWK_ES384},
    {GW_STR_INIT("EdDSA"), GW_JWK_EDDSA}, {GW_STR_INIT("Ed25519"), GW_JWK_EDDSA},
};

bool gw_jwk_algorithm_find(struct gw_str name, enum gw_jwk_algorithm *algorithm) {
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!gw_str_equal(name, names[i].name))
            continue;
        *algorithm = names[i].algorithm;
        return true;
    }
    return false;
}
