# Sourced after common.sh: a PostgreSQL of a script's own, for as long as the script runs.
# shellcheck shell=bash

postmaster=

# start_postgres DIRECTORY [OPTION…]: sets TORQ_TEST_DATABASE_URL to a superuser's URL of a new server in the directory, which exists and is
# nobody else's; OPTIONs go to the server. Does nothing where the variable names a server already.
start_postgres() {
    [ -z "${TORQ_TEST_DATABASE_URL:-}" ] || return 0
    local work=$1
    shift
    find_postgres
    mkdir "$work/socket"
    chmod 755 "$work"
    local as_user=()
    if [ "$(id -u)" -eq 0 ]; then
        id postgres >/dev/null 2>&1 || die "PostgreSQL does not run as root, and there is no user postgres to run it"
        chown postgres "$work" "$work/socket"
        as_user=(setpriv --reuid postgres --regid postgres --clear-groups)
    fi
    "${as_user[@]}" "$pg_bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale C.UTF-8 >"$work/initdb.log" 2>&1 ||
        { cat "$work/initdb.log" >&2; die "initdb failed"; }
    (cd "$work" && exec "${as_user[@]}" "$pg_bin/postgres" -D "$work/data" -c listen_addresses= -c "unix_socket_directories=$work/socket" \
        "$@") >"$work/postgres.log" 2>&1 &
    postmaster=$!
    for _ in $(seq 300); do
        [ ! -S "$work/socket/.s.PGSQL.5432" ] || ! "$pg_bin/pg_isready" -q -h "$work/socket" || break
        kill -0 "$postmaster" 2>/dev/null || { cat "$work/postgres.log" >&2; die "PostgreSQL did not start"; }
        sleep 0.1
    done
    "$pg_bin/pg_isready" -q -h "$work/socket" || die "PostgreSQL was not ready within 30 s"
    export TORQ_TEST_DATABASE_URL="postgresql://postgres@/postgres?host=$work/socket"
}

# stop_postgres: ends the server that start_postgres started, if there is one, within 10 s.
stop_postgres() {
    [ -n "$postmaster" ] && kill -INT "$postmaster" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$postmaster" 2>/dev/null || break
        sleep 0.1
    done
    kill -QUIT "$postmaster" 2>/dev/null || true
}
