// SPDX-License-Identifier: MIT
#include "gateway/operator/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/grants.h"
#include "gateway/settings/complaint.h"
#include "token/limits.h"
#include "token/name.h"
#include "token/slug.h"

#define TOKENS (GW_OPERATOR_TOKEN_CREATE | GW_OPERATOR_TOKEN_IMPORT)
#define ROLES (GW_OPERATOR_MIGRATE | GW_OPERATOR_GRANTS)
#define ALL (GW_OPERATOR_MIGRATE | GW_OPERATOR_ORG_CREATE | TOKENS)
// A thousand years: far below the last year of the API's calendar.
#define EXPIRES_MAX_MS (1000ULL * 365 * 24 * 60 * 60 * 1000)

static const char help_text[] =
    "Usage: skillreg-gateway migrate [--role <name>]\n"
    "       skillreg-gateway grants --role <name>\n"
    "       skillreg-gateway org create <slug> [--name <name>]\n"
    "       skillreg-gateway token create --org <slug> --name <name> [--scopes <list>]\n"
    "                        [--expires <duration>] [--allow-ip <range>]...\n"
    "                        [--bind-children] [--environment live|test] [--json]\n"
    "       skillreg-gateway token import --org <slug> --name <name> [--scopes <list>]\n"
    "                        [--allow-ip <range>]... [--bind-children] [--json]\n"
    "\n"
    "Straight to the database, no gateway needed.\n"
    "\n"
    "  migrate       bring the schema to the version of this program, as its owner; safe to "
    "repeat\n"
    "  grants        print the SQL that gives a role the rights to serve, and no more, for psql\n"
    "  org create    make an organisation: 2-48 of a-z 0-9 -\n"
    "  token create  make a token and print it, this once\n"
    "  token import  take a token made elsewhere, one line from standard input\n"
    "\n"
    "  --database-url <url>   libpq URI or connection string [DATABASE_URL]\n"
    "  --role <name>          who serves, not the owner; migrate: run what grants prints as well\n"
    "  --org <slug>           organisation that the token belongs to\n"
    "  --name <name>          1-100 characters (organisation: its slug if left out)\n"
    "  --scopes <list>        of read, write, admin, by comma (default: read,write)\n"
    "  --expires <duration>   as 90d, 24h, 15m (default: never)\n"
    "  --allow-ip <range>     only from there: 10.0.0.0/8, 2001:db8::/32 or an address; up to 32 "
    "times\n"
    "                         (default: from anywhere)\n"
    "  --bind-children        tokens that it makes work only from where it does\n"
    "  --environment <name>   live or test [GATEWAY_ENVIRONMENT] (default: live)\n"
    "  --json                 print the token as the API does\n"
    "\n"
    "Exit code: 0 done, 1 refused or failed, 2 wrong usage, 3 database not reachable.\n";

// Always false, so that a check can return it.
static bool complain(const char *what) {
    gw_complain("%s (see --help)", what);
    return false;
}

static bool complain_of_flag(const char *what, const char *argument) {
    gw_complain("%s: %.*s (see --help)", what, (int)strcspn(argument, "="), argument);
    return false;
}

// ---- one reader per flag; each complains itself ----

static bool read_database_url(struct gw_operator_options *options, const char *value) {
    options->database_url = value;
    return true;
}

static bool read_role(struct gw_operator_options *options, const char *value) {
    options->role = gw_str_from(value);
    return db_grants_is_role(options->role) ||
           complain("a role is 1-63 of A-Z a-z 0-9 _ . @ -, and not public, none or pg_...");
}

static bool read_slug(struct gw_operator_options *options, const char *value) {
    options->slug = gw_str_from(value);
    return gw_org_slug_valid(options->slug) ||
           complain("an organisation is 2-48 of a-z 0-9 -, first and last no hyphen");
}

static bool read_name(struct gw_operator_options *options, const char *value) {
    options->name = gw_str_from(value);
    return gw_token_name_valid(options->name) ||
           complain("a name is 1-100 characters of UTF-8, no control characters");
}

static bool read_scopes(struct gw_operator_options *options, const char *value) {
    return gw_scope_parse_list(gw_str_from(value), &options->scopes, NULL) == GW_OK ||
           complain("--scopes takes read, write and admin, separated by commas");
}

static bool read_expires(struct gw_operator_options *options, const char *value) {
    return (gw_clock_parse_duration(gw_str_from(value), &options->expires_in_ms) == GW_OK &&
            options->expires_in_ms > 0 && options->expires_in_ms <= EXPIRES_MAX_MS) ||
           complain("--expires takes a duration such as 90d, 24h or 15m");
}

static bool read_allow_ip(struct gw_operator_options *options, const char *value) {
    if (options->allowed_ip_count == GW_ALLOWED_IPS_MAX)
        return complain("--allow-ip may be given 32 times at the most");
    struct gw_ip_range *range = &options->allowed_ips[options->allowed_ip_count];
    if (gw_ip_range_parse(gw_str_from(value), range) != GW_OK)
        return complain("--allow-ip takes an address or a range such as 10.0.0.0/8");
    options->allowed_ip_count++;
    return true;
}

static bool read_environment(struct gw_operator_options *options, const char *value) {
    bool is_test = strcmp(value, "test") == 0;
    options->kind = is_test ? GW_TOKEN_TEST : GW_TOKEN_LIVE;
    return is_test || strcmp(value, "live") == 0 || complain("the environment is live or test");
}

struct flag {
    const char *name;
    unsigned commands; // that know it
    bool (*read)(struct gw_operator_options *options, const char *value);
};

static const struct flag flags[] = {
    {"--database-url", ALL, read_database_url},
    {"--role", ROLES, read_role},
    {"--org", TOKENS, read_slug},
    {"--name", GW_OPERATOR_ORG_CREATE | TOKENS, read_name},
    {"--scopes", TOKENS, read_scopes},
    {"--expires", GW_OPERATOR_TOKEN_CREATE, read_expires},
    {"--allow-ip", TOKENS, read_allow_ip},
    {"--environment", GW_OPERATOR_TOKEN_CREATE, read_environment},
};
#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

// ---- the line ----

// "--flag" or "--flag=value".
static const struct flag *find_flag(const char *argument, enum gw_operator_command command) {
    size_t length = strcspn(argument, "=");
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if ((flags[i].commands & command) != 0 && strlen(flags[i].name) == length &&
            memcmp(flags[i].name, argument, length) == 0)
            return &flags[i];
    }
    return NULL;
}

// Reads the argument at argv[*at], and its value, which may be the next one.
static bool read_argument(int argc, char **argv, int *at, struct gw_operator_options *options) {
    gw_assert(*at < argc && options->command != 0);
    const char *argument = argv[*at];
    if (strcmp(argument, "--json") == 0 && (options->command & TOKENS) != 0) {
        options->wants_json = true;
        return true;
    }
    if (strcmp(argument, "--bind-children") == 0 && (options->command & TOKENS) != 0) {
        options->binds_children = true;
        return true;
    }
    if (argument[0] != '-') {
        if (options->command != GW_OPERATOR_ORG_CREATE || options->slug.at != NULL)
            return complain("one argument too many");
        return read_slug(options, argument);
    }
    const struct flag *flag = find_flag(argument, options->command);
    if (flag == NULL)
        return complain_of_flag("unknown flag for this command", argument);
    const char *value = strchr(argument, '=');
    if (value != NULL)
        return flag->read(options, value + 1);
    if (*at + 1 >= argc)
        return complain_of_flag("this flag needs a value", flag->name);
    return flag->read(options, argv[++*at]);
}

static bool check_complete(const struct gw_operator_options *options) {
    if (options->command == GW_OPERATOR_GRANTS)
        return options->role.at != NULL || complain("--role is missing");
    if (options->database_url == NULL || *options->database_url == '\0')
        return complain("no database: give --database-url or DATABASE_URL");
    if (options->command == GW_OPERATOR_ORG_CREATE && options->slug.at == NULL)
        return complain("org create needs the slug of the organisation");
    if ((options->command & TOKENS) != 0 && options->slug.at == NULL)
        return complain("--org is missing");
    if ((options->command & TOKENS) != 0 && options->name.at == NULL)
        return complain("--name is missing");
    return true;
}

// The number of words that the command takes; 0: unknown command.
static int read_command(int argc, char **argv, enum gw_operator_command *command) {
    static const struct {
        const char *first;
        const char *second;
        enum gw_operator_command command;
    } commands[] = {
        {"migrate", NULL, GW_OPERATOR_MIGRATE},
        {"grants", NULL, GW_OPERATOR_GRANTS},
        {"org", "create", GW_OPERATOR_ORG_CREATE},
        {"token", "create", GW_OPERATOR_TOKEN_CREATE},
        {"token", "import", GW_OPERATOR_TOKEN_IMPORT},
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        bool has_second = commands[i].second != NULL;
        if (strcmp(argv[0], commands[i].first) == 0 &&
            (!has_second || (argc > 1 && strcmp(argv[1], commands[i].second) == 0))) {
            *command = commands[i].command;
            return has_second ? 2 : 1;
        }
    }
    return 0;
}

static bool read_environment_variables(struct gw_operator_options *options) {
    options->database_url = getenv("DATABASE_URL");
    const char *environment = getenv("GATEWAY_ENVIRONMENT");
    if (environment == NULL || *environment == '\0' || options->command != GW_OPERATOR_TOKEN_CREATE)
        return true;
    return read_environment(options, environment);
}

enum gw_operator_parse gw_operator_options_read(int argc, char **argv,
                                                struct gw_operator_options *options) {
    gw_assert(argc > 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(help_text, stdout);
            return GW_OPERATOR_HELP_SHOWN;
        }
    }
    *options = (struct gw_operator_options){.scopes = GW_SCOPE_READ | GW_SCOPE_WRITE};
    int at = read_command(argc, argv, &options->command);
    if (at == 0) {
        (void)complain(
            "the commands are migrate, grants, org create, token create and token import");
        return GW_OPERATOR_WRONG;
    }
    bool is_right = read_environment_variables(options);
    for (; at < argc && is_right; at++)
        is_right = read_argument(argc, argv, &at, options);
    if (!is_right || !check_complete(options))
        return GW_OPERATOR_WRONG;
    if (options->name.at == NULL)
        options->name = options->slug;
    return GW_OPERATOR_RUN;
}
