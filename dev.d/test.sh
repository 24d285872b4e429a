# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev test: every test, counted. The last line is `N passed, N failed, N skipped`.

# shellcheck source=dev.d/deps.sh
. dev.d/deps.sh
# shellcheck source=dev.d/lint.sh
. dev.d/lint.sh

results=$PWD/build/test
python=/usr/bin/python3

count() { # count <name> <passed> <failed> <skipped>
    printf '%s %s %s %s\n' "$@" >>"$results/counts"
}

test_lint() {
    local status=0 tidy_limit=75000
    lint_all || status=1
    count lint "$lint_passed" "$lint_failed" 0
    return "$status"
}

lint=      # the process group of a lint beside the tests
unit_runs= # the unit tests are under way, and with them their PostgreSQL

# What an interrupt leaves.
clean_up() {
    [ -z "$lint" ] || kill -- "-$lint" 2>/dev/null || true
    [ -z "$unit_runs" ] || tests/support/postgres.sh stop build/cmake/asan/postgres.url >/dev/null || true
    end_step
}

# Beside the tests, and at the lowest priority: it takes what they leave of the processors, and none from what counts time.
start_lint() {
    set -m # a process group of its own, to be ended as a whole
    (trap end_step EXIT; renice -n 19 -p "$BASHPID" >/dev/null && test_lint) >"$results/lint.log" 2>&1 </dev/null &
    lint=$!
    set +m
}

finish_lint() {
    local status=0
    say "lint"
    wait "$lint" || status=1
    lint=
    cat "$results/lint.log"
    return "$status"
}

# What programs with sanitizers start with: those of gcc 12 and 13 keep their memory where a kernel that chooses addresses from more
# than 28 bits may have put the program, and one in four then does not start (github.com/google/sanitizers/issues/1614).
room_for_sanitizers() {
    local bits
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null) || bits=unknown
    if [[ $bits =~ ^[0-9]+$ && $bits -le 28 ]] || ! setarch -R true 2>/dev/null; then
        room=()
    else
        room=(setarch -R)
    fi
}

test_unit() {
    local status=0 room
    say "unit tests"
    room_for_sanitizers
    unit_runs=yes
    "${room[@]}" ctest --test-dir build/cmake/asan --output-on-failure --no-tests=error -j "$(jobs_max)" \
        --output-junit "$results/unit.xml" --test-output-size-passed 1000000 "$@" || status=1
    unit_runs=
    "$python" dev.d/count.py unit "$results/unit.xml" >>"$results/counts" || status=1
    return "$status"
}

# interruptible <command...>: Ctrl-C and a polite kill of this script let the command clean up, and then end the script.
interruptible() {
    local child status=0 interrupted=''
    "$@" <&0 &
    child=$!
    trap 'interrupted=yes; kill -TERM "$child" 2>/dev/null || true' INT TERM
    wait "$child" || status=$?
    while [ -n "$interrupted" ] && kill -0 "$child" 2>/dev/null; do # the signal ended the waiting, not the command
        wait "$child" || true
    done
    trap - INT TERM
    [ -z "$interrupted" ] || exit 130
    return "$status"
}

# Twice as many as there are processors, because tests wait for much of their time.
e2e_workers() {
    local jobs
    jobs=$(jobs_max)
    printf '%s\n' $((jobs < 4 ? 2 * jobs : 8))
}

# All of them in parallel, a part of them as the arguments say.
test_e2e() {
    local status=0 room
    [ $# -gt 0 ] || set -- -n "$(e2e_workers)" tests/e2e
    say "end-to-end tests"
    room_for_sanitizers
    GATEWAY_BUILD_DIR=$PWD/build/cmake/asan/bin PYTHONDONTWRITEBYTECODE=1 \
        interruptible "${room[@]}" "$python" -m pytest -p no:cacheprovider -q --junitxml "$results/e2e.xml" \
        "$@" || status=1
    "$python" dev.d/count.py e2e "$results/e2e.xml" >>"$results/counts" || status=1
    return "$status"
}

test_packaging() {
    local status=0 test
    for test in tests/packaging/test_*.sh; do
        say "packaging: $test"
        local outcome=0
        bash "$test" "$@" || outcome=$?
        case $outcome in
            0) count packaging 1 0 0 ;;
            77) count packaging 0 0 1 ;;
            *) count packaging 0 1 0; status=1 ;;
        esac
    done
    return "$status"
}

summary() {
    awk '{ p += $2; f += $3; s += $4 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' \
        "$results/counts"
}

dev_test() {
    local part=${1:-all} status=0
    [ $# -eq 0 ] || shift
    case $part in
        all | lint) no_arguments "test $part" "$@" ;;
        unit | e2e | packaging) ;;
        *) wrong_usage "test: unknown part: $part, there are unit, e2e, lint and packaging" ;;
    esac
    rm -rf "$results"
    mkdir -p "$results"
    : >"$results/counts"
    trap clean_up EXIT
    if [ "$part" = packaging ]; then
        test_packaging "$@" || status=1
        summary
        return "$status"
    fi
    dev_deps
    if ! build asan; then
        count build 0 1 0
        status=1
    else
        case $part in
            all)
                start_lint
                test_unit || status=1
                test_e2e || status=1
                finish_lint || status=1
                ;;
            *) "test_$part" "$@" || status=1 ;;
        esac
    fi
    summary
    return "$status"
}
