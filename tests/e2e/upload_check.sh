#!/usr/bin/env bash
# What a server of S3 has of a log whose program is killed over and over, and which is itself away in between, is what stands in
# the journal, each event once; and so it is when prompts have expired in both, and then whole days, by runs that are killed likewise.
#   tests/e2e/upload_check.sh
# MOTO names a virtual environment with moto's server and PYTHON an interpreter with pyarrow; where one cannot be had, it is skipped and
# that is said. LLM_AUDIT_KILL_LOOPS (20) says how often the program is killed. Everything runs on loopback.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
moto=${MOTO:-$HOME/.cache/llm-audit-ci/moto} python=${PYTHON:-python3}
[ -x "$moto/bin/moto_server" ] || { echo "skipped: no moto in $moto (pip install 'moto[s3,server]')"; exit 0; }
"$python" -c 'import pyarrow' 2>/dev/null || { echo "skipped: $python has no pyarrow"; exit 0; }
cargo build --locked --quiet --package e2e
e2e=${CARGO_TARGET_DIR:-target}/debug/e2e
scratch=$(mktemp -d)
server='' proxy='' cycle=''
stop() { [ -z "$1" ] || { kill -9 "$1" && wait "$1"; } 2>/dev/null || true; }
trap 'stop "$cycle"; stop "$server"; [ ! -s "$scratch/proxy" ] || kill -9 "$(cat "$scratch/proxy")" 2>/dev/null || true; rm -rf "$scratch"' EXIT

read -r port front < <("$python" -c 'import socket
found = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in found))')
"$moto/bin/moto_server" -H 127.0.0.1 -p "$port" >"$scratch/server.log" 2>&1 &
server=$!
export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret AWS_DEFAULT_REGION=us-east-1
ask() { "$moto/bin/python" -B - "http://127.0.0.1:$port" "$@"; }
for _ in $(seq 120); do
    ask 2>/dev/null <<<'import boto3, sys; boto3.client("s3", endpoint_url=sys.argv[1]).create_bucket(Bucket="logs")' && break
    kill -0 "$server" 2>/dev/null || { tail -5 "$scratch/server.log"; echo 'skipped: moto does not start here'; exit 0; }
    sleep 0.5
done

# Connections go through a program that is killed every few seconds and stays away for a while.
forward() { "$python" -B "$here/forward.py" "$front" "$port" & echo $! >"$scratch/proxy"; }
disturb() {
    while sleep "$((1 + RANDOM % 3)).$((RANDOM % 10))"; do
        kill -9 "$(cat "$scratch/proxy")" || true
        sleep 0.$((RANDOM % 10))
        forward
    done
}

# Runs a command of the program so many times, each killed at some moment, and then once to its end.
killed=0
sweep() {
    local loops=$1
    shift
    forward
    disturb 2>/dev/null &
    cycle=$!
    for _ in $(seq "$loops"); do
        "$e2e" "$@" >"$scratch/out" 2>&1 &
        writer=$!
        sleep "$((RANDOM % 3)).$((RANDOM % 10))"
        kill -9 "$writer" 2>/dev/null && killed=$((killed + 1)) || true
        wait "$writer" 2>/dev/null || true
    done
    stop "$cycle"
    cycle=''
    kill -9 "$(cat "$scratch/proxy")" 2>/dev/null || true
    forward
    "$e2e" "$@"
    kill -9 "$(cat "$scratch/proxy")" 2>/dev/null || true
}
log=$scratch/log url=http://127.0.0.1:$front loops=${LLM_AUDIT_KILL_LOOPS:-20}

# Small files in one request each, then files that go in parts.
sweep "$loops" upload "$log" "$url" 400 65536
sweep "$((loops / 4))" upload "$log" "$url" 4000 12000000
printf 'the program was killed %s times\n' "$killed"
"$e2e" uploaded "$scratch/log" "http://127.0.0.1:$port"
left=$(find "$scratch/log/staging" -name '*.parquet' | wc -l)
[ "$left" -eq 0 ] || { echo "$left files were uploaded and not removed"; exit 1; }
"$python" -B "$here/upload_check.py" "$scratch/log/journal" "127.0.0.1:$port" logs/audit/e2e
ask <<'PY'
import boto3, sys
s3 = boto3.client("s3", endpoint_url=sys.argv[1])
objects = s3.get_paginator("list_objects_v2").paginate(Bucket="logs")
sizes = [one["Size"] for page in objects for one in page.get("Contents", [])]
parts = s3.list_multipart_uploads(Bucket="logs").get("Uploads", [])
print(f"{len(sizes)} objects of {sum(sizes) / 1e6:.1f} MB, the largest of {max(sizes) / 1e6:.1f} MB; {len(parts)} uploads that a kill cut off")
assert max(sizes) > 8 << 20, "no object went in parts"
PY

killed=0
sweep "$((loops / 2))" expire "$log" "$url" prompts
printf 'runs of the retention were killed %s times\n' "$killed"
"$e2e" uploaded "$log" "http://127.0.0.1:$port"
"$python" -B "$here/upload_check.py" "$log/journal" "127.0.0.1:$port" logs/audit/e2e without-prompts
sweep "$((loops / 2))" expire "$log" "$url" days
# A segment is deleted once the sink has it: what the last run brought there goes with the next one.
sweep 0 expire "$log" "$url" days
"$e2e" uploaded "$log" "http://127.0.0.1:$port"
"$python" -B "$here/upload_check.py" "$log/journal" "127.0.0.1:$port" logs/audit/e2e
ask <<'PY'
import boto3, sys
s3 = boto3.client("s3", endpoint_url=sys.argv[1])
objects = s3.get_paginator("list_objects_v2").paginate(Bucket="logs")
days = {one["Key"].split("/")[-2] for page in objects for one in page.get("Contents", [])}
assert all(day.startswith("date=2040-") for day in days), f"expired days are still there: {sorted(days)}"
print(f"of the first days no object is left; there are {sorted(days)}")
PY
