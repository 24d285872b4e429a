// SPDX-License-Identifier: MIT
#pragma once
// token create, and token import of a single token: a new row for a secret that is shown this once,
// or that somebody has already.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_token_create(const struct gw_operator_options *options);
// Asks for the token before the database is opened, as its connection may start threads.
enum gw_operator_exit gw_operator_token_import(const struct gw_operator_options *options);
