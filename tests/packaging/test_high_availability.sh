#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/high-availability.md as it stands: three PostgreSQL under Patroni with etcd, gateways with all of them in their URL and behind
# HAProxy; the primary is switched, killed and cut off under load. In a network of its own, where only the loopback device is.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
skip() {
    printf 'SKIPPED %s: %s\n' "$(basename "$0" .sh)" "$*"
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
unshare --net true 2>/dev/null || skip "this machine does not let us make network namespaces"
cd "$project"
for program in patroni etcd iptables ip; do
    command -v "$program" >/dev/null || skip "needs the packages patroni, etcd-server, iptables and iproute2"
done
unshare --net iptables -L >/dev/null 2>&1 || skip "this machine does not let us use iptables"

./dev deps
log=$(mktemp)
trap 'rm -f "$log"' EXIT
(cmake --preset dev && cmake --build build/cmake/dev -j "$(nproc)" --target skillreg-gateway) >"$log" 2>&1 || {
    tail -n 40 "$log"
    exit 1
}
export GATEWAY_BUILD_DIR=$project/build/cmake/dev PYTHONDONTWRITEBYTECODE=1
unshare --net bash -c 'ip link set lo up && exec "$@"' bash \
    /usr/bin/python3 -m pytest -p no:cacheprovider -q -s -c /dev/null --rootdir "$project" --confcutdir "$project/tests/packaging" \
    "$project/tests/packaging/high_availability.py"
