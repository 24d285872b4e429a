#!/bin/bash
# SPDX-License-Identifier: MIT
# A private PostgreSQL for tests: own cluster, own socket directory, no TCP port, nothing durable.
#
#   postgres.sh start <file>    starts one; writes <file>: URL on the first line, directory on the second
#   postgres.sh stop <file>     stops it and removes everything
#   postgres.sh restart <file>  stops it at once and starts it again (the clients see a fast shutdown)
#   postgres.sh halt <file>     stops it only; `resume` starts it again
#   postgres.sh pid <file>      prints the process id of the postmaster
#
# PostgreSQL refuses root: as root everything runs as `postgres` or `nobody`. Exit code 77: PostgreSQL is not installed.
set -eu

action=$1
file=$2

bin=
for candidate in /usr/lib/postgresql/*/bin; do
    [ -x "$candidate/initdb" ] && bin=$candidate # the newest, as the shell sorts
done
if [ -z "$bin" ]; then
    echo "PostgreSQL is not installed: skipped"
    exit 77
fi

as_server() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
        return
    fi
    local user=nobody
    id -u postgres >/dev/null 2>&1 && user=postgres
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"
}

control() { # control <directory> <pg_ctl arguments>
    local directory=$1
    shift
    (cd "$directory" && as_server "$bin/pg_ctl" -D "$directory/data" -s -w -t 120 "$@" </dev/null >/dev/null 2>&1)
}

launch() {
    control "$1" -l "$1/log" -o "-c listen_addresses= -c unix_socket_directories=$1 -c fsync=off \
-c synchronous_commit=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=16MB -c jit=off" start
}

# A test that failed may have left it stopped.
wake() {
    local postmaster
    postmaster=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || return 0
    kill -CONT "$postmaster" 2>/dev/null || return 0
    pkill -CONT -P "$postmaster" || true
}

remove() {
    [ -f "$file" ] || return 0
    local directory
    directory=$(sed -n 2p "$file")
    if [ -d "$directory/data" ]; then
        wake "$directory"
        control "$directory" -m immediate stop || true
        rm -rf "$directory"
    fi
    rm -f "$file"
}

start() {
    remove # a run that was cut off
    local directory
    directory=$(mktemp -d /tmp/gateway-postgres.XXXXXX) # a socket path has room for 107 bytes only
    chmod 0755 "$directory"
    if [ "$(id -u)" = 0 ]; then
        chown "$(id -u postgres 2>/dev/null || id -u nobody)" "$directory"
    fi
    (cd "$directory" && as_server "$bin/initdb" -D "$directory/data" -U tester -A trust -E UTF8 --locale=C.UTF-8 \
        --no-sync >"$directory.initdb" 2>&1) || {
        cat "$directory.initdb"
        rm -rf "$directory" "$directory.initdb"
        exit 1
    }
    rm -f "$directory.initdb"
    launch "$directory" || {
        cat "$directory/log"
        rm -rf "$directory"
        exit 1
    }
    printf '%s\n%s\n' "postgresql://tester@/postgres?host=$directory" "$directory" >"$file"
}

case $action in
    start) start ;;
    stop) remove ;;
    restart)
        directory=$(sed -n 2p "$file")
        control "$directory" -m fast stop
        launch "$directory"
        ;;
    halt) control "$(sed -n 2p "$file")" -m fast stop ;;
    resume) launch "$(sed -n 2p "$file")" ;;
    pid) head -n 1 "$(sed -n 2p "$file")/data/postmaster.pid" ;;
    *)
        echo "unknown action: $action" >&2
        exit 2
        ;;
esac
