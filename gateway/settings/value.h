// SPDX-License-Identifier: MIT
#pragma once
// The value of a setting, from its text.

#include <stdbool.h>

#include "gateway/settings/config.h"
#include "gateway/settings/setting.h"

// False: the text has not the form of such a value. A list gets what the text has behind what it
// has already. The text outlives `config`.
bool gw_setting_set(struct gw_config *config, const struct gw_setting *setting, const char *text,
                    enum gw_setting_source source);
// Whether both have the same value of it.
bool gw_setting_is_same(const struct gw_config *config, const struct gw_config *other,
                        const struct gw_setting *setting);
// Gives `config` the value of `other`, which need not outlive it: of a setting that is live alone.
void gw_setting_copy(struct gw_config *config, const struct gw_config *other,
                     const struct gw_setting *setting);
