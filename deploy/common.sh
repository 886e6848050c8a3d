# Sourced by quickstart, test and the benchmarks: finds Swift, installs the system's packages that are missing, each by its name,
# and runs a PostgreSQL of one's own.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# The packages without which nothing builds or runs. PostgreSQL is both for the embedded cluster and for the tests.
base_packages=(ca-certificates libcurl4-openssl-dev libpq-dev pkg-config postgresql zlib1g-dev)

need_swift() {
    command -v swift >/dev/null 2>&1 || die "no Swift toolchain found: install Swift 6.3 or newer (https://www.swift.org/install/linux/) and put its usr/bin on PATH"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [ -n "$version" ] || die "'swift --version' names no version: is the toolchain complete?"
    [ "$(printf '%s\n' 6.3 "$version" | sort -V | head -n 1)" = 6.3 ] || die "Swift $version found, 6.3 or newer is needed"
}

# as_root COMMAND…: runs it as it is for root, else through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_packages NAME…: installs those that are missing, and nothing else.
need_packages() {
    local missing=() name
    command -v dpkg-query >/dev/null 2>&1 || {
        say "This is no Debian: make sure that what these packages hold is there: $*"
        return 0
    }
    for name in "$@"; do is_installed "$name" || missing+=("$name"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
        die "these packages are missing, and there is no sudo to install them; as root: apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "Installing ${missing[*]} …"
    local log
    log=$(mktemp)
    if ! {
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        die "apt-get could not install ${missing[*]} (its last words stand above; is there a network?)"
    fi
    rm -f "$log"
}

# need_space MEGABYTES: where the build goes.
need_space() {
    local free
    free=$(df -Pm . | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$1" ] || die "$free MB are free here, the build needs $1"
}

# find_postgres: sets pg_bin to the directory of PostgreSQL's programs, 15 or newer.
find_postgres() {
    local candidate
    for candidate in "${PG_BIN_DIR:-}" "$(pg_config --bindir 2>/dev/null || true)" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
        if [ -n "$candidate" ] && [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ]; then
            pg_bin=$candidate
            return 0
        fi
    done
    die "no PostgreSQL programs (initdb, postgres) found: install the package postgresql, or set PG_BIN_DIR"
}

postmaster=
