#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docker/compose.yaml, read by docker-compose itself and then run as it says, without a container engine: each service as
# a process of its own with its image's root file system, account, environment, volumes and restrictions, at its own address
# in a network of their own; then the commands of docs/installing.md. The gateway's image is the one of the Dockerfile; those of PostgreSQL,
# Python, HAProxy and Prometheus are a Debian 13 with the same versions, and PostgreSQL starts without the entrypoint of its
# image. Grafana, which Debian has not, is not run: what it is given is looked at.
set -euo pipefail

# shellcheck source=tests/packaging/image.sh
. "$(dirname "${BASH_SOURCE[0]}")/image.sh"
require debootstrap buildah git curl ip python3

work=$(mktemp -d "$cache/compose.XXXXXX")
trap 'rm -rf "$work"' EXIT

# For the images of others, and with docker-compose, which needs no engine to read a file.
make_others() {
    mkdir "$work/others"
    machine_make trixie "$work/others"
    machine_run trixie "$work/others" -- sh -euc '
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -qq --no-install-recommends postgresql-common docker-compose
        echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf
        apt-get install -qq --no-install-recommends postgresql openssl python3 haproxy prometheus' >"$work/log" 2>&1 ||
        fail "the packages in place of the other images: $(tail -n 30 "$work/log")"
    mkdir "$work/others/project"
    git -C "$project" archive HEAD docker | tar -x -C "$work/others/project"
}

make_others
machine_run trixie "$work/others" -- docker-compose -f /project/docker/compose.yaml config --format json \
    >"$work/model.json" 2>"$work/log" || fail "docker-compose config: $(cat "$work/log")"
image_build "$work"
image_inspect >"$work/image.json"
gateway=$(buildah "${storage[@]}" mount "$(image_container)")
unshare --mount --net --pid --fork --kill-child --mount-proc python3 -B \
    "$project/tests/packaging/compose.py" --model "$work/model.json" --image "$work/image.json" --page "$project/docs/installing.md" \
    --folder "$work" --gateway "$gateway" --others "$work/others"
