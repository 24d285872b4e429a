#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A rolling update from the version before the newest migrations: its program is built from the history of this repository,
# and runs beside the program under test on one database, before and after the migration.
#
# usage: test_rolling_update.sh [commit of the version before]
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
skip() {
    echo "skipped: $*"
    exit 77
}

cd "$project"
guarded=$(git log --diff-filter=A --format=%H -1 -- db/sql/0006_guarded_changes.sql 2>/dev/null) || skip "no git history here"
before=${1:-${guarded:+$guarded^}}
git rev-parse --verify --quiet "${before:-none}^{commit}" >/dev/null || skip "the history does not reach back to that version"

work=$(mktemp -d "${TMPDIR:-/tmp}/skillreg-rolling.XXXXXX")
trap 'git worktree remove --force "$work/before" 2>/dev/null || true; rm -rf "$work"' EXIT

./dev deps
build() { # build <folder> <target...>
    (cd "$1" && shift && cmake --preset dev && cmake --build build/cmake/dev -j "$(nproc)" --target "$@") >"$work/log" 2>&1 || {
        tail -n 40 "$work/log"
        exit 1
    }
}

build . skillreg-gateway skillreg
git worktree add --quiet --detach "$work/before" "$before"
if [ -d build/deps ]; then
    mkdir -p "$work/before/build"
    cp -a build/deps "$work/before/build/deps"
fi
echo "building $(git log -1 --format='%h %s' "$before")"
build "$work/before" skillreg-gateway
export GATEWAY_BUILD_DIR=$project/build/cmake/dev OLDER_BUILD_DIR=$work/before/build/cmake/dev PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 -m pytest -p no:cacheprovider -q -c /dev/null --rootdir "$project" --confcutdir "$project/tests/packaging" \
    "$project/tests/packaging/rolling_update.py"
