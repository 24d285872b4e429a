# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev lint: six linters, every warning an error. Each prints what it found and counts as one test.

product_folders=(base token db tls gateway cli)

c_files() { # c_files <name pattern>...: the project's own C files
    local names=() pattern
    for pattern in "$@"; do names+=(-o -name "$pattern"); done
    find "${product_folders[@]}" tests bench -type f \( "${names[@]:1}" \) 2>/dev/null | sort || true
}

shell_files() {
    printf '%s\n' dev .ci/run packaging/debian/{postinst,prerm,postrm}
    find dev.d tests docker bench -type f -name '*.sh' 2>/dev/null | sort || true
}

lint_format() {
    c_files '*.c' '*.h' | xargs -r clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^: ]*:[0-9]*\):.*-Wclang-format-violations.*/\1: not formatted: .\/dev lint --fix does it/p'
    [ "${PIPESTATUS[1]}" -eq 0 ]
}

# clang-format breaks code, not comments.
lint_columns() {
    local long
    long=$(c_files '*.c' '*.h' | LC_ALL=C.UTF-8 xargs -r grep -HnE '^.{101,}' | cut -d: -f1,2)
    [ -z "$long" ] || { printf 'over 100 columns:\n%s\n' "$long"; return 1; }
}

lint_arrows() { /usr/bin/python3 dev.d/arrows.py; }

lint_shell() { shell_files | xargs shellcheck -x; }

lint_cppcheck() {
    # Only the product: cppcheck knows nothing of cmocka's macros. Leaks are left to ASan: memory that is reached
    # through an embedded member looks lost to cppcheck.
    cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
        --error-exitcode=1 --suppress=missingIncludeSystem --suppress=missingInclude \
        --suppress=uninitvar --suppress=memleak --suppress=nullPointerOutOfMemory \
        --suppress=normalCheckLevelMaxBranches -j "$(jobs_max)" -D__GNUC__ -D_GNU_SOURCE \
        '-DGATEWAY_VERSION="0"' -I "$PWD" "${product_folders[@]}"
}

# How far the analyzer follows one function: half of the time goes to the few that reach what it has as its limit, 225000.
# ./dev test stops at what clang itself calls shallow; ./dev lint goes on to the limit.
tidy_limit=225000

# clang-tidy is slow, so a file that passed is not looked at again until it, a header or the checks change.
lint_tidy() {
    local cache=build/lint common tidy
    mkdir -p "$cache"
    tidy="clang-tidy -p build/cmake/asan --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Xclang
        --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=$tidy_limit"
    common=$({ clang-tidy --version; echo "$tidy"; cat .clang-tidy tests/.clang-tidy; c_files '*.h' | xargs cat; } | sha256sum)
    export common cache tidy
    # shellcheck disable=SC2016
    compiled_files | xargs -r -n 1 -P "$(jobs_max)" bash -c '
        stamp=$cache/$( (echo "$1 $common"; cat "$1") | sha256sum | cut -c1-32)
        [ ! -e "$stamp" ] || exit 0
        output=$($tidy "$1" 2>/dev/null) ||
            { printf "%s\n" "$output"; exit 1; }
        touch "$stamp"' lint_tidy
}

# The own sources among what the build compiles.
compiled_files() {
    sed -n "s|^ *\"file\": \"$PWD/\(.*\)\",*$|\1|p" build/cmake/asan/compile_commands.json |
        grep -v '^build/\|^bench/' | sort -u
}

lint_failed=0
lint_passed=0

lint_one() { # lint_one <name> <function>
    if step_lines=200 step "lint: $1" "$2"; then
        lint_passed=$((lint_passed + 1))
    else
        lint_failed=$((lint_failed + 1))
    fi
}

lint_all() {
    lint_one clang-format lint_format
    lint_one columns lint_columns
    lint_one arrows lint_arrows
    lint_one clang-tidy lint_tidy
    lint_one cppcheck lint_cppcheck
    lint_one shellcheck lint_shell
    [ "$lint_failed" -eq 0 ]
}

dev_lint() {
    local fix=${1:-}
    [ "$fix" != --fix ] || shift
    no_arguments lint "$@"
    # shellcheck source=dev.d/deps.sh
    . dev.d/deps.sh
    dev_deps
    if [ "$fix" = --fix ]; then
        c_files '*.c' '*.h' | xargs -r clang-format -i
        return
    fi
    # clang-tidy reads the generated headers too, so they have to be there.
    build asan gw_db || return 1
    lint_all
}
