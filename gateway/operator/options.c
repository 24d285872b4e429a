// SPDX-License-Identifier: MIT
#include "gateway/operator/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/grants.h"
#include "gateway/operator/help.h"
#include "gateway/settings/complaint.h"
#include "gateway/settings/url_file.h"
#include "token/id.h"
#include "token/limits.h"
#include "token/slug.h"

#define NEW_TOKENS (GW_OPERATOR_TOKEN_CREATE | GW_OPERATOR_TOKEN_IMPORT)
#define ROLES (GW_OPERATOR_MIGRATE | GW_OPERATOR_GRANTS)
#define LISTS (GW_OPERATOR_ORG_LIST | GW_OPERATOR_TOKEN_LIST)
#define BY_SLUG                                                                                    \
    (GW_OPERATOR_ORG_CREATE | GW_OPERATOR_ORG_SHOW | GW_OPERATOR_ORG_RENAME |                      \
     GW_OPERATOR_ORG_DELETE | GW_OPERATOR_ORG_RESTORE)
#define BY_ID (GW_OPERATOR_TOKEN_SHOW | GW_OPERATOR_TOKEN_REVOKE)
#define IN_JSON                                                                                    \
    (NEW_TOKENS | LISTS | (BY_SLUG & ~GW_OPERATOR_ORG_CREATE) | BY_ID | GW_OPERATOR_PRUNE)
#define ALL (GW_OPERATOR_MIGRATE | BY_SLUG | IN_JSON | GW_OPERATOR_TOKEN_EXPORT)
#define DEFAULT_SCOPES (GW_SCOPE_READ | GW_SCOPE_WRITE)
#define NAME_ARENA_BYTES_MAX 65536
#define DAY_MS (24ULL * 60 * 60 * 1000)
// A thousand years: far below the last year of the API's calendar.
#define EXPIRES_MAX_MS (1000ULL * 365 * 24 * 60 * 60 * 1000)

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
    options->database_url = *value == '\0' ? NULL : value;
    return true;
}

static bool read_database_url_file(struct gw_operator_options *options, const char *value) {
    options->database_url_file = value;
    return *value != '\0' || complain("--database-url-file takes the name of a file");
}

static bool read_config_file(struct gw_operator_options *options, const char *value) {
    options->config_file = value;
    return *value != '\0' || complain("--config takes the name of a file");
}

static bool read_role(struct gw_operator_options *options, const char *value) {
    options->role = gw_str_from(value);
    return db_grants_is_role(options->role) ||
           complain("--role takes 1 to 63 of A-Z a-z 0-9 _ . @ -, and not public, none or pg_...");
}

static bool read_slug(struct gw_operator_options *options, const char *value) {
    options->slug = gw_str_from(value);
    return gw_org_slug_valid(options->slug) ||
           complain(
               "the slug of an organisation is 2 to 48 of a-z 0-9 -, without a - at either end");
}

static bool keep_name(struct gw_operator_options *options, struct gw_str name) {
    gw_assert(name.length <= sizeof(options->name_bytes));
    memcpy(options->name_bytes, name.at, name.length);
    options->name = gw_str(options->name_bytes, name.length);
    return true;
}

static bool complain_of_name(enum gw_status status, const char *wrong) {
    if (status == GW_INVALID)
        gw_complain("--name %s (see --help)", wrong);
    else
        gw_complain("out of memory");
    return false;
}

static bool read_name(struct gw_operator_options *options, const char *value) {
    struct gw_arena arena;
    struct gw_str name;
    const char *wrong = "";
    gw_arena_init(&arena, NAME_ARENA_BYTES_MAX);
    enum gw_status status = gw_token_name_normalise(&arena, gw_str_from(value), &name, &wrong);
    bool is_right = status == GW_OK ? keep_name(options, name) : complain_of_name(status, wrong);
    gw_arena_deinit(&arena);
    return is_right;
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
    options->has_kind = true;
    options->kind = is_test ? GW_TOKEN_TEST : GW_TOKEN_LIVE;
    return is_test || strcmp(value, "live") == 0 ||
           complain("--environment (GATEWAY_ENVIRONMENT) takes live or test");
}

static bool read_new_slug(struct gw_operator_options *options, const char *value) {
    options->new_slug = gw_str_from(value);
    return gw_org_slug_valid(options->new_slug) ||
           complain("--slug takes 2 to 48 of a-z 0-9 -, without a - at either end");
}

static bool read_id(struct gw_operator_options *options, const char *value) {
    options->id = gw_str_from(value);
    return gw_id_valid(options->id) ||
           complain(
               "the id of a token is 1 to 32 of a-z 0-9, as token list shows it; never the token");
}

static bool read_file(struct gw_operator_options *options, const char *value) {
    options->file = value;
    return *value != '\0' || complain("--file takes the name of a file, or - for standard input");
}

static bool read_report(struct gw_operator_options *options, const char *value) {
    options->report = value;
    return *value != '\0' || complain("--report takes the name of a file");
}

static bool read_format(struct gw_operator_options *options, const char *value) {
    bool is_csv = strcmp(value, "csv") == 0;
    options->format = is_csv ? GW_BULK_CSV : GW_BULK_JSON_LINES;
    return is_csv || strcmp(value, "json") == 0 || complain("--format takes csv or json");
}

// A day at the least: the log of changes goes back that far, and 90s is soon written for 90d.
static bool read_age(const char *value, uint64_t *age_ms) {
    return (gw_clock_parse_duration(gw_str_from(value), age_ms) == GW_OK && *age_ms >= DAY_MS &&
            *age_ms <= EXPIRES_MAX_MS) ||
           complain("--audit-older-than, --revoked-older-than and --expired-older-than take a "
                    "duration such as 400d, of a day at the least");
}

static bool read_audit_age(struct gw_operator_options *options, const char *value) {
    return read_age(value, &options->audit_age_ms);
}

static bool read_revoked_age(struct gw_operator_options *options, const char *value) {
    return read_age(value, &options->revoked_age_ms);
}

static bool read_expired_age(struct gw_operator_options *options, const char *value) {
    return read_age(value, &options->expired_age_ms);
}

// ---- flags without a value ----

static bool set_json(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->wants_json = true;
}

static bool set_bind_children(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->binds_children = true;
}

static bool set_all(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->wants_all = true;
}

static bool set_yes(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->is_agreed = true;
}

static bool set_with_successors(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->with_successors = true;
}

static bool set_wait(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->waits = true;
}

static bool set_dry_run(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->is_dry_run = true;
}

static bool set_with_digests(struct gw_operator_options *options, const char *value) {
    (void)value;
    return options->with_digests = true;
}

struct flag {
    const char *name;
    unsigned commands; // that know it
    bool has_value;
    bool (*read)(struct gw_operator_options *options, const char *value);
};

static const struct flag flags[] = {
    {"--config", ALL, true, read_config_file},
    {"--database-url", ALL, true, read_database_url},
    {"--database-url-file", ALL, true, read_database_url_file},
    {"--role", ROLES, true, read_role},
    {"--org", NEW_TOKENS | BY_ID | GW_OPERATOR_TOKEN_LIST | GW_OPERATOR_TOKEN_EXPORT, true,
     read_slug},
    {"--slug", GW_OPERATOR_ORG_RENAME, true, read_new_slug},
    {"--name", GW_OPERATOR_ORG_CREATE | GW_OPERATOR_ORG_RENAME | NEW_TOKENS, true, read_name},
    {"--scopes", NEW_TOKENS, true, read_scopes},
    {"--expires", GW_OPERATOR_TOKEN_CREATE, true, read_expires},
    {"--allow-ip", NEW_TOKENS, true, read_allow_ip},
    {"--environment", GW_OPERATOR_TOKEN_CREATE, true, read_environment},
    {"--file", GW_OPERATOR_TOKEN_IMPORT, true, read_file},
    {"--report", GW_OPERATOR_TOKEN_IMPORT, true, read_report},
    {"--format", GW_OPERATOR_TOKEN_IMPORT | GW_OPERATOR_TOKEN_EXPORT, true, read_format},
    {"--json", IN_JSON, false, set_json},
    {"--bind-children", NEW_TOKENS, false, set_bind_children},
    {"--all", LISTS, false, set_all},
    {"--yes", GW_OPERATOR_ORG_DELETE, false, set_yes},
    {"--with-successors", GW_OPERATOR_TOKEN_REVOKE, false, set_with_successors},
    {"--wait", GW_OPERATOR_TOKEN_REVOKE, false, set_wait},
    {"--dry-run", GW_OPERATOR_TOKEN_IMPORT | GW_OPERATOR_PRUNE, false, set_dry_run},
    {"--audit-older-than", GW_OPERATOR_PRUNE, true, read_audit_age},
    {"--revoked-older-than", GW_OPERATOR_PRUNE, true, read_revoked_age},
    {"--expired-older-than", GW_OPERATOR_PRUNE, true, read_expired_age},
    {"--with-digests", GW_OPERATOR_TOKEN_EXPORT, false, set_with_digests},
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

// The slug or the id that the command is about.
static bool read_subject(struct gw_operator_options *options, const char *argument) {
    if ((options->command & BY_SLUG) != 0 && options->slug.at == NULL)
        return read_slug(options, argument);
    if ((options->command & BY_ID) != 0 && options->id.at == NULL)
        return read_id(options, argument);
    return complain("one argument too many");
}

// Reads the argument at argv[*at], and its value, which may be the next one.
static bool read_argument(int argc, char **argv, int *at, struct gw_operator_options *options) {
    gw_assert(*at < argc && options->command != 0);
    const char *argument = argv[*at];
    if (argument[0] != '-')
        return read_subject(options, argument);
    const struct flag *flag = find_flag(argument, options->command);
    if (flag == NULL)
        return complain_of_flag("unknown flag for this command", argument);
    const char *value = strchr(argument, '=');
    if (!flag->has_value && value != NULL)
        return complain_of_flag("this flag takes no value", flag->name);
    if (!flag->has_value)
        return flag->read(options, NULL);
    if (value != NULL)
        return flag->read(options, value + 1);
    if (*at + 1 >= argc)
        return complain_of_flag("this flag needs a value", flag->name);
    return flag->read(options, argv[++*at]);
}

// ---- what belongs together ----

// Of a single token, from a line of standard input.
static bool check_import_of_one(const struct gw_operator_options *options) {
    if (options->report != NULL || options->format != GW_BULK_BY_CONTENT || options->is_dry_run)
        return complain("--report, --format and --dry-run go with --file");
    return true;
}

static bool check_import_of_many(const struct gw_operator_options *options) {
    if (options->name.at != NULL || options->allowed_ip_count > 0 || options->binds_children ||
        options->scopes != DEFAULT_SCOPES)
        return complain("with --file, names, scopes and addresses stand in the file");
    return true;
}

static bool check_new_token(const struct gw_operator_options *options) {
    if (options->file != NULL)
        return check_import_of_many(options);
    if (options->slug.at == NULL)
        return complain("--org is missing");
    if (options->name.at == NULL)
        return complain("--name is missing");
    return check_import_of_one(options);
}

static bool check_complete(const struct gw_operator_options *options) {
    if (options->command == GW_OPERATOR_GRANTS)
        return options->role.at != NULL || complain("--role is missing");
    if (options->database_url == NULL)
        return complain(
            "no database: give --database-url or --database-url-file, or set DATABASE_URL "
            "or DATABASE_URL_FILE");
    if ((options->command & BY_SLUG) != 0 && options->slug.at == NULL)
        return complain("the slug of the organisation is missing");
    if ((options->command & BY_ID) != 0 && options->id.at == NULL)
        return complain("the id of the token is missing");
    if (options->command == GW_OPERATOR_ORG_RENAME && options->new_slug.at == NULL &&
        options->name.at == NULL)
        return complain("org rename needs --slug, --name or both");
    if (options->command == GW_OPERATOR_PRUNE &&
        options->audit_age_ms + options->revoked_age_ms + options->expired_age_ms == 0)
        return complain("prune needs --audit-older-than, --revoked-older-than or "
                        "--expired-older-than");
    return (options->command & NEW_TOKENS) == 0 || check_new_token(options);
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
        {"prune", NULL, GW_OPERATOR_PRUNE},
        {"org", "create", GW_OPERATOR_ORG_CREATE},
        {"org", "list", GW_OPERATOR_ORG_LIST},
        {"org", "show", GW_OPERATOR_ORG_SHOW},
        {"org", "rename", GW_OPERATOR_ORG_RENAME},
        {"org", "delete", GW_OPERATOR_ORG_DELETE},
        {"org", "restore", GW_OPERATOR_ORG_RESTORE},
        {"token", "create", GW_OPERATOR_TOKEN_CREATE},
        {"token", "list", GW_OPERATOR_TOKEN_LIST},
        {"token", "show", GW_OPERATOR_TOKEN_SHOW},
        {"token", "revoke", GW_OPERATOR_TOKEN_REVOKE},
        {"token", "import", GW_OPERATOR_TOKEN_IMPORT},
        {"token", "export", GW_OPERATOR_TOKEN_EXPORT},
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

// NULL when it is not set, or empty.
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

// What flags have not said: a variable wins over the file.
static void take_if_missing(const struct gw_operator_options *options, const char *name,
                            const char *key, const char **value) {
    if (*value == NULL)
        *value = variable(name);
    if (*value == NULL && options->config_file != NULL)
        *value = gw_config_source_value(&options->config, key);
}

static bool take_environment(struct gw_operator_options *options) {
    const char *environment = NULL;
    if (options->command != GW_OPERATOR_TOKEN_CREATE || options->has_kind)
        return true;
    take_if_missing(options, "GATEWAY_ENVIRONMENT", "environment", &environment);
    return environment == NULL || read_environment(options, environment);
}

static bool read_other_sources(struct gw_operator_options *options) {
    char problem[GW_CONFIG_PROBLEM_BYTES];
    if (options->config_file == NULL)
        options->config_file = variable("GATEWAY_CONFIG");
    if (options->config_file != NULL &&
        gw_config_source_read(options->config_file, &options->config, problem) != GW_OK) {
        gw_complain("%s", problem);
        return false;
    }
    take_if_missing(options, "DATABASE_URL", "database-url", &options->database_url);
    take_if_missing(options, "DATABASE_URL_FILE", "database-url-file", &options->database_url_file);
    return take_environment(options);
}

static bool take_database_url(struct gw_operator_options *options) {
    const struct gw_url_file file = {"--database-url (DATABASE_URL)",
                                     "--database-url-file (DATABASE_URL_FILE)",
                                     options->database_url_file};
    if (options->command == GW_OPERATOR_GRANTS)
        return true;
    if (options->config_file != NULL && gw_config_source_shows_secret(&options->config))
        gw_complain("warning: everybody on this machine can read %s (chmod o-r)",
                    options->config_file);
    if (!gw_url_file_take(&file, &options->database_url_line, &options->database_url))
        return false;
    if (options->database_url_line.is_public)
        gw_complain("warning: everybody on this machine can read %s (chmod o-r)", file.path);
    return true;
}

enum gw_operator_parse gw_operator_options_read(int argc, char **argv,
                                                struct gw_operator_options *options) {
    gw_assert(argc > 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            gw_operator_help_show();
            return GW_OPERATOR_HELP_SHOWN;
        }
    }
    *options = (struct gw_operator_options){.scopes = DEFAULT_SCOPES};
    int at = read_command(argc, argv, &options->command);
    if (at == 0) {
        (void)complain(
            "unknown command: there are migrate, grants, prune, org create, list, show, rename, "
            "delete and restore, "
            "token create, list, show, revoke, import and export");
        return GW_OPERATOR_WRONG;
    }
    bool is_right = true;
    for (; at < argc && is_right; at++)
        is_right = read_argument(argc, argv, &at, options);
    if (!is_right || !read_other_sources(options) || !take_database_url(options) ||
        !check_complete(options))
        return GW_OPERATOR_WRONG;
    if (options->command == GW_OPERATOR_ORG_CREATE && options->name.at == NULL)
        options->name = options->slug;
    return GW_OPERATOR_RUN;
}
