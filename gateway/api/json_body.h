// SPDX-License-Identifier: MIT
#pragma once
// The body of a request as a JSON object, read and checked. Pure.

#include <stdbool.h>

#include "base/json.h"
#include "gateway/http/errors.h"

// False: *refusal is 400 for a body that is not JSON, 422 for one that is no object. Its message is
// static or in `arena`. `body` must outlive *root.
bool gw_json_body_parse(struct gw_arena *arena, struct gw_str body, struct gw_json *root,
                        struct gw_refusal *refusal) GW_MUST_USE;
// False: `name` is not there, or null.
bool gw_json_body_find(struct gw_json root, struct gw_str name, struct gw_json *value) GW_MUST_USE;
