# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev fuzz [seconds] [name]: each libFuzzer target on a copy of its corpus; what crashes it is kept in build/fuzz.

# shellcheck source=dev.d/deps.sh
. dev.d/deps.sh

fuzzer_names() { find tests/fuzz -name 'fuzz_*.c' | sed 's|.*/fuzz_\(.*\)\.c|\1|' | sort; }

dev_fuzz() {
    local seconds=${1:-30} only=${2:-} fuzzer name status=0 corpus seeds
    [[ $seconds =~ ^[1-9][0-9]*$ ]] || wrong_usage "fuzz: not a number of seconds: $seconds"
    [ -z "$only" ] || [ -e "tests/fuzz/fuzz_$only.c" ] ||
        wrong_usage "fuzz: no such fuzzer: $only, there are $(fuzzer_names | paste -sd ' ')"
    no_arguments fuzz "${@:3}"
    dev_deps fuzz
    build fuzz || return 1
    for fuzzer in build/cmake/fuzz/bin/fuzz_*; do
        [ -x "$fuzzer" ] || continue
        name=$(basename "$fuzzer")
        name=${name#fuzz_}
        [ -z "$only" ] || [ "$only" = "$name" ] || continue
        corpus=build/fuzz/$name
        mkdir -p "$corpus/found" "$corpus/crashes"
        seeds=()
        [ ! -d "tests/fuzz/corpus/$name" ] || seeds=("tests/fuzz/corpus/$name")
        step "fuzzing $name for $seconds s" "$fuzzer" -max_total_time="$seconds" -timeout=10 \
            -rss_limit_mb=2048 -artifact_prefix="$corpus/crashes/" -print_final_stats=1 \
            "$corpus/found" "${seeds[@]}" || status=1
    done
    return "$status"
}
