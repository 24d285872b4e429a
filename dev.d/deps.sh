# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ./dev deps: what building, running and testing need, from the machine's own package sources.
#
# Asks apt only when something is missing. Debian 12 has neither llhttp 9 nor Mbed TLS 3.6: there the two -dev packages
# of Debian 13, which carry static libraries, are unpacked under build/deps/root and the system stays as it is.

build_packages=(gcc libc6-dev cmake ninja-build pkgconf libuv1-dev libpq-dev libcurl4-openssl-dev
    libutf8proc-dev nettle-dev libjsmn-dev libcsv-dev libcmocka-dev)
deb_packages=(dpkg-dev file git) # for cpack, and for the date of the commit
run_packages=(postgresql python3 curl openssl ca-certificates)
# clang-tidy reads the header of the sanitizers, which is in a package of its own.
test_packages=(gnutls-bin python3-pytest python3-pytest-xdist python3-psycopg2 python3-yaml python3-jsonschema clang-format clang-tidy libclang-rt-dev
    lld cppcheck shellcheck zsh fish mandoc)
# That stand before the gateway, ask it, or stand behind it, in the tests.
server_packages=(nginx caddy haproxy pgbouncer prometheus)
# For the page of the tokens. Without a browser its tests are skipped, by name.
browser_packages=(chromium chromium-driver python3-selenium)
fuzz_packages=(clang llvm libclang-rt-dev)
newer_packages=(libllhttp-dev libmbedtls-dev)
os_release=${GATEWAY_OS_RELEASE:-/etc/os-release} # another one in a test

# dev_deps [package|up|fuzz]: the packages of one purpose, or all that `./dev test` needs.
dev_deps() {
    local packages=("${build_packages[@]}" "${run_packages[@]}")
    case ${1:-all} in
        package) packages=("${build_packages[@]}" "${deb_packages[@]}") ;;
        up) ;;
        fuzz) packages+=("${fuzz_packages[@]}") ;;
        all) packages+=("${test_packages[@]}") ;;
        *) wrong_usage "deps: unknown purpose: $1" ;;
    esac
    if [ -n "${SKIP_DEPS:-}" ]; then
        say_next "${1:-all}"
        return 0
    fi
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        die "no apt-get here: install ${packages[*]} ${newer_packages[*]} yourself, then set SKIP_DEPS=1"
    fi
    is_new_enough || die "$(system_name) has no Mbed TLS 3.6.6 or newer (Ubuntu 24.04 has 2.28), so the gateway cannot be built from \
its packages: build on Debian 12 or 13, or run the image of docker/Dockerfile. With one of your own: SKIP_DEPS=1"
    needs_newer || packages+=("${newer_packages[@]}")
    install_missing "${packages[@]}"
    [ "${1:-all}" != all ] || install_idle "${server_packages[@]}"
    [ "${1:-all}" != all ] || install_browser
    ! needs_newer || fetch_newer
    say_next "${1:-all}"
}

say_next() { # say_next <purpose>
    [ "$1" != package ] || say "Next: cmake --preset release && cmake --build build/cmake/release && \
(cd build/cmake/release && cpack -G DEB)    (docs/installing.md)"
}

install_browser() {
    (install_missing "${browser_packages[@]}") || say "no browser could be installed: the tests that need one are skipped"
    install_axe
}

# axe-core, which looks for what keeps people out of a page: at the version and with the digest of the lock file.
install_axe() {
    local dir=$PWD/build/browser lists=tests/e2e/browser
    ! cmp -s "$lists/package-lock.json" "$dir/.installed" || return 0
    if ! command -v npm >/dev/null; then
        say "no npm here: the tests of accessibility are skipped"
        return 0
    fi
    rm -rf "$dir"
    mkdir -p "$dir"
    cp "$lists/package.json" "$lists/package-lock.json" "$dir"
    if step "fetching axe-core" npm --prefix "$dir" ci --ignore-scripts --no-audit --no-fund; then
        cp "$lists/package-lock.json" "$dir/.installed"
    else
        say "axe-core could not be fetched: the tests of accessibility are skipped"
    fi
}

# True where the system's own llhttp and Mbed TLS are too old or not there.
needs_newer() {
    local ID='' VERSION_ID=''
    # shellcheck source=/dev/null
    . "$os_release"
    [ "$ID" = debian ] && [ "${VERSION_ID%%.*}" = 12 ]
}

# False on Ubuntu 24.04 and what is older.
is_new_enough() {
    local ID='' VERSION_ID=''
    # shellcheck source=/dev/null
    . "$os_release"
    [ "$ID" != ubuntu ] || [ "${VERSION_ID%%.*}" -gt 24 ]
}

system_name() (
    # shellcheck source=/dev/null
    . "$os_release"
    printf '%s' "$PRETTY_NAME"
)

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i' || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# patiently <command of apt...>: once more where that may help. A mirror that hiccups gets three tries; another apt, perhaps
# one that the machine starts by itself, has five minutes to let go of the lists.
patiently() {
    local failures=0 until=$((SECONDS + 300)) output
    while ! output=$("$@" 2>&1); do
        printf '%s\n' "$output"
        case $output in
            *"Could not get lock"*) [ "$SECONDS" -lt "$until" ] || return 1 ;;
            *) failures=$((failures + 1)) && [ "$failures" -lt 3 ] || return 1 ;;
        esac
        sleep 3
    done
    printf '%s\n' "$output"
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -qq \
        -o APT::Update::Error-Mode=any -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
        -o DPkg::Lock::Timeout=300 "$@"
}

install_missing() {
    local missing hint=''
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "missing: ${missing[*]}. Run as root: apt-get install ${missing[*]}"
    fi
    [ "$(id -u)" -eq 0 ] || sudo -v || die "missing: ${missing[*]}, and sudo refused to install them"
    # A source of the machine's that we need nothing of may be broken: then the packages are found all the same.
    if ! step_lines=4 step "updating the package lists" patiently apt_get update; then
        say "not all of the package lists could be updated, going on with what is there"
        hint=', nor update all of the package lists: is there a network?'
    fi
    case " ${missing[*]} " in *" postgresql "*) install_postgresql ;; esac
    step "installing ${#missing[@]} packages: ${missing[*]}" \
        patiently apt_get install --no-install-recommends "${missing[@]}" ||
        die "could not install: ${missing[*]}$hint"
}

# Such packages would start a server of their own when installed, and again at the next boot. Where they come to the
# machine through us, they do neither.
install_idle() (
    policy=/usr/sbin/policy-rc.d
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || exit 0
    if [ ! -e "$policy" ]; then
        trap 'end_step; as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    install_missing "${missing[@]}"
    ! command -v systemctl >/dev/null || as_root systemctl disable "${missing[@]}" >/dev/null 2>&1 || true
)

# The package would make and start a server of its own on port 5432. Where PostgreSQL comes to the machine through us,
# it is asked not to, for this one installation.
install_postgresql() (
    conf=/etc/postgresql-common/createcluster.conf
    [ -n "$(missing_packages postgresql-common)" ] || exit 0
    trap end_step EXIT
    step "installing postgresql-common" patiently apt_get install --no-install-recommends postgresql-common ||
        die "could not install postgresql-common${hint:-}"
    kept=$(mktemp)
    cp "$conf" "$kept"
    trap 'end_step; as_root sh -c "cat \"$kept\" >$conf"; rm -f "$kept"' EXIT
    as_root sh -c "echo 'create_main_cluster = false' >>$conf"
    step "installing postgresql" patiently apt_get install --no-install-recommends postgresql || true
)

fetch_newer() {
    local dir=$PWD/build/deps
    [ ! -e "$dir/root/.complete" ] || return 0
    rm -rf "$dir"
    mkdir -p "$dir"
    if ! step_lines=0 step "fetching ${newer_packages[*]} of Debian 13" fetch_newer_into "$dir"; then
        rm -rf "$dir"
        die "could not fetch ${newer_packages[*]} from this machine's Debian mirror: is there a network?"
    fi
    rm -rf "$dir/apt"
}

# A private apt: the machine's settings and keys, but its own sources, lists and cache.
fetch_newer_into() {
    local dir=$1 apt=$1/apt mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg deb
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || return 1
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$dir/unpacked"
    cat >"$apt/newer.sources" <<TEXT
Types: deb
URIs: $mirror
Suites: trixie
Components: main
TEXT
    [ ! -e "$keyring" ] || echo "Signed-By: $keyring" >>"$apt/newer.sources"
    local options=(-qq -o "Dir::Etc::sourcelist=$apt/newer.sources" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Dir::State::status=/dev/null
        -o APT::Sandbox::User= -o Acquire::Languages=none -o APT::Update::Error-Mode=any
        -o Acquire::Retries=2 -o Acquire::http::Timeout=20)
    patiently apt-get "${options[@]}" update || return 1
    (cd "$apt/debs" && patiently apt-get "${options[@]}" download "${newer_packages[@]}") || return 1
    for deb in "$apt"/debs/*.deb; do
        dpkg-deb -x "$deb" "$dir/unpacked" || return 1
    done
    touch "$dir/unpacked/.complete"
    mv "$dir/unpacked" "$dir/root"
}

# Where this machine gets its Debian from, whatever the format of its sources: apt itself reads them.
debian_mirror() {
    local VERSION_CODENAME=''
    # shellcheck source=/dev/null
    . /etc/os-release
    apt-get update --print-uris 2>/dev/null |
        sed -n "s|^'\([^']*\)/dists/$VERSION_CODENAME/InRelease'.*|\1|p" | head -n 1
}
