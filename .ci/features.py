#!/usr/bin/env python3
"""What each Cargo feature costs the application that turns it on: crates, CPU seconds of a clean
release build, and size of the stripped program. Prints a Markdown table.

    .ci/features.py [FEATURE...]    all features of the facade, each alone beside the defaults

Everything is built in one directory, so that what two features share is built once. Each call of
rustc and of a C compiler is timed by its own process; the cost of a program is that of all that it is
linked from, wherever it was built first. What cargo and build scripts spend themselves is not in it.
The program is that of .ci/overhead/llm-audit.rs: of a feature that it has no use for, the linker keeps
little, so the size is the least that a program with it grows by.
"""

import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
STACKS = {
    "nothing": ("nothing", ""),
    "tracing-stack": ("tracing-stack", 'tracing = "0.1"\n'
                      'tracing-subscriber = { version = "0.3", features = ["env-filter", "fmt", "json"] }\n'
                      'tracing-appender = "0.2"\n'),
    "otlp-stack": ("otlp-stack", 'opentelemetry = "0.33"\nopentelemetry_sdk = "0.33"\n'
                   'opentelemetry-otlp = { version = "0.33", features = ["reqwest-rustls"] }\n'),
}


def wrapped(argv):
    """Runs a compiler and writes down its CPU seconds, and what it was for."""
    done = subprocess.run(argv)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = dict(zip(argv, argv[1:]))
    extra = re.search(r"extra-filename=(\S+)", " ".join(argv))
    crate = words.get("--crate-name", os.environ.get("CARGO_PKG_NAME", ""))
    # A C compiler is called by a build script: it belongs to the script's package.
    unit = f"{crate}{extra[1]}" if extra else f"c:{os.environ.get('CARGO_PKG_NAME', '')}"
    with open(os.environ["COMPILE_TIMES"], "a") as log:
        log.write(f"{unit}\t{spent.ru_utime + spent.ru_stime:.3f}\n")
    return done.returncode


def main():
    features = tomllib.loads((ROOT / "Cargo.toml").read_text())["features"]
    asked = sys.argv[1:] or [name for name in features if name != "default"]
    facade = f'llm-audit = {{ path = "{ROOT}"'
    programs = dict(STACKS)
    programs["llm-audit"] = ("llm-audit", f"{facade} }}\n")
    for feature in asked:
        if feature not in features["default"]:
            programs[f"… {feature}"] = ("llm-audit", f'{facade}, features = ["{feature}"] }}\n')
    everything = ", ".join(f'"{name}"' for name in asked)
    programs["… all of them"] = ("llm-audit", f"{facade}, features = [{everything}] }}\n")
    print("| program | crates | build CPU s | of tracing | added KiB |\n|---|--:|--:|--:|--:|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        measured = {}
        for name, (source, dependencies) in programs.items():
            crates, cpu, size = measure(pathlib.Path(scratch), source, dependencies)
            measured[name] = (cpu, size)
            ratio = f"{cpu / measured['tracing-stack'][0]:.2f}" if "tracing-stack" in measured else "–"
            added = (size - measured["nothing"][1]) // 1024
            print(f"| {name} | {crates} | {cpu:.1f} | {ratio} | {added} |", flush=True)


def measure(scratch, source, dependencies):
    app, times = scratch / "app", scratch / "times"
    (app / "src").mkdir(parents=True, exist_ok=True)
    (app / "src/main.rs").write_text((HERE / "overhead" / f"{source}.rs").read_text())
    (app / "Cargo.toml").write_text(
        '[package]\nname = "app"\nedition = "2024"\n[workspace]\n[profile.release]\nstrip = true\n'
        f"[dependencies]\n{dependencies}")
    # The versions that this repository is tested with; cargo drops the lines that the program has no use for.
    (app / "Cargo.lock").write_text((ROOT / "Cargo.lock").read_text())
    me = pathlib.Path(__file__).resolve()
    wrapper = scratch / "timed-cc"
    wrapper.write_text(f'#!/bin/sh\nexec "{me}" --timed cc "$@"\n')
    wrapper.chmod(0o755)
    rustc = scratch / "timed-rustc"
    rustc.write_text(f'#!/bin/sh\nexec "{me}" --timed "$@"\n')
    rustc.chmod(0o755)
    env = dict(os.environ, CARGO_TARGET_DIR=str(scratch / "target"), CARGO_INCREMENTAL="0",
               RUSTC_WRAPPER=str(rustc), CC=str(wrapper), COMPILE_TIMES=str(times))
    env.pop("CARGO_PROFILE_DEV_DEBUG", None)
    out = subprocess.run(["cargo", "build", "--release", "--jobs", "2", "--message-format=json"],
                         cwd=app, env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    units, packages, binary = set(), set(), None
    for message in map(json.loads, out.splitlines()):
        if message.get("reason") != "compiler-artifact":
            continue
        name = message["target"]["name"].replace("-", "_")
        packages.add("c:" + re.sub(r".*[/#]([^@#/]+)@?[^@]*$", r"\1", message["package_id"]))
        for file in message["filenames"]:
            # Libraries carry the unit's name in theirs, build scripts in that of their directory.
            found = re.search(rf"lib({re.escape(name)}-[0-9a-f]{{16}})\.", file)
            script = re.search(r"/([^/]+)-([0-9a-f]{16})/build-script-build$", file)
            if found:
                units.add(found[1])
            elif script:
                units.add(f"build_script_build-{script[2]}")
        binary = message.get("executable") or binary
    spent = {}
    for line in times.read_text().splitlines():
        unit, seconds = line.split("\t")
        # The same unit is compiled once; of the application, and of C, the last or the sum counts.
        spent[unit] = spent.get(unit, 0) + float(seconds) if unit.startswith("c:") else float(seconds)
    app_units = [unit for unit in spent if unit.startswith("app-")]
    cpu = sum(spent.get(unit, 0) for unit in units | packages) + (spent[app_units[-1]] if app_units else 0)
    tree = subprocess.run(["cargo", "tree", "--edges", "normal", "--prefix", "none", "--no-dedupe",
                           "--target", "x86_64-unknown-linux-gnu"], cwd=app, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    crates = {line.split()[0] for line in tree.splitlines() if line.strip()}
    return len(crates) - 1, cpu, pathlib.Path(binary).stat().st_size


if sys.argv[1:2] == ["--timed"]:
    sys.exit(wrapped(sys.argv[2:]))
main()
