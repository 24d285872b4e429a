// SPDX-License-Identifier: MIT
#pragma once
// The settings that a start would run with: each with its value and where that is from. A database
// URL is shown without its password, and of any other URL what stands in front of an @ is hidden.

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "gateway/settings/config.h"

// Three columns under a head, lined up.
enum gw_status gw_check_table_write(const struct gw_config *config, struct gw_buf *out) GW_MUST_USE;
// An array of objects: setting, value (null: none), source (flag, variable, file, default, unset),
// file and line (of a source of `file`).
void gw_check_table_write_json(const struct gw_config *config, struct gw_json_writer *json);
