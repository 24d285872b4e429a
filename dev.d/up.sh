# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev up: from a bare machine to a gateway that answers, with everything it needs behind it.
#
# Everything it makes is under build/dev. The data, the certificate and the token stay from one `up` to the next; the
# processes end with this script, or with ./dev down after --detach.

# shellcheck source=dev.d/deps.sh
. dev.d/deps.sh
# shellcheck source=dev.d/processes.sh
. dev.d/processes.sh

port=8443
admin_port=9090
page_port=8444
pg_port=
build_type=release
detach=0
is_new=0     # this run made build/dev: if it does not get as far as a gateway that answers, it removes it again
keep=0       # the processes outlive this script
follower=    # shows the gateway's log
database_url=
bin=

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --detach) detach=1 ;;
            --port | --admin-port | --page-port | --pg-port | --build-type)
                [ $# -ge 2 ] || wrong_usage "up: $1 needs a value"
                case $1 in
                    --port) port=$2 ;;
                    --admin-port) admin_port=$2 ;;
                    --page-port) page_port=$2 ;;
                    --pg-port) pg_port=$2 ;;
                    --build-type) build_type=$2 ;;
                esac
                shift
                ;;
            *) wrong_usage "up: unknown argument: $1" ;;
        esac
        shift
    done
    case $build_type in dev | asan | release) ;; *) wrong_usage "up: --build-type is dev, asan or release" ;; esac
    for_ports check_number
    [ -z "$(printf '%s\n' "$port" "$admin_port" "$page_port" ${pg_port:+"$pg_port"} | sort | uniq -d)" ] ||
        wrong_usage "up: two of the ports are the same"
}

for_ports() { # for_ports <function>: with the option and the value of each
    "$1" --port "$port"
    "$1" --admin-port "$admin_port"
    "$1" --page-port "$page_port"
    [ -z "$pg_port" ] || "$1" --pg-port "$pg_port"
}

check_number() {
    if [[ ! $2 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$2" -gt 65535 ]; then
        wrong_usage "up: $1 is not a port number: $2"
    fi
}

check_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null ||
        die "port $2 is in use by another program; choose one with $1"
}

free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    end_step
    [ "$keep" = 0 ] || exit "$status"
    if [ -e "$state/running" ]; then
        say "stopping"
        stop_all
    fi
    [ -z "$follower" ] || kill "$follower" 2>/dev/null || true
    if [ "$is_new" = 1 ]; then
        postgres_remove
        rm -rf "$state"
    fi
    exit "$status"
}

make_state() {
    [ -d "$state" ] || is_new=1
    (umask 022 && mkdir -p "$state")
    note_process up $$
}

make_certificate() {
    local cert=$state/cert.pem key=$state/key.pem
    if [ -e "$key" ] && openssl x509 -in "$cert" -noout -checkend 86400 >/dev/null 2>&1; then
        return 0
    fi
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
        -subj '/CN=SkillReg gateway, development' -keyout "$key" -out "$cert" \
        -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -addext 'basicConstraints=critical,CA:TRUE' \
        -addext 'keyUsage=critical,digitalSignature,keyCertSign') 2>&1
}

# Without a port that was asked for: another program may take a free one before PostgreSQL does.
start_postgres() {
    if [ -n "$pg_port" ]; then
        postgres_start "$pg_port"
        return
    fi
    local try
    for try in 1 2 3 4 5; do
        pg_port=$(free_port)
        say "try $try: port $pg_port"
        postgres_start "$pg_port" && return
    done
    return 1
}

start_database() {
    local password
    if ! pg_run test -e "$(pg_dir)/data/PG_VERSION" 2>/dev/null; then
        step "making a PostgreSQL" postgres_init || die "PostgreSQL could not be made"
    fi
    step "starting PostgreSQL" start_postgres || die "PostgreSQL did not start"
    password=$(<"$state/pg.password")
    database_url=postgresql://skillreg:$password@127.0.0.1:$pg_port/skillreg
    step "making the database" postgres_make_database "$pg_port" "$password" ||
        die "the database could not be made"
    export DATABASE_URL=$database_url
    step "migrating" "$bin/skillreg-gateway" migrate || die "the migration failed"
}

# The token is kept in a file of its own: the gateway cannot show it again.
make_token() {
    local output
    [ ! -s "$state/token" ] || return 0
    output=$("$bin/skillreg-gateway" org create acme 2>&1) ||
        [[ $output == *exist* || $output == *already* ]] || die "org create acme: $output"
    output=$("$bin/skillreg-gateway" token create --org acme --name dev-admin --scopes admin --json) ||
        die "token create failed"
    (umask 077 && /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])' \
        <<<"$output" >"$state/token")
}

start_registry() {
    rm -f "$state/registry.port"
    setsid /usr/bin/python3 docker/dev/registry.py --port 0 --port-file "$state/registry.port" \
        >"$state/registry.log" 2>&1 </dev/null &
    note_process registry $!
    step "starting the demonstration registry" await registry 10 test -s "$state/registry.port" ||
        die "the demonstration registry did not start: $(tail -n 1 "$state/registry.log")"
}

start_gateway() {
    local log=$state/gateway.log
    setsid "$bin/skillreg-gateway" --listen-https "127.0.0.1:$port" \
        --listen-admin "127.0.0.1:$admin_port" --tokens-page "127.0.0.1:$page_port" --drain-delay 0s --tls-cert "$state/cert.pem" --tls-key "$state/key.pem" \
        --upstream "http://127.0.0.1:$(<"$state/registry.port")" >"$log" 2>&1 </dev/null &
    note_process gateway $!
    step "starting the gateway" await gateway 30 \
        curl -sf --noproxy '*' -o /dev/null "http://127.0.0.1:$admin_port/readyz" ||
        die "the gateway did not start: $(tail -n 1 "$log")"
}

# await <name> <seconds> <command...>: until the command succeeds while the process runs; fails when the process ends
# or the time is over.
await() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        running_pid "$name" >/dev/null || return 1
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
    running_pid "$name" >/dev/null
}

# A token that was revoked since the last time is replaced.
check_token() {
    local status
    status=$(curl -s --noproxy '*' --cacert "$state/cert.pem" -o /dev/null -w '%{http_code}' -H @- \
        "https://127.0.0.1:$port/api/v1/auth/whoami" <<<"Authorization: Bearer $(<"$state/token")") || true
    if [ "$status" = 401 ]; then
        rm "$state/token"
        make_token
    fi
}

write_env() {
    (
        umask 077
        cat >"$state/env" <<TEXT
SKILLREG_URL=https://127.0.0.1:$port
SKILLREG_TOKEN=$(<"$state/token")
SKILLREG_ORG=acme
SSL_CERT_FILE=$(printf %q "$state/cert.pem")
CURL_CA_BUNDLE=$(printf %q "$state/cert.pem")
DATABASE_URL=$database_url
GATEWAY_ADMIN_URL=http://127.0.0.1:$admin_port
GATEWAY_UPSTREAM=http://127.0.0.1:$(<"$state/registry.port")
PATH=$(printf %q "$bin"):\$PATH
export SKILLREG_URL SKILLREG_TOKEN SKILLREG_ORG SSL_CERT_FILE CURL_CA_BUNDLE
export DATABASE_URL GATEWAY_ADMIN_URL GATEWAY_UPSTREAM PATH
TEXT
        chmod 600 "$state/env"
    )
}

say_what_next() {
    cat <<TEXT

The gateway answers on https://127.0.0.1:$port, its health and metrics on http://127.0.0.1:$admin_port.
Its page of the tokens is https://127.0.0.1:$page_port/tokens; sign in with the token of build/dev/token.
$([ "$detach" = 1 ] && echo "Try, and stop it with ./dev down:" || echo "Ctrl-C stops it. Try, in a second terminal:")

  . build/dev/env
  skillreg whoami
  skillreg token create --name ci-deploy
  skillreg token list
  curl "\$SKILLREG_URL/api/v1/orgs/acme/skills" -H "Authorization: Bearer \$SKILLREG_TOKEN"
  curl "\$GATEWAY_ADMIN_URL/metrics"

TEXT
}

# In the foreground the gateway's log is shown as it is written; this ends when the gateway does.
follow_gateway() {
    local pid status=0
    pid=$(running_pid gateway) || die "the gateway ended: $(tail -n 1 "$state/gateway.log")"
    tail -n +1 -f --pid="$pid" "$state/gateway.log" &
    follower=$!
    wait "$pid" || status=$?
    [ "$status" -eq 0 ] || die "the gateway ended with status $status"
}

dev_up() {
    local pid
    read_options "$@"
    if pid=$(running_pid gateway); then
        die "already running (process $pid): ./dev down stops it"
    fi
    for_ports check_free
    dev_deps up
    build "$build_type" all || die "the build failed"
    bin=$PWD/build/cmake/$build_type/bin
    [ ! -e "$state/running" ] || step "stopping what an earlier run left" stop_all

    for_ports check_free # again: installing and building take their time

    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    make_state
    step "making a certificate" make_certificate || die "openssl could not make a certificate"
    start_database
    make_token
    start_registry
    start_gateway
    check_token
    write_env
    is_new=0
    say_what_next
    if [ "$detach" = 1 ]; then
        keep=1
    else
        follow_gateway
    fi
}
