"""Fails when a published crate depends on one that declares a younger compiler than ours."""

import json
import subprocess
import sys

meta = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]))
packages = {p["id"]: p for p in meta["packages"]}
nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}


def number(version):
    return tuple(int(part) for part in version.split("."))


published = [i for i in meta["workspace_members"] if packages[i]["publish"] != []]
ours = min(number(packages[i]["rust_version"]) for i in published)

# What an application compiles: development dependencies stay behind.
reached, waiting = set(), list(published)
while waiting:
    node = waiting.pop()
    if node in reached:
        continue
    reached.add(node)
    for dep in nodes[node]["deps"]:
        if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"]):
            waiting.append(dep["pkg"])

silent, younger = 0, []
for package in (packages[i] for i in reached):
    if package["rust_version"] is None:
        silent += 1
    elif number(package["rust_version"])[:2] > ours[:2]:
        younger.append(f'{package["name"]} {package["version"]} needs {package["rust_version"]}')

print(f'{len(reached)} packages, {silent} of them silent about it, none may need more than {".".join(map(str, ours))}')
print(*sorted(younger), sep="\n", end="\n" if younger else "")
sys.exit(bool(younger))
