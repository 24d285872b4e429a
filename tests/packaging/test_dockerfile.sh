#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Dockerfile builds on a base that is pinned by its digest; its labels are true, it adds less than 40 MB to the base, and
# the gateway runs in it as process 1, without an account, without a right, on a root that cannot be written to.
set -euo pipefail

# shellcheck source=tests/packaging/image.sh
. "$(dirname "${BASH_SOURCE[0]}")/image.sh"
require debootstrap buildah git ip python3

bytes_max=40000000
work=$(mktemp -d "$cache/image.XXXXXX")
trap 'rm -rf "$work"' EXIT

in_image() { buildah "${storage[@]}" run --isolation chroot "$container" -- "$@"; }

check_labels() {
    local version=$1
    image_inspect >"$work/image.json"
    python3 - "$work/image.json" "$version" "$revision" "$base" <<'PY' || fail "the configuration of the image"
import json, sys
path, version, revision, base = sys.argv[1:]
image = json.load(open(path))
config = image["OCIv1"]["config"]
prefix = "org.opencontainers.image."
labels = {name.removeprefix(prefix): value for name, value in config["Labels"].items() if name.startswith(prefix)}
assert labels.keys() >= {"title", "description", "vendor", "licenses"} and all(labels.values()), labels
assert (labels["version"], labels["revision"], labels["base.name"]) == (version, revision, base), labels
assert config["User"] == "65532:65532" and config["Entrypoint"] == ["skillreg-gateway"] and not config.get("Cmd"), config
assert config["ExposedPorts"].keys() == {"8443/tcp", "9090/tcp"}, config
assert "Healthcheck" not in image["Docker"]["config"], "of no use in an OCI image"
PY
}

check_size() {
    local more
    more=$(($(image_bytes localhost/skillreg-gateway) - $(image_bytes "$base")))
    [ "$more" -lt "$bytes_max" ] || fail "the image has $more bytes more than its base"
    printf 'the image has %d kB more than its base\n' $((more / 1000))
}

image_build "$work"
container=$(image_container)
version=$(in_image skillreg-gateway --version) || fail "skillreg-gateway --version did not run in the image"
[[ $version == "skillreg-gateway "* ]] || fail "skillreg-gateway --version said: $version"
in_image skillreg --version >/dev/null || fail "skillreg --version did not run in the image"
[ "$(in_image id -u):$(in_image id -g)" = 65532:65532 ] || fail "the image does not run as its own account"
check_labels "${version#* }"
check_size
python3 -B "$project/tests/packaging/process_one.py" --root "$(buildah "${storage[@]}" mount "$container")" --folder "$work" ||
    fail "the gateway as process 1"
printf 'the image runs %s\n' "$version"
