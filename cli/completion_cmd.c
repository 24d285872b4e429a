// SPDX-License-Identifier: MIT
#include "cli/completion_cmd.h"

#include <string.h>

#include "cli/output.h"

// Of bash 3.2 (macOS) and later. Bash cuts words at "=" and ":"; what it cut is joined again for
// skillreg, and taken off the front of the candidates, as bash replaces the last piece alone.
// clang-format off
static const char bash_script[] =
    "# bash completion for skillreg. In ~/.bashrc: source <(skillreg completion bash)\n"
    "_skillreg() {\n"
    "    local IFS=$' \\t\\n' line word typed='' cut='' i\n"
    "    local -a words\n"
    "    words=()\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $i -gt 1 && ( $word == [=:]* || ${COMP_WORDS[i - 1]} == *[=:] ) ]]; then\n"
    "            typed+=$word\n"
    "        else\n"
    "            [[ $i -eq 1 ]] || words+=(\"$typed\")\n"
    "            typed=$word\n"
    "        fi\n"
    "    done\n"
    "    word=${COMP_WORDS[COMP_CWORD]}\n"
    "    [[ $word == [=:] ]] && word=''\n"
    "    cut=${typed%\"$word\"}\n"
    "    typed=${typed//\\\\/}\n"
    "    while IFS= read -r line; do\n"
    "        if [[ $line == :files ]]; then\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            while IFS= read -r line; do\n"
    "                COMPREPLY+=(\"$line\")\n"
    "            done < <(compgen -f -- \"$word\")\n"
    "            return\n"
    "        fi\n"
    "        line=${line%%$'\\t'*}\n"
    "        line=${line#\"$cut\"}\n"
    "        [[ $line != *[!a-zA-Z0-9_.,/=-]* ]] || line=$(printf '%q' \"$line\")\n"
    "        COMPREPLY+=(\"$line\")\n"
    "    done < <(\"$1\" __complete -- \"${words[@]}\" \"$typed\" 2>/dev/null)\n"
    "}\n"
    "complete -F _skillreg skillreg\n";

static const char zsh_script[] =
    "#compdef skillreg\n"
    "# zsh completion for skillreg. As _skillreg in a directory of $fpath, or in ~/.zshrc, below\n"
    "# compinit: source <(skillreg completion zsh)\n"
    "_skillreg() {\n"
    "    local -a lines candidates\n"
    "    local line value\n"
    "    lines=(\"${(@f)$(\"$words[1]\" __complete -- \"${(@)words[2,CURRENT]}\" \\\n"
    "        2>/dev/null)}\")\n"
    "    if [[ $lines[1] == :files ]]; then\n"
    "        compset -P '--*='\n"
    "        _files\n"
    "        return\n"
    "    fi\n"
    "    for line in $lines; do\n"
    "        value=${line%%$'\\t'*}\n"
    "        candidates+=(\"${value//:/\\\\:}${${line#\"$value\"}/$'\\t'/:}\")\n"
    "    done\n"
    "    _describe -V skillreg candidates\n"
    "}\n"
    "if [[ $funcstack[1] == _skillreg ]]; then\n"
    "    _skillreg \"$@\"\n"
    "else\n"
    "    compdef _skillreg skillreg\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion for skillreg. In ~/.config/fish/config.fish:\n"
    "# skillreg completion fish | source\n"
    "function __skillreg_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l word (commandline -ct)\n"
    "    set -l lines ($words[1] __complete -- $words[2..-1] \"$word\" 2>/dev/null)\n"
    "    if test \"$lines[1]\" = :files\n"
    "        set -l flag (string match -r -- '^--[a-z-]+=' $word)\n"
    "        set -l file (string replace -r -- '^--[a-z-]+=' '' $word)\n"
    "        for found in (__fish_complete_path \"$file\")\n"
    "            printf '%s%s\\n' \"$flag\" $found\n"
    "        end\n"
    "    else\n"
    "        printf '%s\\n' $lines\n"
    "    end\n"
    "end\n"
    "complete -c skillreg -f -a '(__skillreg_complete)'\n";
// clang-format on

static const struct {
    const char *shell;
    const char *script;
} scripts[] = {
    {"bash", bash_script},
    {"zsh", zsh_script},
    {"fish", fish_script},
};

enum cli_exit cli_completion_cmd(const struct cli_options *options, struct cli_reason *why) {
    struct cli_output out;
    size_t i = 0;
    while (strcmp(options->operands[0], scripts[i].shell) != 0) {
        i++;
        gw_assert(i < sizeof(scripts) / sizeof(scripts[0]));
    }
    cli_output_init(&out);
    cli_output_put(&out, scripts[i].script);
    return cli_output_send(&out, why);
}
