# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev down [--purge]: stops what ./dev up started, wherever that was; --purge also removes its data.

# shellcheck source=dev.d/processes.sh
. dev.d/processes.sh

dev_down() {
    local purge=0 pid
    if [ "${1:-}" = --purge ]; then
        purge=1
        shift
    fi
    no_arguments down "$@"
    # A foreground `up` stops its own.
    if pid=$(running_pid up); then
        kill -TERM "$pid" 2>/dev/null || true
        while running_pid up >/dev/null; do sleep 0.1; done
    fi
    [ ! -e "$state/running" ] || step "stopping" stop_all
    if [ "$purge" = 1 ] && [ -d "$state" ]; then
        postgres_remove
        rm -rf "$state"
    fi
}
