// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <string.h>

#include "base/str.h"
#include "cli/outcome.h"

#define EXIT_CODE_LINE(id, number, name, meaning) "  " #number "  " meaning "\n"
#define EXIT_CODES CLI_EXITS(EXIT_CODE_LINE)

static const struct cli_command_row rows[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_NONE] =
        {
            .words = "",
            .summary = "the API tokens of a SkillReg organisation",
            .group = true,
            .notes =
                "\"skillreg token create --help\" explains one command.\n"
                "\n"
                "Settings, the first one found counts:\n"
                "  address            --url, SKILLREG_URL, \"apiUrl\" in "
                "~/.skillreg/config.json\n"
                "  token              SKILLREG_TOKEN, what \"login\" stored for this very "
                "address\n"
                "  organisation       --org, SKILLREG_ORG, \"org\" in ~/.skillreg/config.json,\n"
                "                     the organisation of the token itself\n"
                "  authorities        --ca-file, SSL_CERT_FILE, those of the system\n"
                "The file is SKILLREG_CONFIG, if that is set, or skillreg/config.json below "
                "XDG_CONFIG_HOME, if it is there; its \"org\" belongs to its \"apiUrl\".\n"
                "\n"
                "Exit codes:\n" EXIT_CODES "\n"
                "Errors go to stderr, with --json as {\"error\":{\"code\",\"message\",...}}.\n",
        },
    [CLI_COMMAND_TOKEN] =
        {
            .words = "token",
            .summary = "create, list, show, change, rotate and revoke tokens",
            .group = true,
            .notes = "All of them need a token with the admin scope, but for \"revoke --self\" and "
                     "\"rotate --self\".\n"
                     "\"skillreg token create --help\" explains one command.\n",
        },
    [CLI_COMMAND_TOKEN_CREATE] =
        {
            .words = "token create",
            .instead = "new add make issue generate",
            .summary = "create a token, and show its secret this once",
            .text = "Creates a token and prints its secret. The secret is shown this once: if it "
                    "is lost, revoke the token and create another.\n",
            .examples = "skillreg token create --name bot-readonly --scopes read\n"
                        "skillreg token create --name ci-deploy --expires 90d --allow-ip "
                        "10.0.0.0/8\n",
        },
    [CLI_COMMAND_TOKEN_LIST] =
        {
            .words = "token list",
            .alias = "token ls",
            .summary = "list the tokens of the organisation",
            .text = "Lists the live tokens of the organisation, newest first. Of a secret only its "
                    "first 12 characters are known. The last column is the id that \"skillreg "
                    "token revoke\" takes.\n",
        },
    [CLI_COMMAND_TOKEN_SHOW] =
        {
            .words = "token show",
            .instead = "get view info describe inspect",
            .summary = "show one token, live or not",
            .operand = "<id>",
            .operand_kind = CLI_VALUE_TOKEN_ID,
            .operands_max = 1,
            .text = "Shows what is known of a token: what it may do, who made it, when it was last "
                    "used and ends, and, of one that is revoked or expired, why. The id is the "
                    "last column of \"skillreg token list\".\n",
        },
    [CLI_COMMAND_TOKEN_UPDATE] =
        {
            .words = "token update",
            .instead = "change edit modify set rename patch restrict",
            .summary = "change a token: its words, or less that it may do",
            .operand = "<id>",
            .operand_kind = CLI_VALUE_TOKEN_ID,
            .operands_max = 1,
            .text = "Changes what is said of a live token, or makes it do less: an earlier end, "
                    "fewer scopes, networks within those that it has; never more, which takes a "
                    "new token. What is not named stays. Its secret stays the same. The id is the "
                    "last column of \"skillreg token list\".\n",
            .examples = "skillreg token update clx7f2k3a --name ci-nightly\n"
                        "skillreg token update clx7f2k3a --expires 1w --scopes read --wait\n",
        },
    [CLI_COMMAND_TOKEN_ROTATE] =
        {
            .words = "token rotate",
            .instead = "renew refresh roll regenerate replace",
            .summary = "replace a token, the old one works on for a while",
            .operand = "<id>",
            .operand_kind = CLI_VALUE_TOKEN_ID,
            .operands_max = 1,
            .usage = {"<id> [--overlap <time>] [--expires <when>] [--store] [--quiet] "
                      "[--output <form>] [--org <slug>] [--json]",
                      "--self [--overlap <time>] [--expires <when>] [--store] [--quiet] "
                      "[--output <form>] [--json]"},
            .text = "Creates a successor with the same name, scopes and networks, and prints its "
                    "secret, this once. The old token works on for the overlap, time enough to put "
                    "the new one in its place. The id is the last column of \"skillreg token "
                    "list\".\n"
                    "\n"
                    "With --self it is the token of this very call, of any scope, if it was made "
                    "with --self-rotate.\n",
            .examples = "skillreg token rotate clx7f2k3a --overlap 1h\n"
                        "skillreg token rotate --self --store\n",
        },
    [CLI_COMMAND_TOKEN_REVOKE] =
        {
            .words = "token revoke",
            .alias = "token rm",
            .instead = "delete del remove destroy invalidate",
            .summary = "revoke a token, for good",
            .operand = "<id>",
            .operand_kind = CLI_VALUE_TOKEN_ID,
            .operands_max = CLI_REVOKE_IDS_MAX,
            .usage =
                {"(<id> | <name>) [--with-successors] [--chain] [--with-rules] [--last] [--yes] "
                 "[--org <slug>] [--wait] [--json]",
                 "<id> <id>... [--with-rules] [--last] [--org <slug>] [--wait] [--json]",
                 "--older-than <time> [--unused <time>] [--name <text>] [--scope <scope>] "
                 "[--dry-run] "
                 "[--yes] [--with-rules] [--last] [--org <slug>] [--wait] [--json]",
                 "--self [--with-rules] [--wait] [--json]"},
            .text =
                "Revokes a token. It cannot be undone. The id is the last column of \"skillreg "
                "token list\"; the name does as well, when one live token alone has it, after a "
                "question or with --yes; the prefix does not. Several ids are revoked together; "
                "if one is not found, the others are.\n"
                "\n"
                "Rules of trust that the token made go on, and give tokens still: they are named, "
                "and --with-rules ends them and what they gave. Revoke the token of a thief so.\n"
                "\n"
                "With --older-than, --unused or both it is every live token of which that is "
                "true; --name and --scope make them fewer. They are shown and asked about at a "
                "terminal; elsewhere it takes --yes. The token of this very call is left "
                "out.\n"
                "\n"
                "With --self it is the token of this very call, of any scope: who finds a "
                "leaked one puts it into SKILLREG_TOKEN and ends it.\n",
            .examples = "skillreg token revoke --unused 90d --dry-run\n",
        },
    [CLI_COMMAND_TRUST] =
        {
            .words = "trust",
            .summary = "let CI jobs and workloads get tokens by their identity",
            .group = true,
            .notes = "All of them need a token with the admin scope.\n"
                     "\"skillreg trust add --help\" explains one command.\n",
        },
    [CLI_COMMAND_TRUST_ADD] =
        {
            .words = "trust add",
            .instead = "new create make allow",
            .summary = "trust an identity: its jobs get tokens without a stored secret",
            .operand = "<kind> [<name>]",
            .operand_kind = CLI_VALUE_TEXT,
            .operands_max = 2,
            .usage = {"<kind> [<name>] [--workflow <file>] [--environment <name>] [--ref <ref>] "
                      "[--claim <name=value>]... [--scopes <list>] [--expires <time>] [--allow-ip "
                      "<network>]... [--issuer <name>] [--org <slug>] [--json]"},
            .text =
                "Makes a rule: whoever has an identity token of that issuer, with these claims, "
                "gets a token of the organisation for it, which lives for minutes. The "
                "operator of the gateway says which issuers there are.\n"
                "\n"
                "The name is, of github, <owner>/<repository>; of gitlab <group>/<project>; of "
                "kubernetes <namespace>/<service account>; of spiffe its whole id. Of other "
                "kinds there is none, and --claim says all.\n"
                "\n"
                "The token that asks must have no end and no networks, because its rules "
                "live on.\n",
            .examples =
                "skillreg trust add github acme/tools --workflow publish.yml --scopes write\n"
                "skillreg trust add kubernetes ci/publisher --expires 1h\n"
                "skillreg trust add gitlab acme/tools --claim ref_protected=true\n",
        },
    [CLI_COMMAND_TRUST_LIST] =
        {
            .words = "trust list",
            .alias = "trust ls",
            .summary = "list whose identities get tokens",
            .text =
                "Lists the rules of trust of the organisation, newest first. The last column is "
                "the id that \"skillreg trust remove\" takes. The tokens that rules gave are "
                "listed by \"skillreg token list --minted\".\n",
        },
    [CLI_COMMAND_TRUST_SHOW] =
        {
            .words = "trust show",
            .instead = "get view info describe inspect",
            .summary = "show one rule, and how much it is used",
            .operand = "<id>",
            .operand_kind = CLI_VALUE_TEXT,
            .operands_max = 1,
            .text = "Shows what a rule says, who made it, and how many tokens it gave. The id is "
                    "the last column of \"skillreg trust list\".\n",
        },
    [CLI_COMMAND_TRUST_REMOVE] =
        {
            .words = "trust remove",
            .alias = "trust rm",
            .instead = "delete del revoke destroy",
            .summary = "remove a rule, and end its tokens",
            .operand = "<id>",
            .operand_kind = CLI_VALUE_TEXT,
            .operands_max = 1,
            .text = "Removes a rule: it gives no token from then on, and those that it gave end. "
                    "The id is the last column of \"skillreg trust list\".\n",
        },
    [CLI_COMMAND_TRUST_TEST] =
        {
            .words = "trust test",
            .instead = "check try verify explain",
            .summary = "tell which rule an identity token meets",
            .text = "Reads an identity token from standard input, and tells what the gateway "
                    "thinks of it: what is wrong with it, what it says, and of each rule that is "
                    "about it whether it is met, else which claim differs. Nothing is exchanged, "
                    "and the token is not printed. Ends with 1 when no rule would give it a token. "
                    "It needs a token with the admin scope.\n",
            .examples = "skillreg trust test < /var/run/secrets/skillreg/token\n",
        },
    [CLI_COMMAND_AUDIT] =
        {
            .words = "audit",
            .instead = "log logs history events",
            .summary = "show who created, rotated and revoked tokens",
            .text = "Shows who created, rotated, revoked and imported tokens of the organisation, "
                    "and from which address, newest first; the ends that came by themselves too. "
                    "It needs a token with the admin scope.\n",
        },
    [CLI_COMMAND_WHOAMI] =
        {
            .words = "whoami",
            .instead = "me status whoiam",
            .summary = "show whose token this is and what it may do",
            .text = "Shows whose token this is, its organisation, and what it may do.\n",
        },
    [CLI_COMMAND_LOGIN] =
        {
            .words = "login",
            .instead = "auth signin configure",
            .summary = "get a token and store it for later commands",
            .usage = {"[--json]", "--token [--json]", "--token < file",
                      "--oidc [--scopes <list>] [--id-token-file <file>] [--org <slug>] [--json]"},
            .text =
                "Shows a code and where to go with it, and waits until somebody who may approves "
                "it: on that page, or with \"skillreg approve\". The token that the gateway then "
                "gives is stored as below. It needs a terminal.\n"
                "\n"
                "With --token it asks for a token without showing it (or reads one line of "
                "standard input when "
                "that is no terminal), checks it with the gateway, and stores it in "
                "~/.skillreg/config.json, which only you can read, together with the address "
                "that it was checked with. It is sent to that address and to no other. A token "
                "that is refused changes nothing.\n"
                "\n"
                "With --oidc nothing is asked: the gateway gives a CI job or a workload, for "
                "the identity token that its platform made for it, a token of the organisation "
                "that ends by itself, soon. \"skillreg exec\" keeps such a token to one command "
                "and revokes it.\n",
        },
    [CLI_COMMAND_LOGOUT] =
        {
            .words = "logout",
            .summary = "forget the token that login stored",
            .text = "Takes the stored token of this address out of ~/.skillreg/config.json; what "
                    "else stands there, and the tokens of other addresses, stay. With --revoke the "
                    "gateway revokes the token first; if it cannot be asked, the token stays. "
                    "When nothing is stored, that is no failure.\n",
        },
    [CLI_COMMAND_APPROVE] =
        {
            .words = "approve",
            .instead = "confirm accept grant",
            .summary = "give a token to somebody who runs skillreg login",
            .operand = "<code>",
            .operand_kind = CLI_VALUE_TEXT,
            .operands_max = 1,
            .text = "Shows who waits with this code: from which address, with which program, since "
                    "when; asks, and approves it: their \"skillreg login\" gets a token of your "
                    "organisation. It needs a token with the admin scope, and what it gives may "
                    "do no more than that one and ends no later.\n"
                    "\n"
                    "Approve a code only if the person who has it on their own screen, now, asked "
                    "you. A code that came in a message may be a stranger's, who would get in.\n",
            .examples = "skillreg approve BCDF-2345\n"
                        "skillreg approve BCDF-2345 --scopes write --expires 8h --name \"Ada "
                        "Lovelace\"\n",
        },
    [CLI_COMMAND_EXEC] =
        {
            .words = "exec",
            .instead = "run with",
            .summary = "run a command with a token of its own",
            .operand = "-- <command>",
            .operand_kind = CLI_VALUE_FILE,
            .operands_max = CLI_OPERANDS_MAX,
            .usage = {"--oidc [--scopes <list>] [--id-token-file <file>] [--org <slug>] -- "
                      "<command> [<argument>...]"},
            .text =
                "Runs a command that has a token of the organisation in its environment, as "
                "SKILLREG_TOKEN, with SKILLREG_URL and SKILLREG_ORG beside it. The gateway gives "
                "the token for the identity token of the CI job or workload, no file holds it, and "
                "it is revoked when the command has ended. The identity token itself is taken out "
                "of the command's environment.\n"
                "\n"
                "Signals are passed on to the command, and its exit status is that of skillreg: "
                "128 and the number of the signal that ended it, 127 if there is no such command, "
                "126 if it cannot be run. When no token can be had, the command does not run.\n",
            .examples = "skillreg exec --oidc --scopes write -- make publish\n",
        },
    [CLI_COMMAND_SCAN] =
        {
            .words = "scan",
            .instead = "search find leaks detect",
            .summary = "find tokens that were left in files",
            .operand = "[<path>...]",
            .operand_kind = CLI_VALUE_FILE,
            .operands_max = CLI_OPERANDS_MAX,
            .text =
                "Finds tokens of a SkillReg gateway, by their checksum and without asking anybody, "
                "in files and in everything below directories: this one, if no path is given. "
                "Binary files are read too, symbolic links below a directory are not followed. "
                "Prints file:line and the first 12 characters of each, by which \"skillreg token "
                "list --prefix\" finds it. Imported tokens (sk_) have no checksum and are not "
                "found.\n"
                "\n"
                "The path - is standard input. Of the output of git log -p it tells the commit and "
                "the file.\n"
                "\n"
                "Ends with 1 when there is a token, 0 when there is none, and 2 when something "
                "could not be read, whatever else was found.\n",
            .examples = "skillreg scan src deploy.env\n"
                        "git log -p --all | skillreg scan -\n",
        },
    [CLI_COMMAND_HELP] =
        {
            .words = "help",
            .summary = "explain a command",
            .operand = "[<command>]",
            .operand_kind = CLI_VALUE_COMMAND,
            .operands_max = 2,
            .text = "Prints what --help prints: of a command, or, without one, the list of them.\n",
            .examples = "skillreg help token create\n",
        },
    [CLI_COMMAND_COMPLETION] =
        {
            .words = "completion",
            .summary = "print the completion script of a shell",
            .operand = "<shell>",
            .operand_kind = CLI_VALUE_CHOICE,
            .operand_choices = "bash zsh fish",
            .operands_max = 1,
            .text = "Prints a script that makes the shell, bash, zsh or fish, complete commands, "
                    "flags, their values, "
                    "and the ids of tokens, for which it asks the gateway, two seconds at most. "
                    "Have the shell read it when it starts:\n"
                    "  bash   source <(skillreg completion bash)      in ~/.bashrc\n"
                    "  zsh    source <(skillreg completion zsh)       in ~/.zshrc, below compinit\n"
                    "  fish   skillreg completion fish | source       in "
                    "~/.config/fish/config.fish\n",
        },
};

const struct cli_command_row *cli_command_row(enum cli_command command) {
    gw_assert(command < CLI_COMMAND_COUNT);
    return &rows[command];
}

const char *cli_command_words(enum cli_command command) {
    return cli_command_row(command)->words;
}

size_t cli_command_word_count(enum cli_command command) {
    const char *words = cli_command_words(command);
    size_t count = words[0] == '\0' ? 0 : 1;
    for (; *words != '\0'; words++)
        count += *words == ' ';
    return count;
}

static bool begin_with(const char *const words[], size_t count, const char *command_words) {
    struct gw_str rest = gw_str_from(command_words);
    struct gw_str word;
    for (size_t i = 0; gw_str_next(&rest, ' ', &word); i++) {
        if (i == count || !gw_str_equal(word, gw_str_from(words[i])))
            return false;
    }
    return true;
}

enum cli_command cli_command_find(const char *const words[], size_t count) {
    size_t most = 0;
    int found = CLI_COMMAND_NONE;
    for (int i = CLI_COMMAND_NONE + 1; i < CLI_COMMAND_COUNT; i++) {
        const char *alias = rows[i].alias;
        size_t word_count = cli_command_word_count((enum cli_command)i);
        if (word_count > most && (begin_with(words, count, rows[i].words) ||
                                  (alias != NULL && begin_with(words, count, alias)))) {
            most = word_count;
            found = i;
        }
    }
    return (enum cli_command)found;
}

const char *cli_command_word_in(enum cli_command command, enum cli_command group) {
    gw_assert(cli_command_row(group)->group);
    if (command == CLI_COMMAND_NONE || command == group)
        return NULL;
    const char *words = cli_command_words(command);
    size_t length = strlen(cli_command_words(group));
    if (length == 0)
        return words;
    bool is_in = strncmp(words, cli_command_words(group), length) == 0 && words[length] == ' ';
    return is_in ? words + length + 1 : NULL;
}
