#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The two commands of the README, as they stand there, on machines that have never seen the project: Debian 13 and 12,
# as root without sudo and as a user with sudo. Also: without a network the first one says so and leaves nothing behind.
#
# usage: test_fresh_machine.sh [trixie|bookworm] [root|user]      (default: every combination that matters)
set -euo pipefail

# shellcheck source=tests/packaging/machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
require debootstrap git curl

port_options() { # nothing when the documented ports are free here
    local options=() pair
    for pair in --port:8443 --admin-port:9090 --page-port:8444; do
        ! (exec 3<>"/dev/tcp/127.0.0.1/${pair#*:}") 2>/dev/null ||
            options+=("${pair%:*}" "$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')")
    done
    printf '%s' "${options[*]:-}"
}

session() { # what a newcomer types, for a shell inside the machine
    cat <<TEXT
set -eu
cd ~/skillreg-gateway
./dev up --detach $(port_options) >up.log || { cat up.log; exit 1; }
. build/dev/env
curl -sSf "\$SKILLREG_URL/api/v1/auth/whoami" -H "Authorization: Bearer \$SKILLREG_TOKEN" | grep -q '"slug":"acme"'
skillreg token create --name from-a-fresh-machine | grep -q 'Token created'
skillreg token list | grep -q from-a-fresh-machine
curl -sSf "\$(sed -n 's/^Its page of the tokens is \(.*\);.*/\1/p' up.log)" | grep -q '<title>'
./dev down
! curl -s "\$SKILLREG_URL/" || exit 1
./dev test
TEXT
}

try() { # try <suite> <root|user>
    local suite=$1 who=$2 home=/root status=0
    printf 'fresh machine: %s as %s\n' "$suite" "$who"
    tree=$(mktemp -d "$cache/machine.XXXXXX")
    trap 'rm -rf "$tree" "$tree.lent"' EXIT
    machine_make "$suite" "$tree"
    if [ "$who" = user ]; then
        home=/home/dev
        machine_run "$suite" "$tree" -- sh -c 'apt-get update -qq && apt-get install -qq sudo &&
            useradd -m -s /bin/bash dev && echo "dev ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/dev' >/dev/null 2>&1
    fi
    git clone -q --no-local "$project" "$tree$home/skillreg-gateway"
    session >"$tree/session"
    if [ "$who" = user ]; then
        machine_run "$suite" "$tree" -- sh -c 'chown -R dev: /home/dev && exec su - dev -c "bash /session"' || status=$?
    else
        no_network "$suite" "$tree"
        machine_run "$suite" "$tree" -- bash /session || status=$?
    fi
    rm -rf "$tree"
    trap - EXIT
    [ "$status" -eq 0 ] || fail "$suite as $who: status $status"
}

no_network() {
    local output
    # shellcheck disable=SC2016
    ! output=$(machine_run "$1" "$2" --net -- bash -c 'cd && cd skillreg-gateway && ./dev up --detach 2>&1 >/dev/null | tail -n 1
        exit "${PIPESTATUS[0]}"') || fail "up without a network succeeded"
    [[ $output == dev:*network* ]] || fail "up without a network said: $output"
    [ ! -e "$2/root/skillreg-gateway/build" ] || fail "up without a network left build/ behind"
}

if [ $# -gt 0 ]; then
    try "$1" "${2:-root}"
else
    try trixie root
    try bookworm root
    try bookworm user
fi
