// SPDX-License-Identifier: MIT
#include "cli/help.h"

#define FLAGS_OF_ALL                                                                               \
    "  --json             print the gateway's JSON instead of text\n"                              \
    "  --url <address>    address of the gateway, as https://skillreg.example.com\n"               \
    "  --ca-file <file>   trust the certificate authorities in this PEM file\n"                    \
    "  --insecure-http    allow http:// to another machine (the token goes in clear)\n"            \
    "  --help             print this text\n"

#define FLAG_EXPIRES                                                                               \
    "  --expires <when>   when it ends: 12h or 90d from now, a date (2027-01-31, as\n"             \
    "                     the day begins in UTC), or a time (2027-01-31T12:00:00Z)\n"

#define FLAG_ORG                                                                                   \
    "  --org <slug>       the organisation; without it SKILLREG_ORG, then \"org\" in\n"            \
    "                     ~/.skillreg/config.json, then the one of your own token\n"

static const char main_text[] =
    "skillreg: the API tokens of a SkillReg organisation\n"
    "\n"
    "Usage: skillreg <command> [flags]\n"
    "\n"
    "Commands:\n"
    "  token create --name <name>   create a token, and show its secret this once\n"
    "  token list                   list the tokens of the organisation\n"
    "  token rotate <id>            replace a token, the old one works on for a while\n"
    "  token revoke <id>            revoke a token, for good\n"
    "  audit                        show who created, rotated and revoked tokens\n"
    "  whoami                       show whose token this is and what it may do\n"
    "  login --token                check a token and store it for later commands\n"
    "\n"
    "Flags of every command:\n" FLAGS_OF_ALL "  --version          print the version\n"
    "\n"
    "\"skillreg token create --help\" explains one command.\n"
    "\n"
    "Settings, the first one found counts:\n"
    "  address            --url, SKILLREG_URL, \"apiUrl\" in ~/.skillreg/config.json\n"
    "  token              SKILLREG_TOKEN, \"token\" in ~/.skillreg/config.json\n"
    "  organisation       --org, SKILLREG_ORG, \"org\" in ~/.skillreg/config.json,\n"
    "                     the organisation of the token itself\n"
    "  authorities        --ca-file, SSL_CERT_FILE, those of the system\n"
    "\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 gateway not reached,\n"
    "4 revoked, but with --wait not confirmed by every gateway.\n";

static const char token_text[] =
    "Usage: skillreg token <command> [flags]\n"
    "\n"
    "Commands:\n"
    "  create --name <name>   create a token, and show its secret this once\n"
    "  list                   list the tokens of the organisation\n"
    "  rotate <id>            replace a token, the old one works on for a while\n"
    "  revoke <id>            revoke a token, for good\n"
    "\n"
    "All of them need a token with the admin scope, but for \"revoke --self\".\n"
    "\"skillreg token create --help\" explains one command.\n";

// clang-format off
static const char create_text[] =
    "Usage: skillreg token create --name <name> [--scopes <list>] [--expires <when>]\n"
    "                             [--allow-ip <network>]... [--bind-children]\n"
    "                             [--org <slug>] [--json]\n"
    "\n"
    "Creates a token and prints its secret. The secret is shown this once: if it is\n"
    "lost, revoke the token and create another.\n"
    "\n"
    "Flags:\n"
    "  --name <name>      what the token is for, 1 to 100 characters\n"
    "  --scopes <list>    read, write, admin, joined by commas; default read,write\n"
    "                       read   pull, search, list and view skills\n"
    "                       write  push skills, and all of read\n"
    "                       admin  tokens, settings and members, and all of write\n"
    FLAG_EXPIRES
    "  --allow-ip <network>\n"
    "                     the token works only from this address or network, such as\n"
    "                     192.0.2.7 or 10.0.0.0/8; give it again for more of them\n"
    "  --bind-children    tokens that it makes work only from where it does\n"
    FLAG_ORG
    FLAGS_OF_ALL
    "\n"
    "Examples:\n"
    "  skillreg token create --name bot-readonly --scopes read\n"
    "  skillreg token create --name ci-deploy --expires 90d --allow-ip 10.0.0.0/8\n";
// clang-format on

static const char list_text[] =
    "Usage: skillreg token list [--org <slug>] [--json]\n"
    "\n"
    "Lists the live tokens of the organisation, newest first. Of a secret only its\n"
    "first 12 characters are known. The last column is the id that \"skillreg token\n"
    "revoke\" takes.\n"
    "\n"
    "Flags:\n" FLAG_ORG FLAGS_OF_ALL;

// clang-format off
static const char rotate_text[] =
    "Usage: skillreg token rotate <id> [--overlap <time>] [--expires <when>]\n"
    "                             [--store] [--org <slug>] [--json]\n"
    "\n"
    "Creates a successor with the same name, scopes and networks, and prints its\n"
    "secret, this once. The old token works on for the overlap, time enough to put\n"
    "the new one in its place. The id is the last column of \"skillreg token list\".\n"
    "\n"
    "Flags:\n"
    "  --overlap <time>   how long the old token works on, as 30m, or 0; default 24h\n"
    FLAG_EXPIRES
    "  --store            put the new token in the place of the old one in\n"
    "                     ~/.skillreg/config.json, if that is the one to be rotated\n"
    FLAG_ORG
    FLAGS_OF_ALL
    "\n"
    "Example:\n"
    "  skillreg token rotate clx7f2k3a --overlap 1h\n";
// clang-format on

static const char revoke_text[] =
    "Usage: skillreg token revoke <id> [--with-successors] [--org <slug>] [--wait]\n"
    "                             [--json]\n"
    "       skillreg token revoke --self [--wait] [--json]\n"
    "\n"
    "Revokes a token. It cannot be undone. The id is the last column of \"skillreg\n"
    "token list\"; it is neither the name nor the prefix.\n"
    "\n"
    "With --self it is the token of this very call, of any scope: who finds a leaked\n"
    "one puts it into SKILLREG_TOKEN and ends it.\n"
    "\n"
    "Flags:\n"
    "  --self             the token that asks, instead of an id\n"
    "  --with-successors  also the tokens that came of it by rotation\n"
    "  --wait             until every gateway refuses it, 10 seconds at most; if one\n"
    "                     may still let it in, says until when and ends with code 4\n" FLAG_ORG
        FLAGS_OF_ALL;

static const char audit_text[] =
    "Usage: skillreg audit [--limit <n>] [--org <slug>] [--json]\n"
    "\n"
    "Shows who created, rotated, revoked and imported tokens of the organisation, and\n"
    "from which address, newest first. It needs a token with the admin scope. --json\n"
    "has the ids too.\n"
    "\n"
    "Flags:\n"
    "  --limit <n>        how many at most, 1 to 10000; default 50\n" FLAG_ORG FLAGS_OF_ALL;

static const char whoami_text[] =
    "Usage: skillreg whoami [--json]\n"
    "\n"
    "Shows whose token this is, its organisation, and what it may do.\n"
    "\n"
    "Flags:\n" FLAGS_OF_ALL;

static const char login_text[] =
    "Usage: skillreg login --token [--json]\n"
    "       skillreg login --token < file\n"
    "\n"
    "Asks for a token without showing it (or reads one line of standard input when\n"
    "that is no terminal), checks it with the gateway, and stores it in\n"
    "~/.skillreg/config.json, which only you can read. A token that is refused\n"
    "changes nothing. With --url the address is stored too, if none is there yet.\n"
    "\n"
    "Flags:\n"
    "  --token            log in with a token, the only way yet; it takes no value,\n"
    "                     for arguments can be seen by every user of a machine\n" FLAGS_OF_ALL;

const char *cli_help_text(enum cli_command command) {
    gw_assert(command < CLI_COMMAND_COUNT);
    static const char *const texts[CLI_COMMAND_COUNT] = {
        [CLI_COMMAND_NONE] = main_text,           [CLI_COMMAND_TOKEN] = token_text,
        [CLI_COMMAND_TOKEN_CREATE] = create_text, [CLI_COMMAND_TOKEN_LIST] = list_text,
        [CLI_COMMAND_TOKEN_REVOKE] = revoke_text, [CLI_COMMAND_WHOAMI] = whoami_text,
        [CLI_COMMAND_LOGIN] = login_text,         [CLI_COMMAND_TOKEN_ROTATE] = rotate_text,
        [CLI_COMMAND_AUDIT] = audit_text,
    };
    return texts[command];
}
