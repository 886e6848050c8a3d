# Sourced by the benchmarks of the engine: a database with the schema, events, and the CPU time that statements take.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=deploy/common.sh
. deploy/common.sh
# shellcheck source=deploy/temporary-postgres.sh
. deploy/temporary-postgres.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/torq-benchmark.XXXXXX")
benchmark_database=
stop() {
    status=$?
    trap - EXIT
    [ -z "$benchmark_database" ] || [ -n "$postmaster" ] ||
        psql "$server_url" -Xqc "DROP DATABASE IF EXISTS $benchmark_database WITH (FORCE)" >/dev/null 2>&1 || true
    stop_postgres
    rm -rf "$work"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# number NAME VALUE LEAST MOST: dies unless VALUE is a whole number within the two.
number() {
    [[ $2 =~ ^[0-9]{1,9}$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || die "$1 must be a whole number from $3 to $4, not $2"
}

# A new database on the server that is there, or on one of its own; sets url.
open_database() {
    start_postgres "$work" -c shared_buffers=1GB -c max_wal_size=8GB -c autovacuum=off
    server_url=$TORQ_TEST_DATABASE_URL
    benchmark_database=torq_benchmark_$$
    psql "$server_url" -Xqc "CREATE DATABASE $benchmark_database" || die "the database does not let itself be made"
    case "$server_url" in
    *\?*) url=${server_url/\/postgres\?/\/$benchmark_database\?} ;;
    *) url=${server_url%/*}/$benchmark_database ;;
    esac
    [ "$url" != "$server_url" ] || die "the URL must name the database postgres: …/postgres?…"
    sql_file sql/monitoring_schema.sql
    sql_file deploy/benchmarks/support.sql
}

sql_file() { psql "$url" -XqAt -v ON_ERROR_STOP=1 "${@:2}" -f "$1" >/dev/null; }
sql() { psql "$url" -XqAt -v ON_ERROR_STOP=1 -c "SET max_parallel_workers_per_gather = 0" -c "SET jit = off" -c "$1"; }

# median: of the numbers on standard input.
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.1f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# repeat N COMMAND…: the median of what the command prints.
repeat() {
    local n=$1
    shift
    for _ in $(seq "$n"); do "$@"; done | median
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
