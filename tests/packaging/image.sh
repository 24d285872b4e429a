# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The image of docker/Dockerfile without a container engine and without an image registry: buildah builds it on a base
# that debootstrap made, which is given by its digest.

# shellcheck source=tests/packaging/machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

# image_build <folder>: makes localhost/skillreg-gateway; all of it is in the folder. Sets `storage`, `base` and `revision`.
image_build() {
    local work=$1
    mkdir "$work/base" "$work/source" "$work/tmp"
    export TMPDIR=$work/tmp
    storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
    revision=$(git -C "$project" rev-parse HEAD)
    image_import_base "$work/base"
    git -C "$project" archive HEAD | tar -x -C "$work/source"
    buildah "${storage[@]}" build --isolation chroot --pull-never --format oci \
        --build-arg "BASE=$base" --build-arg "REVISION=$revision" \
        --build-arg "SOURCE_DATE_EPOCH=$(git -C "$project" log -1 --format=%ct)" \
        -f "$work/source/docker/Dockerfile" -t skillreg-gateway "$work/source" >"$work/log" 2>&1 ||
        fail "the image did not build: $(tail -n 30 "$work/log")"
}

# What the slim images of Debian leave out of packages, theirs and those that come later, they leave out by dpkg's settings.
image_import_base() {
    local container name
    machine_make trixie "$1"
    printf 'path-%s\n' 'exclude /usr/share/doc/*' 'include /usr/share/doc/*/copyright' 'exclude /usr/share/info/*' \
        'exclude /usr/share/locale/*' 'exclude /usr/share/man/*' >"$1/etc/dpkg/dpkg.cfg.d/slim"
    container=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add -q "$container" "$1" / >/dev/null
    name=docker.io/library/$(sed -n 's/^ARG BASE=//p' "$project/docker/Dockerfile")
    buildah "${storage[@]}" commit -q --format oci "$container" "$name" >/dev/null
    buildah "${storage[@]}" rm "$container" >/dev/null
    base=${name%:*}@$(buildah "${storage[@]}" images --no-trunc --format '{{.Digest}}' "$name")
    rm -rf "$1"
}

# image_container [image]: the name of a new container of the image.
image_container() { buildah "${storage[@]}" from --pull-never "${1:-localhost/skillreg-gateway}"; }

# image_inspect: its configuration as OCI has it, JSON.
image_inspect() { buildah "${storage[@]}" inspect --type image localhost/skillreg-gateway; }

# image_bytes <image>: of the files in it.
image_bytes() {
    local container
    container=$(image_container "$1")
    du -s --apparent-size --block-size=1 "$(buildah "${storage[@]}" mount "$container")" | cut -f1
    buildah "${storage[@]}" rm "$container" >/dev/null
}
