#!/bin/bash
# SPDX-License-Identifier: MIT
# A systemctl for test_packages.sh: enabling is systemd's own, starting is what the installed units say, with the parts of systemd
# that need no process 1. Sandboxing is left out.
set -eu
units=/usr/lib/systemd/system
service=$units/skillreg-gateway.service
credentials=/run/credentials/skillreg-gateway.service

values() { sed -n "s/^$1=//p" "$2"; } # values <key> <unit>

start() {
    local line settings=() user
    user=$(values User "$service")
    install -d -o "$user" -m 0500 "$credentials"
    for line in $(values LoadCredential "$service"); do
        install -o "$user" -m 0400 "${line#*:}" "$credentials/${line%%:*}"
    done
    while IFS= read -r line; do
        settings+=("${line//%d/$credentials}")
    done < <(values Environment "$service"; grep -hE '^[A-Z]' "$(values EnvironmentFile "$service")")
    (cd / && exec systemd-socket-activate --listen "$(values ListenStream "$units/skillreg-gateway.socket")" \
        --fdname "$(values FileDescriptorName "$units/skillreg-gateway.socket")" \
        setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all \
        env "${settings[@]}" "$(values ExecStart "$service")") &
    for _ in $(seq 50); do # the first connection starts it
        ! (exec 3<>/dev/tcp/127.0.0.1/443) 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}

case $1 in
    enable)
        shift 2
        /usr/bin/systemctl enable "$@"
        start
        ;;
    stop | daemon-reload) ;; # the session ends what it started
    *) exec /usr/bin/systemctl "$@" ;;
esac
