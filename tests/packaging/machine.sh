# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Bare Debian machines for the packaging tests: a debootstrap tree of each suite, kept as a tarball outside the project.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cache=${GATEWAY_DEBOOTSTRAP_CACHE:-/var/tmp/gw-debootstrap}

# shellcheck source=dev.d/deps.sh
. "$project/dev.d/deps.sh"

skip() { # the exit status that ./dev test counts as skipped
    printf 'SKIPPED %s: %s\n' "$(basename "$0" .sh)" "$*"
    exit 77
}

fail() {
    printf 'FAILED %s\n' "$*" >&2
    exit 1
}

require() {
    local program
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
    unshare --mount --pid --fork true 2>/dev/null || skip "this machine does not let us make namespaces"
    [ -n "$(debian_mirror)" ] || skip "this machine has no Debian mirror configured"
    mkdir -p "$cache"
}

# machine_tarball <suite>: prints the path of a bare system, made on first use.
machine_tarball() {
    local tarball=$cache/$1.tar tree
    if [ ! -e "$tarball" ]; then
        tree=$(mktemp -d "$cache/$1.XXXXXX")
        debootstrap --variant=minbase "$1" "$tree" "$(debian_mirror)" >&2 || return 1
        rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
        tar -C "$tree" -cf "$tree.tar" .
        mv "$tree.tar" "$tarball"
        rm -rf "$tree"
    fi
    printf '%s\n' "$tarball"
}

# machine_make <suite> <folder>: a fresh machine in it, with the network settings of this one.
machine_make() {
    local tarball
    tarball=$(machine_tarball "$1")
    tar -C "$2" -xf "$tarball"
    chmod 755 "$2" # mktemp made it for root alone, and PostgreSQL runs as somebody else
    rm -f "$2/etc/resolv.conf" "$2/etc/hosts"
    cat /etc/resolv.conf >"$2/etc/resolv.conf"
    { # the two lines of Debian's installer first: localhost has two addresses
        printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n'
        cat /etc/hosts
    } >"$2/etc/hosts"
    apt-config dump | grep -iE '^Acquire::(https?|Check).*(Proxy|Valid|Date)' >"$2/etc/apt/apt.conf.d/90network" || true
    mkdir -p "$cache/archives-$1"
}

# archives_lend <suite> <folder>: what apt has fetched for such machines, for one of them alone: apt locks the folder.
archives_lend() {
    mkdir -p "$2/partial"
    find "$cache/archives-$1" -maxdepth 1 -name '*.deb' -exec ln -f -t "$2" {} + 2>/dev/null || true
}

# archives_return <suite> <folder>: what is new there is for the next machine. apt names a package when it is whole.
archives_return() {
    find "$2" -maxdepth 1 -name '*.deb' -exec ln -f -t "$cache/archives-$1" {} + 2>/dev/null || true
    rm -rf "$2"
}

# machine_run <suite> <folder> [unshare option...] -- <command...>: inside, with nothing of our environment; ends with
# every process that it started. Meanwhile there is <folder>.lent beside the folder.
machine_run() {
    local suite=$1 tree=$2 options=() archives=$2.lent status=0
    shift 2
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    archives_lend "$suite" "$archives"
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child "${options[@]}" sh -eu -c '
        tree=$1 archives=$2; shift 2
        mount --make-rprivate /
        mount -t proc proc "$tree/proc"
        mount -t tmpfs tmpfs "$tree/dev"
        for device in null zero full random urandom tty; do
            : >"$tree/dev/$device"; mount --bind "/dev/$device" "$tree/dev/$device"
        done
        mkdir "$tree/dev/pts"; mount -t devpts -o newinstance,ptmxmode=0666 devpts "$tree/dev/pts"
        ln -s pts/ptmx "$tree/dev/ptmx"
        mkdir "$tree/dev/shm"; mount -t tmpfs tmpfs "$tree/dev/shm"; chmod 1777 "$tree/dev/shm"
        ln -s /proc/self/fd "$tree/dev/fd"; ln -s /proc/self/fd/0 "$tree/dev/stdin"
        ln -s /proc/self/fd/1 "$tree/dev/stdout"; ln -s /proc/self/fd/2 "$tree/dev/stderr"
        mount --bind "$archives" "$tree/var/cache/apt/archives"
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C \
            chroot "$tree" "$@"' machine "$tree" "$archives" "$@" || status=$?
    archives_return "$suite" "$archives"
    return "$status"
}
