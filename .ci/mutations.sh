#!/usr/bin/env bash
# Breaks the product on purpose, in a copy of the tree, and shows that a named test catches each break.
#   .ci/mutations.sh [NAME …]           all, or those in .ci/mutations/NAME.patch
#   .ci/mutations.sh --check [NAME …]   only looks whether each patch applies and its test is there
# A patch begins with three lines: `what:` is broken, the `args:` of cargo test, the full name of the
# `test:` that must fail; `flags:` of the compiler may follow. It is an error when a patch does not apply, when what it makes does not
# compile, or when the test does not pass without it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
patches=$PWD/.ci/mutations
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# One line changes at a time.
export CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never
export LLM_AUDIT_SEEDS=${LLM_AUDIT_MUTATION_SEEDS:-200}
tree=$CARGO_TARGET_DIR/mutations
log=$(mktemp)
trap 'rm -f "$log"' EXIT

checks=
if [ "${1:-}" = --check ]; then checks=yes; shift; fi
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in "$patches"/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi

word() { sed -n "s/^$2: //p;/^---/q" "$patches/$1.patch"; }

# Runs the tests named after the arguments of cargo test, which are one word here, with the flags of
# the compiler behind an `@`.
try() {
    local args flags=${1#*@} at=$CARGO_TARGET_DIR
    read -ra args <<<"${1%%@*}"
    [ -z "$flags" ] || at=$at/shuttle
    RUSTFLAGS=$flags CARGO_TARGET_DIR=$at timeout 600 cargo test --locked --quiet "${args[@]}" -- --exact "${@:2}" </dev/null >"$log" 2>&1
}

bad=0
for name in "${names[@]}"; do
    patch -p1 --dry-run --fuzz=0 --silent <"$patches/$name.patch" >"$log" ||
        { echo "$name does not apply; write it anew, the code has moved on"; bad=1; }
    test=$(word "$name" test)
    git grep -qE "fn ${test##*::}\\b" -- '*.rs' || { echo "$name: there is no test $test"; bad=1; }
done
[ $bad -eq 0 ] || exit 1
if [ -n "$checks" ]; then
    echo "${#names[@]} mutations apply"
    exit
fi

# New files are newer than whatever was built from them before.
rm -rf "$tree"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - | tar -xmf - -C "$tree"
cd "$tree"

# Without a mutation the tests pass, and there are as many as there are names.
declare -A tests=()
for name in "${names[@]}"; do
    tests[$(word "$name" args)@$(word "$name" flags)]+="$(word "$name" test)"$'\n'
done
for args in "${!tests[@]}"; do
    mapfile -t all < <(sort -u <<<"${tests[$args]}" | sed '/^$/d')
    if ! try "$args" "${all[@]}" || ! grep -q "^test result: ok. ${#all[@]} passed" "$log"; then
        echo "without a mutation, not all of these tests are there and pass: ${all[*]}"
        tail -n 40 "$log"
        exit 1
    fi
done

survived=0 broken=0
printf '| broken on purpose | caught by | |\n|---|---|---|\n'
for name in "${names[@]}"; do
    test=$(word "$name" test)
    patch -p1 --fuzz=0 --silent <"$patches/$name.patch"
    code=0
    try "$(word "$name" args)@$(word "$name" flags)" "$test" || code=$?
    patch -p1 --fuzz=0 --silent --reverse <"$patches/$name.patch"
    if [ "$code" -eq 124 ]; then
        outcome='caught: it hangs'
    elif [ "$code" -eq 0 ]; then
        outcome=SURVIVED survived=$((survived + 1))
    elif grep -qF -e "$test stdout" -e "test $test" "$log"; then
        outcome=caught
    else
        outcome='does not compile, or fails for another reason' broken=$((broken + 1))
        printf '%s %s:\n' "$name" "$outcome" >&2
        tail -n 40 "$log" >&2
    fi
    printf '| %s | `%s` | %s |\n' "$(word "$name" what)" "$test" "$outcome"
done
printf '%s mutations, %s survived, %s prove nothing\n' "${#names[@]}" "$survived" "$broken"
[ $((survived + broken)) -eq 0 ]
