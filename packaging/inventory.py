#!/usr/bin/env python3
"""What the programs are made of, from Cargo.lock and the crates' own files.

    packaging/inventory.py licences TARGET    every licence text of every crate that is linked, each text once
    packaging/inventory.py sbom TARGET        the same crates as a CycloneDX 1.5 document
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
CARGO = os.environ.get("CARGO", "cargo")
# What a crate calls the file with its licence.
LICENCE_FILES = ("licen", "copying", "unlicense", "notice")


def linked_crates(target):
    """The crates that are linked into the programs for a target, ours left out, sorted by name and version."""
    metadata = json.loads(
        subprocess.check_output(
            [CARGO, "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"], cwd=ROOT
        )
    )
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    ours = next(package["id"] for package in packages.values() if package["name"] == "seqera-credential-helper")
    found, wanted = set(), [ours]
    while wanted:
        node = wanted.pop()
        if node in found:
            continue
        found.add(node)
        for dependency in nodes[node]["deps"]:
            library = packages[dependency["pkg"]]["targets"]
            runs_in_compiler = any("proc-macro" in part["kind"] for part in library)
            if not runs_in_compiler and any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                wanted.append(dependency["pkg"])
    found.remove(ours)
    crates = sorted((packages[node] for node in found), key=lambda crate: (crate["name"], crate["version"]))
    return packages[ours], crates


def licence_texts(crate):
    folder = pathlib.Path(crate["manifest_path"]).parent
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name.lower().startswith(LICENCE_FILES):
            yield file.read_text(errors="replace").strip().replace("\r\n", "\n")


def licences(ours, crates):
    print(f"{ours['name']} {ours['version']} is linked with these crates.\n")
    users = {}
    without = []
    for crate in crates:
        name = f"{crate['name']} {crate['version']}"
        print(f"{name}: {crate['license'] or 'see below'}")
        texts = list(licence_texts(crate))
        for text in texts:
            users.setdefault(text, []).append(name)
        if not texts:
            without.append(name)
    for name in ("LICENSE-APACHE", "LICENSE-MIT"):  # for those that name a licence and ship no text
        users.setdefault((ROOT / name).read_text().strip(), []).extend(without)
    for text, names in users.items():
        print(f"\n{'=' * 100}\n{', '.join(names)}\n\n{text}")


def sbom(ours, crates, target):
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(crate["name"], crate["version"]): crate.get("checksum") for crate in lock}

    def component(crate, kind):
        purl = f"pkg:cargo/{crate['name']}@{crate['version']}"
        entry = {"type": kind, "bom-ref": purl, "name": crate["name"], "version": crate["version"], "purl": purl}
        if crate["license"]:
            entry["licenses"] = [{"expression": crate["license"].replace("/", " OR ")}]
        checksum = checksums.get((crate["name"], crate["version"]))
        if checksum:
            entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return entry

    components = [component(crate, "library") for crate in crates]
    # The same content has the same number, from whichever machine.
    content = json.dumps([target, components], sort_keys=True).encode()
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=4)}",
        "version": 1,
        "metadata": {
            "component": component(ours, "application"),
            "properties": [{"name": "cargo:target", "value": target}],
        },
        "components": components,
    }
    print(json.dumps(document, indent=2))


def main():
    what, target = sys.argv[1:]
    ours, crates = linked_crates(target)
    if what == "licences":
        licences(ours, crates)
    else:
        sbom(ours, crates, target)


if __name__ == "__main__":
    main()
