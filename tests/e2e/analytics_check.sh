#!/usr/bin/env bash
# DuckDB, polars, pyarrow, Spark and the log's own reader answer the ten questions of docs/analytics.md alike, and as the journal does.
#   tests/e2e/analytics_check.sh [EVENTS [DIR]]   so many events, 3000 unless said; into DIR, which stays
# They are asked of what one version wrote, and of files of several versions of which one is missing.
# PYTHON names an interpreter that has duckdb, polars and pyarrow, and pyspark if Spark is to be asked; PROFILE a profile of cargo;
# WITHOUT readers that are not to be asked, with commas.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
python=${PYTHON:-python3} profile=${PROFILE:-dev}
dir=${2:-}
if [ -z "$dir" ]; then
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
fi

built() { # the path of an example
    cargo build --locked --quiet --profile "$profile" --all-features --example "$1" --message-format json |
        "$python" -c "import json, sys
for line in map(json.loads, sys.stdin):
    if line.get('executable'): print(line['executable'])"
}
generate=$(built generate)
QUESTIONS=$(built questions)
export QUESTIONS

"$generate" --events "${1:-3000}" --seed 1 --dir "$dir" --days 7
du -sh "$dir/journal" "$dir/parquet"
printf 'as it was written\n'
"$python" -B "$here/analytics/check.py" "$dir/journal" "$dir/parquet" docs/analytics
printf 'two versions more, and a file that is missing\n'
missing=$("$python" -B "$here/analytics/versions.py" "$dir/parquet" "$dir/versions")
"$python" -B "$here/analytics/check.py" "$dir/journal" "$dir/versions" docs/analytics "$missing"
