# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The image of docker/Dockerfile without a container engine and without an image registry: buildah builds it on a base
# that debootstrap made, which gets the name that the Dockerfile asks for.

# shellcheck source=tests/packaging/machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

# image_build <folder>: makes localhost/skillreg-gateway; all of it is in the folder. Sets `storage`.
image_build() {
    local work=$1
    mkdir "$work/base" "$work/source" "$work/tmp"
    export TMPDIR=$work/tmp
    storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
    image_import_base "$work/base"
    git -C "$project" archive HEAD | tar -x -C "$work/source"
    buildah "${storage[@]}" build --isolation chroot --pull-never --format docker \
        -f "$work/source/docker/Dockerfile" -t skillreg-gateway "$work/source" >"$work/log" 2>&1 ||
        fail "the image did not build: $(tail -n 30 "$work/log")"
}

image_import_base() {
    local container name
    machine_make trixie "$1"
    container=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add -q "$container" "$1" / >/dev/null
    name=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' "$project/docker/Dockerfile")
    buildah "${storage[@]}" commit -q "$container" "docker.io/library/$name" >/dev/null
    buildah "${storage[@]}" rm "$container" >/dev/null
    rm -rf "$1"
}

# image_container: the name of a new container of the image.
image_container() { buildah "${storage[@]}" from --pull-never localhost/skillreg-gateway; }

image_inspect() { buildah "${storage[@]}" inspect --type image localhost/skillreg-gateway; }
