# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev bench: installs the peers and the load generator, builds, and hands over to bench/load.

# shellcheck source=dev.d/deps.sh
. dev.d/deps.sh

# OpenSSL for the load of the TLS cases alone, cryptography to sign identity tokens
bench_packages=(wrk haproxy nginx libssl-dev python3-cryptography)
bench_dir=$PWD/build/bench
bench_bin=$PWD/build/cmake/bench/bin
node=
node_major_min=20 # what Fastify 5 asks for

bench_load() { # with bench/ as the place where python finds the package
    PYTHONPATH=$PWD/bench PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m load \
        --bin "$bench_bin" --node "${node:-node}" --node-folder "$bench_dir/node" "$@"
}

node_is_new_enough() {
    local version
    version=$("$1" --version 2>/dev/null) || return 1
    version=${version#v}
    [ "${version%%.*}" -ge "$node_major_min" ]
}

# Debian 12 has Node.js 18: there a newer one comes from npm, into build/bench alone.
find_node() {
    local runtime=$bench_dir/runtime machine
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        [ -z "${SKIP_DEPS:-}" ] || die "bench: node and npm are needed"
        if command -v node >/dev/null; then install_missing npm; else install_missing nodejs npm; fi
    fi
    node=$(command -v node)
    ! node_is_new_enough "$node" || return 0
    case $(uname -m) in aarch64) machine=arm64 ;; *) machine=x64 ;; esac
    node=$runtime/node_modules/node-linux-$machine/bin/node
    node_is_new_enough "$node" || step "fetching Node.js 22 from npm" npm install --prefix "$runtime" \
        --no-audit --no-fund --ignore-scripts --no-save "node-linux-$machine@22" ||
        die "bench: no Node.js of version $node_major_min or newer, and npm could not fetch one"
}

install_fastify() {
    local from=bench/load/fastify to=$bench_dir/node
    mkdir -p "$to"
    cp "$from/server.mjs" "$to/"
    if ! cmp -s "$from/package-lock.json" "$to/installed-lock.json"; then
        cp "$from/package.json" "$from/package-lock.json" "$to/"
        step "installing Fastify and pg from npm" npm ci --prefix "$to" --no-audit --no-fund --ignore-scripts ||
            die "bench: npm could not install Fastify and pg"
        cp "$from/package-lock.json" "$to/installed-lock.json"
    fi
}

build_bench() {
    step "configuring build/cmake/bench" cmake --preset release -B build/cmake/bench -DGATEWAY_BENCH=ON &&
        step "building build/cmake/bench" cmake --build build/cmake/bench -j "$(jobs_max)" \
            --target skillreg-gateway bench_micro bench_tls bench_bare bench_turns
}

dev_bench() {
    case " $* " in *" --help "* | *" -h "*) bench_load --help; return ;; esac
    if [ "$*" = --publish ]; then
        PYTHONPATH=$PWD/bench PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m load.publish
        return
    fi
    bench_load --check "$@" || return 2
    dev_deps up
    build_bench || die "the build failed"
    if [ "$*" != micro ]; then
        [ -n "${SKIP_DEPS:-}" ] || install_idle "${bench_packages[@]}"
        find_node
        install_fastify
    fi
    bench_load "$@"
}
