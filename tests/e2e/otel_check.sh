#!/usr/bin/env bash
# What Phoenix and MLflow hold of a journal that is exported to them twice is what stands in the journal.
#   tests/e2e/otel_check.sh phoenix|mlflow
# PHOENIX and MLFLOW name directories of virtual environments with `arize-phoenix` and `mlflow`; where a server cannot be
# had, it is skipped and that is said. Everything runs on loopback. SHOWN names a file for what the server holds of one
# event of each operation; with KEEP it stays up for so many seconds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
backend=$1
scratch=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT

read -r port grpc < <(python3 -c 'import socket
found = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in found))')
url=http://127.0.0.1:$port
case $backend in
    phoenix)
        venv=${PHOENIX:-$HOME/.cache/llm-audit-ci/phoenix}
        [ -x "$venv/bin/phoenix" ] || { echo "skipped: no Phoenix in $venv (pip install arize-phoenix)"; exit 0; }
        PHOENIX_WORKING_DIR=$scratch/store PHOENIX_HOST=127.0.0.1 PHOENIX_PORT=$port PHOENIX_GRPC_PORT=$grpc \
            PHOENIX_TELEMETRY_ENABLED=false "$venv/bin/phoenix" serve >"$scratch/server.log" 2>&1 &
        headers=(--profile openinference)
        ;;
    mlflow)
        venv=${MLFLOW:-$HOME/.cache/llm-audit-ci/mlflow}
        [ -x "$venv/bin/mlflow" ] || { echo "skipped: no MLflow in $venv (pip install mlflow)"; exit 0; }
        mkdir -p "$scratch/store"
        MLFLOW_DISABLE_TELEMETRY=true "$venv/bin/mlflow" server --host 127.0.0.1 --port "$port" --workers 1 \
            --backend-store-uri "sqlite:///$scratch/store/mlflow.db" >"$scratch/server.log" 2>&1 &
        headers=(--header x-mlflow-experiment-id=0)
        ;;
    *) echo "usage: $0 phoenix|mlflow" >&2; exit 2 ;;
esac
server=$!
for _ in $(seq 240); do
    python3 -c "import urllib.request as u; u.urlopen('$url', timeout=2)" 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || { tail -5 "$scratch/server.log"; echo "skipped: $backend does not start here"; exit 0; }
    sleep 0.5
done

cargo build --locked --quiet --features otlp --example export
export=${CARGO_TARGET_DIR:-target}/debug/examples/export
cargo run --locked --quiet --package e2e -- otel "$scratch/journal"
cp -r "$scratch/journal" "$scratch/as-written"
# The second run has forgotten what the first has sent.
for run in first second; do
    "$export" --journal "$scratch/journal" --otlp "$url" --content span \
        --state "$scratch/$run.json" "${headers[@]}"
done
"$venv/bin/python" "$here/otel_check.py" "$backend" "$url" "$scratch/as-written" "$scratch/store"
if [ -n "${KEEP:-}" ]; then echo "$url is up for $KEEP seconds"; sleep "$KEEP"; fi
