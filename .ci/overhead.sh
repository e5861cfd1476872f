#!/usr/bin/env bash
# What adding the crate costs an application, beside the tracing stack that it may have already:
# crates, CPU seconds of a clean release build, and size of the stripped program. Prints a Markdown
# table and fails when llm-audit is over its limits. Takes a minute or two of CPU.
#   .ci/overhead.sh [PROGRAM…]      the programs are in .ci/overhead/
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

max_crates=45         # without what build scripts need
max_cpu_ratio=1.6     # of the tracing stack
max_binary_kib=1536   # above the empty program

declare -A dependencies=(
    [nothing]=''
    [llm-audit]="llm-audit = { path = \"$root\" }"
    [tracing-stack]='tracing = "0.1"
tracing-subscriber = { version = "0.3", features = ["env-filter", "fmt", "json"] }
tracing-appender = "0.2"'
    [tracing-lean]='tracing = "0.1"
tracing-subscriber = { version = "0.3", features = ["json"] }
tracing-appender = "0.2"'
)
programs=("$@")
[ ${#programs[@]} -gt 0 ] || programs=(nothing tracing-stack tracing-lean llm-audit)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Prints crates, CPU seconds and bytes of one program.
measure() {
    local app=$scratch/$1 crates cpu
    mkdir -p "$app/src"
    cp "$here/overhead/$1.rs" "$app/src/main.rs"
    cat >"$app/Cargo.toml" <<TOML
[package]
name = "app"
edition = "2024"
[workspace]
[profile.release]
strip = true
[dependencies]
${dependencies[$1]}
TOML
    # The versions that this repository is tested with; cargo drops the lines that the program has no use for.
    if [ "$1" = llm-audit ]; then cp "$root/Cargo.lock" "$app/Cargo.lock"; fi
    cd "$app"
    # Downloads are no part of the build.
    cargo fetch --quiet
    crates=$(cargo tree --target x86_64-unknown-linux-gnu --edges normal --prefix none --no-dedupe | awk 'NF { print $1 }' | sort -u | wc -l)
    local TIMEFORMAT='%U %S'
    { time CARGO_TARGET_DIR=$app/target CARGO_INCREMENTAL=0 cargo build --release --quiet --jobs 2 2>"$app/log"; } 2>"$app/time" || {
        cat "$app/log" >&2
        return 1
    }
    cpu=$(awk '{ printf "%.1f", $1 + $2 }' "$app/time")
    printf '%s %s %s\n' $((crates - 1)) "$cpu" "$(stat -c %s target/release/app)"
    rm -rf target
}

printf '| program | crates | build CPU s | of tracing | binary KiB | added KiB |\n|---|--:|--:|--:|--:|--:|\n'
empty='' tracing='' over=()
for program in "${programs[@]}"; do
    row=$(measure "$program")
    read -r crates cpu bytes <<<"$row"
    [ "$program" != nothing ] || empty=$bytes
    [ "$program" != tracing-stack ] || tracing=$cpu
    ratio=–
    [ -z "$tracing" ] || ratio=$(awk -v a="$cpu" -v b="$tracing" 'BEGIN { printf "%.2f", a / b }')
    added=–
    [ -z "$empty" ] || added=$(((bytes - empty) / 1024))
    printf '| %s | %s | %s | %s | %s | %s |\n' "$program" "$crates" "$cpu" "$ratio" $((bytes / 1024)) "$added"
    if [ "$program" = llm-audit ]; then
        [ "$crates" -le $max_crates ] || over+=("crates: $crates, limit $max_crates")
        [ "$ratio" = – ] || awk -v r="$ratio" -v m=$max_cpu_ratio 'BEGIN { exit r > m }' || over+=("build CPU: $ratio × the tracing stack, limit $max_cpu_ratio")
        [ "$added" = – ] || [ "$added" -le $max_binary_kib ] || over+=("binary: $added KiB added, limit $max_binary_kib")
    fi
done
if [ ${#over[@]} -gt 0 ]; then
    printf 'over the limit: %s\n' "${over[@]}"
    exit 1
fi
