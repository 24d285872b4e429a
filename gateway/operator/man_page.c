// SPDX-License-Identifier: MIT
#include "gateway/operator/man_page.h"

#include <stdio.h>

#include "base/roff.h"
#include "gateway/operator/help.h"
#include "gateway/settings/setting.h"

#define ITEM_BYTES_MAX 512

static void put_setting(struct gw_roff *roff, const struct gw_setting *setting) {
    char term[ITEM_BYTES_MAX];
    char text[ITEM_BYTES_MAX];
    bool is_switch = setting->argument == NULL;
    int term_length = snprintf(term, sizeof(term), "%s%s%s", setting->flag, is_switch ? "" : " ",
                               is_switch ? "" : setting->argument);
    int text_length = snprintf(text, sizeof(text), "%s\n%s%s%s", setting->help, setting->variable,
                               setting->fallback == NULL ? "" : ", default ",
                               setting->fallback == NULL ? "" : setting->fallback);
    gw_assert(term_length > 0 && (size_t)term_length < sizeof(term));
    gw_assert(text_length > 0 && (size_t)text_length < sizeof(text));
    gw_roff_item(roff, term, text);
}

enum gw_status gw_operator_man_page_write(struct gw_buf *out) {
    struct gw_roff roff = {.out = out};
    const struct gw_setting *setting;
    gw_roff_begin(&roff, "skillreg-gateway", 8, GATEWAY_VERSION,
                  "checks API tokens of SkillReg, manages them, forwards to the registry");
    gw_roff_section(&roff, "SYNOPSIS");
    gw_roff_synopsis(&roff, "skillreg-gateway", " [settings]");
    gw_roff_synopsis(&roff, "skillreg-gateway", " <command> [flags]");
    gw_roff_section(&roff, "SETTINGS");
    gw_roff_text(
        &roff,
        "Every setting is a flag, an environment variable or a line of the file "
        "of --config, the first of these wins. Times are such as 300ms, 10s, 15m, 24h, 90d.");
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL; i++)
        put_setting(&roff, setting);
    gw_roff_section(&roff, "COMMANDS");
    gw_roff_lines(&roff, gw_operator_help_text());
    gw_roff_section(&roff, "SEE ALSO");
    gw_roff_text(&roff, "skillreg(1)");
    return roff.status;
}
