// SPDX-License-Identifier: MIT
#pragma once
// The settings read again, by a gateway that runs, as at its start: the same flags and variables,
// the file of --config as it is now. Of what has changed, settings that are live
// (gateway/settings/setting.h) take their new value; each other one is named in the log, for it
// needs a restart. A file with a mistake changes nothing.

#include <stdbool.h>

#include "gateway/settings/config.h"

// Waits for the file. `may_log`: false in the workers of a supervisor that says the same. True: a
// value has changed in `config`. Harmless without a file.
bool gw_config_reread(struct gw_config *config, bool may_log);
