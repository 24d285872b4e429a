#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The two Debian packages by the commands of docs/installing.md, as they stand there: made on one bare machine, installed on
# another that has never seen a compiler, and started there. On Debian 13 they are made twice, in two folders: equal, byte
# for byte.
#
# Nothing here can be process 1, so where the page says `systemctl enable --now`, packages_manager.sh does what the units say.
#
# usage: test_packages.sh [trixie|bookworm]      (default: both)
set -euo pipefail

# shellcheck source=tests/packaging/machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
require debootstrap git

commands_of() { # commands_of <number>: those of one console block of the page
    awk -v wanted="$1" '/^```console$/ { block++; inside = 1; next } /^```/ { inside = 0 } inside && block == wanted && /^[$#] / {
        print substr($0, 3) }' "$project/docs/installing.md"
}

# make_packages <suite> <machine> <folder in it>: of the commit that was the last one when this began.
make_packages() {
    git clone -q --no-local "$work/source" "$2$3"
    { echo "set -eu; cd '$3'"; commands_of 1; } >"$2/make"
    machine_run "$1" "$2" -- bash /make >"$2/log" 2>&1 || fail "$1: the packages were not made: $(tail -n 30 "$2/log")"
}

compare() { # compare <folder> <folder>: of the packages in both
    local first=$1 second=$2 deb
    for deb in "$first"/*.deb; do
        cmp "$deb" "$second/$(basename "$deb")" || fail "made again in another folder it is another package: $(basename "$deb")"
    done
}

look() { # look <package>...: lintian has no error to tell
    command -v lintian >/dev/null || { echo "lintian is not installed"; return; }
    lintian --allow-root --fail-on error "$@" || fail "lintian found errors"
}

session() { # what an administrator types, and what is looked at between; for a shell inside the machine
    cat <<'TEXT'
set -eu
cd /root
ip link set lo up
pg_ctlcluster "$(pg_lsclusters -h | cut -d' ' -f1)" main start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2>/dev/null
[ "$(stat -c '%a %U:%G' /etc/skillreg)" = '750 root:skillreg' ]
[ "$(stat -c '%a %U:%G %s' /etc/skillreg/ticket-secret)" = '600 root:root 48' ]
[ "$(stat -c '%a %U:%G' /etc/skillreg/gateway.env)" = '640 root:skillreg' ]
dpkg-query -W -f '${Conffiles}' skillreg-gateway | grep -q /etc/skillreg/gateway.env
getent passwd skillreg | grep -q ':/usr/sbin/nologin$'
systemd-analyze verify --man=no /usr/lib/systemd/system/skillreg-gateway.* 2>&1 | grep skillreg && exit 1
systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/skillreg-gateway.service >/dev/null
TEXT
    commands_of 2 | tail -n +2 # all but the installation
    commands_of 3
    commands_of 4 | sed 's/^curl /curl -sSf --retry 20 --retry-connrefused /'
    cat <<'TEXT'
pid=$(pgrep -x skillreg-gatewa)
[ "$(stat -c %U /proc/$pid)" = skillreg ] && grep -q '^CapEff:[[:space:]]*0*$' /proc/$pid/status
owner() { runuser -u postgres -- env DATABASE_URL=postgresql:///skillreg skillreg-gateway "$@"; }
owner org create acme >/dev/null
SKILLREG_TOKEN=$(owner token create --org acme --name first --scopes admin | grep -o 'sr_live_[A-Za-z0-9_-]*')
export SKILLREG_TOKEN SKILLREG_URL=https://localhost SKILLREG_ORG=acme
skillreg whoami --ca-file cert.pem | grep -q 'acme'
skillreg token create --name from-a-package --ca-file cert.pem | grep -q 'Token created'
kill "$pid"
systemctl stop skillreg-gateway.service
apt-get -qq purge skillreg-gateway
[ ! -e /etc/skillreg/ticket-secret ] && [ ! -e /etc/skillreg/database-url ] && [ ! -e /etc/skillreg/gateway.env ] && [ -e /etc/skillreg/tls/key.pem ]
[ ! -e /usr/bin/skillreg-gateway ] && [ ! -L /etc/systemd/system/multi-user.target.wants/skillreg-gateway.service ]
TEXT
}

try() { # try <suite>
    local suite=$1 made
    printf 'packages: %s\n' "$suite"
    work=$(mktemp -d "$cache/packages.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/maker" "$work/user"
    git clone -q --no-local --bare "$project" "$work/source"
    machine_make "$suite" "$work/maker"
    make_packages "$suite" "$work/maker" /root/gateway
    made=$work/maker/root/gateway/build/cmake/release
    look "$made"/*.deb
    if [ "$suite" = trixie ]; then
        make_packages "$suite" "$work/maker" "/srv/quite another folder"
        compare "$made" "$work/maker/srv/quite another folder/build/cmake/release"
    fi
    machine_make "$suite" "$work/user"
    cp "$made"/*.deb "$work/user/root"
    cp "$project/tests/packaging/packages_manager.sh" "$work/user/usr/local/sbin/systemctl"
    echo 'APT::Get::Assume-Yes "true";' >"$work/user/etc/apt/apt.conf.d/91yes"
    { echo "set -eu; cd /root; export DEBIAN_FRONTEND=noninteractive; apt-get -qq update"
        commands_of 2 | head -n 1
        echo "apt-get -qq install ./skillreg_*.deb iproute2 curl openssl"; } >"$work/user/install"
    machine_run "$suite" "$work/user" -- bash /install >"$work/log" 2>&1 ||
        fail "$suite: not installed: $(tail -n 30 "$work/log")"
    session >"$work/user/session"
    machine_run "$suite" "$work/user" --net -- bash -x /session >"$work/log" 2>&1 || fail "$suite: $(tail -n 40 "$work/log")"
    rm -rf "$work"
    trap - EXIT
}

if [ $# -gt 0 ]; then
    try "$1"
else
    try trixie
    try bookworm
fi
