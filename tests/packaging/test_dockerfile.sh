#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Dockerfile builds and its image runs, without a container engine and without an image registry: buildah builds it
# on a base that debootstrap made, which gets the name that the Dockerfile asks for.
set -euo pipefail

# shellcheck source=tests/packaging/machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
require debootstrap buildah git

work=$(mktemp -d "$cache/image.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/base" "$work/source" "$work/tmp"
export TMPDIR=$work/tmp
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)

fail() {
    printf 'FAILED %s\n' "$*" >&2
    exit 1
}

import_base() {
    local container name
    machine_make trixie "$work/base"
    container=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add -q "$container" "$work/base" / >/dev/null
    name=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' "$project/docker/Dockerfile")
    buildah "${storage[@]}" commit -q "$container" "docker.io/library/$name" >/dev/null
    buildah "${storage[@]}" rm "$container" >/dev/null
    rm -rf "$work/base"
}

build_image() {
    git -C "$project" archive HEAD | tar -x -C "$work/source"
    buildah "${storage[@]}" build --isolation chroot --pull-never --format docker \
        -f "$work/source/docker/Dockerfile" -t skillreg-gateway "$work/source"
}

in_image() { buildah "${storage[@]}" run --isolation chroot "$container" -- "$@"; }

import_base
build_image >"$work/log" 2>&1 || fail "the image did not build: $(tail -n 30 "$work/log")"
container=$(buildah "${storage[@]}" from --pull-never localhost/skillreg-gateway)
version=$(in_image skillreg-gateway --version) || fail "skillreg-gateway --version did not run in the image"
[[ $version == skillreg-gateway* ]] || fail "skillreg-gateway --version said: $version"
in_image skillreg --version >/dev/null || fail "skillreg --version did not run in the image"
[ "$(in_image id -u)" = 65532 ] || fail "the image does not run as its own account"
buildah "${storage[@]}" inspect --type image localhost/skillreg-gateway | grep -q healthcheck ||
    fail "the image has no health check"
printf 'the image runs %s\n' "$version"
