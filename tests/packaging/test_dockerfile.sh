#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Dockerfile builds and its image runs.
set -euo pipefail

# shellcheck source=tests/packaging/image.sh
. "$(dirname "${BASH_SOURCE[0]}")/image.sh"
require debootstrap buildah git

work=$(mktemp -d "$cache/image.XXXXXX")
trap 'rm -rf "$work"' EXIT

in_image() { buildah "${storage[@]}" run --isolation chroot "$container" -- "$@"; }

image_build "$work"
container=$(image_container)
version=$(in_image skillreg-gateway --version) || fail "skillreg-gateway --version did not run in the image"
[[ $version == skillreg-gateway* ]] || fail "skillreg-gateway --version said: $version"
in_image skillreg --version >/dev/null || fail "skillreg --version did not run in the image"
[ "$(in_image id -u)" = 65532 ] || fail "the image does not run as its own account"
image_inspect | grep -q healthcheck || fail "the image has no health check"
printf 'the image runs %s\n' "$version"
