// SPDX-License-Identifier: MIT
#pragma once
// The members of a body that hold what people write of a token. The sentence of a refusal names
// the member.

#include <stdbool.h>

#include "base/json.h"
#include "gateway/http/errors.h"

// A member `name`, as token/name.h says. False: fills *refusal, whose message is static or in
// `arena`.
bool gw_token_text_name(struct gw_arena *arena, struct gw_json value, struct gw_str *name,
                        struct gw_refusal *refusal) GW_MUST_USE;
// A member `description`.
bool gw_token_text_description(struct gw_arena *arena, struct gw_json value,
                               struct gw_str *description, struct gw_refusal *refusal) GW_MUST_USE;
// A member `boundSan`, a name as base/san.h says.
bool gw_token_text_bound_san(struct gw_arena *arena, struct gw_json value, struct gw_str *bound_san,
                             struct gw_refusal *refusal) GW_MUST_USE;
