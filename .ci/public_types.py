"""Fails when a public signature has a type or trait of a crate that is not ours to promise.

Reads the JSON that rustdoc writes for each published crate: public_types.py FILE.json…
"""

import json
import pathlib
import sys

# A new major version of one of these is a breaking change of ours.
ANYWHERE = {"std", "core", "alloc", "proc_macro", "serde", "serde_core", "futures_core"}
# What a crate is there to plug into, by the crate.
PLUGS = {"llm_audit_sinks": {"opentelemetry"}, "llm_audit_clients": {"async_openai", "axum", "axum_core", "bytes", "http", "http_body", "reqwest", "reqwest_middleware", "tower_layer", "tower_service", "tracing_core", "tracing_subscriber"}}
# Whose types a trait of ours is implemented for; in no other signature.
IMPLEMENTED_FOR = {"llm_audit_core": {"async_openai", "serde_json"}}

wrong = set()


def named(node):
    """The ids of all types and traits that are named in `node`."""
    if isinstance(node, dict):
        if "path" in node and "id" in node and "args" in node:
            yield node["id"]
        for child in node.values():
            yield from named(child)
    elif isinstance(node, list):
        for child in node:
            yield from named(child)


signatures = 0
for file in map(pathlib.Path, sys.argv[1:]):
    doc = json.loads(file.read_text())
    ours = file.stem
    crates = {int(key): value["name"] for key, value in doc["external_crates"].items()} | {0: ours}
    for item in doc["index"].values():
        (kind, inner), = item["inner"].items()
        # Blanket and automatic impls are the other crate's doing, re-exports are looked at where the item is defined.
        if kind in ("use", "module") or kind == "impl" and (inner["is_synthetic"] or inner["blanket_impl"]):
            continue
        if item["crate_id"] != 0:
            continue
        signatures += 1
        allowed = ANYWHERE | PLUGS.get(ours, set())
        if kind == "impl":
            allowed = allowed | IMPLEMENTED_FOR.get(ours, set())
            inner = {key: inner[key] for key in ("generics", "trait", "for")}
        for identifier in named(inner):
            path = doc["paths"].get(str(identifier))
            crate = crates[path["crate_id"]] if path else ours
            # A macro's own hidden support, such as pin-project's bound for Unpin, is nobody's to name.
            if path and "__private" in path["path"]:
                continue
            if not crate.startswith("llm_audit") and crate not in allowed:
                span = item["span"]
                where = f'{span["filename"]}:{span["begin"][0]}' if span else ours
                wrong.add(f'{where}: {"::".join(path["path"])}')

print(f"{signatures} signatures")
print(*sorted(wrong), sep="\n", end="\n" if wrong else "")
sys.exit(bool(wrong) or not signatures)
