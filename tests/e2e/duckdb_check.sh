#!/usr/bin/env bash
# Other programs read a log as it is: DuckDB through docs/events.duckdb.sql, pyarrow, jq.
#   tests/e2e/duckdb_check.sh [DIR…]   directories of logs; without one, a log with late kinds is made
# PYTHON names an interpreter that has duckdb and pyarrow.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
view=$PWD/docs/events.duckdb.sql

if [ $# -eq 0 ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    cargo run --locked --quiet --package e2e -- late-kinds "$scratch/late-kinds"
    set -- "$scratch/late-kinds"
fi
for dir; do
    printf '%s\n' "$dir"
    "${PYTHON:-python3}" -B "$here/duckdb_check.py" "$dir" "$view"
done
