# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What ./dev up started, so that it and ./dev down stop exactly that.
#
# build/dev/running holds one line for each process: name, pid, and the start time of that pid, without which a
# recycled pid would be someone else's process.

state=$PWD/build/dev

start_time() { # of a pid, in clock ticks since boot; fails when there is no such process
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    # Field 22; the second, the program's name in parentheses, may hold blanks.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "$1" != Z ] && printf '%s\n' "${20}"
}

note_process() { # note_process <name> <pid>
    printf '%s %s %s\n' "$1" "$2" "$(start_time "$2")" >>"$state/running"
}

# The pid that the name was noted with, if that process still runs.
running_pid() {
    local name pid started
    [ -e "$state/running" ] || return 1
    while read -r name pid started; do
        if [ "$name" = "$1" ] && [ "$(start_time "$pid")" = "$started" ]; then
            printf '%s\n' "$pid"
            return 0
        fi
    done <"$state/running"
    return 1
}

# stop_process <name> <seconds>: asks, waits, insists.
stop_process() {
    local pid deadline=$((SECONDS + $2))
    pid=$(running_pid "$1") || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    while running_pid "$1" >/dev/null; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            kill -KILL "$pid" 2>/dev/null || true
            return 0
        fi
        sleep 0.1
    done
}

# The gateway first, so that it drains while its database and its upstream are still there.
stop_all() {
    stop_process gateway 40
    stop_process registry 5
    postgres_stop
    rm -f "$state/running" "$state/registry.port"
}

# PostgreSQL refuses root, and the account it then runs as may not reach a project in root's own folders: the data lives
# in build/dev/pg when it can and in a private folder under /var/tmp otherwise. build/dev/pg.where says where.

pg_dir() { cat "$state/pg.where" 2>/dev/null; }

pg_run() { # as the account that owns the data
    local user=postgres
    if [ "$(id -u)" -ne 0 ]; then
        (cd / && "$@")
    else
        id "$user" >/dev/null 2>&1 || user=nobody
        (cd / && setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@")
    fi
}

pg_program() { # pg_program <name>: of the version that made the data, else the newest one
    local version
    version=$(pg_run cat "$(pg_dir)/data/PG_VERSION" 2>/dev/null) || version='*'
    # shellcheck disable=SC2086
    printf '%s\n' /usr/lib/postgresql/$version/bin/"$1" | sort -V | tail -n 1
}

postgres_make_folder() {
    local dir=$state/pg
    mkdir -p "$dir"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$(pg_run id -u):$(pg_run id -g)" "$dir"
        if ! pg_run test -w "$dir"; then
            rmdir "$dir"
            dir=$(mktemp -d /var/tmp/skillreg-dev.XXXXXX)
            chown "$(pg_run id -u):$(pg_run id -g)" "$dir"
        fi
    fi
    chmod 700 "$dir"
    printf '%s\n' "$dir" >"$state/pg.where"
}

postgres_init() {
    local dir
    postgres_make_folder
    dir=$(pg_dir)
    (umask 077 && openssl rand -hex 24 >"$state/pg.password")
    # shellcheck disable=SC2016
    pg_run sh -c 'umask 077 && cat >"$1/password"' sh "$dir" <"$state/pg.password"
    pg_run "$(pg_program initdb)" -D "$dir/data" --username=skillreg --pwfile="$dir/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync || return 1
    pg_run rm "$dir/password"
}

postgres_start() { # postgres_start <port>
    local dir
    dir=$(pg_dir)
    if ! pg_run "$(pg_program pg_ctl)" -D "$dir/data" -l "$dir/log" -w -t 60 \
        -o "-p $1 -c listen_addresses=127.0.0.1 -c unix_socket_directories=" start; then
        pg_run tail -n 20 "$dir/log"
        return 1
    fi
    note_process postgres "$(pg_run head -n 1 "$dir/data/postmaster.pid")"
}

postgres_make_database() { # postgres_make_database <port> <password>: the database skillreg, once
    local -x PGHOST=127.0.0.1 PGPORT=$1 PGUSER=skillreg PGPASSWORD=$2 PGDATABASE=postgres
    local found
    found=$(psql -qAt -c "select 1 from pg_database where datname = 'skillreg'") || return 1
    [ "$found" = 1 ] || psql -q -c 'create database skillreg'
}

postgres_stop() {
    running_pid postgres >/dev/null || return 0
    pg_run "$(pg_program pg_ctl)" -D "$(pg_dir)/data" -m fast -w -t 30 stop >/dev/null 2>&1 ||
        stop_process postgres 5
}

postgres_remove() {
    local dir
    dir=$(pg_dir) && [ -n "$dir" ] || return 0
    rm -rf "$dir"
}
