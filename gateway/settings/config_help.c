// SPDX-License-Identifier: MIT
#include "gateway/settings/config_help.h"

#include <stdio.h>
#include <string.h>

#include "gateway/settings/setting.h"

#define HELP_INDENT 37
#define HELP_COLUMNS 72 // of text beside the flag

// A line ends at a space.
static void print_wrapped(const char *text) {
    size_t length = strlen(text);
    while (length > HELP_COLUMNS) {
        size_t end = HELP_COLUMNS;
        while (end > 0 && text[end] != ' ')
            end--;
        if (end == 0)
            break;
        printf("%.*s\n%*s", (int)end, text, HELP_INDENT, "");
        text += end + 1;
        length -= end + 1;
    }
    puts(text);
}

static void print_setting(const struct gw_setting *setting) {
    char left[64];
    snprintf(left, sizeof(left), "%s%s%s", setting->flag, setting->argument != NULL ? " " : "",
             setting->argument != NULL ? setting->argument : "");
    printf("  %-34s ", left);
    print_wrapped(setting->help);
    printf("%*s  %s", HELP_INDENT, "", setting->variable);
    if (setting->fallback != NULL)
        printf(", default %s", setting->fallback);
    putchar('\n');
}

void gw_config_help_print(void) {
    puts("SkillReg token gateway: checks API tokens, manages them, forwards to the registry.\n"
         "\n"
         "usage: skillreg-gateway [settings]                 run the gateway\n"
         "       skillreg-gateway check [settings] [--json]  say what it would run with, and try "
         "it\n"
         "       skillreg-gateway migrate                    bring the database schema up to date\n"
         "       skillreg-gateway grants --role <name>       print the rights of a role that "
         "serves\n"
         "       skillreg-gateway prune --help               delete old rows and events\n"
         "       skillreg-gateway org create <slug>          make an organisation\n"
         "       skillreg-gateway org list                   show those that there are\n"
         "       skillreg-gateway org show <slug>            show one\n"
         "       skillreg-gateway org rename <slug>          give it another slug or name\n"
         "       skillreg-gateway org delete <slug>          refuse all its tokens\n"
         "       skillreg-gateway org restore <slug>         undo that\n"
         "       skillreg-gateway token create --org <slug> --name <name> [--scopes <list>]\n"
         "       skillreg-gateway token list [--org <slug>]  show the live tokens\n"
         "       skillreg-gateway token show <id>            show one\n"
         "       skillreg-gateway token revoke <id>          refuse it, for good\n"
         "       skillreg-gateway token import --org <slug> --name <name> [--scopes <list>]\n"
         "       skillreg-gateway token import --file <file> take in many\n"
         "       skillreg-gateway token export               print the live ones as such a file\n"
         "       skillreg-gateway healthcheck                exit 0 when the gateway answers\n"
         "\n"
         "Each command has its own --help. Every setting is a flag, an environment variable or a "
         "line\n"
         "of the file of --config, the first of these wins. Times are such as 300ms, 10s, 15m, "
         "24h, 90d.\n");
    const struct gw_setting *setting;
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL; i++)
        print_setting(setting);
    puts("  --help, --version");
}
