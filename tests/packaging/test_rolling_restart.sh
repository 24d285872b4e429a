#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Restarts one after another of three gateways behind HAProxy (TCP, HTTP) and nginx, with the checks and the delays that
# docs/restarts.md documents: what tests/e2e/test_rolling_restart.py does in little.
#
# usage: test_rolling_restart.sh [number of restarts behind each balancer]
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$project"
./dev deps
cmake --preset dev >/dev/null
cmake --build build/cmake/dev -j "$(nproc)" --target skillreg-gateway skillreg
export GATEWAY_BUILD_DIR=$project/build/cmake/dev ROLLING_RESTARTS=${1:-10} PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 -m pytest -p no:cacheprovider -q -s -k restarts "$project/tests/e2e/test_rolling_restart.py"
