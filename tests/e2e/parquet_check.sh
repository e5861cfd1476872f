#!/usr/bin/env bash
# Other programs find in Parquet files what is in the journal: pyarrow, DuckDB, polars.
#   tests/e2e/parquet_check.sh [DIR…]   what `--example generate` filled; without one, a small one is made
# PYTHON names an interpreter that has duckdb and pyarrow, and polars if it is to be checked.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
view=$PWD/docs/events.duckdb.sql

if [ $# -eq 0 ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    cargo run --locked --quiet --all-features --example generate -- --events 1000 --seed 1 --dir "$scratch/generated" --days 3
    set -- "$scratch/generated"
    made=yes
fi
made=${made:-}
for dir; do
    printf '%s\n' "$dir"
    "${PYTHON:-python3}" -B "$here/parquet_check.py" "$dir/journal" "$dir/parquet" "$view"
done
if [ -n "$made" ]; then
    # The same of what is left when facets have expired and days were merged, in the journal and in Parquet.
    cargo run --locked --quiet -p e2e -- narrow "$1"
    "${PYTHON:-python3}" -B "$here/parquet_check.py" "$1/journal" "$1/parquet" "$view"
fi
