# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev bench: hands over to bench/run, which knows what there is to measure.

dev_bench() {
    say "The benchmarks live in bench/; bench/README.md says what each one measures."
    [ -x bench/run ] || return 0
    exec bench/run "$@"
}
