#!/usr/bin/env python3
"""Makes a wheel of programs that are built already, the way maturin's `bin` bindings lay it out:

    packaging/wheel.py PROGRAMS SHARE TAGS OUT

PROGRAMS  the folder with both programs
SHARE     a folder whose content goes to share/ of the environment (manual pages, completions)
TAGS      platforms, joined by dots: manylinux_2_17_x86_64.musllinux_1_1_x86_64
"""

import base64
import hashlib
import os
import pathlib
import sys
import time
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    programs, share, tags, out = sys.argv[1:]
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    name, version = package["name"].replace("-", "_"), package["version"]
    # So that the same programs give the same wheel. A zip file knows no time before 1980.
    moment = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", 0)), 315532800))[:6]
    info, data = f"{name}-{version}.dist-info", f"{name}-{version}.data"

    files = {}
    for program in ("seqera", "seqera-credential-helper"):
        files[f"{data}/scripts/{program}"] = (pathlib.Path(programs) / program).read_bytes()
    for file in sorted(pathlib.Path(share).rglob("*")):
        if file.is_file() and not file.is_symlink():
            files[f"{data}/data/share/{file.relative_to(share)}"] = file.read_bytes()
    for licence in ("LICENSE-APACHE", "LICENSE-MIT"):
        files[f"{info}/licenses/{licence}"] = (ROOT / licence).read_bytes()
    files[f"{info}/METADATA"] = metadata(package).encode()
    files[f"{info}/WHEEL"] = wheel(tags).encode()

    record = []
    path = pathlib.Path(out) / f"{name}-{version}-py3-none-{tags}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:

        def add(name, content):
            entry = zipfile.ZipInfo(name, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            archive.writestr(entry, content)

        for file, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{file},sha256={digest},{len(content)}\n")
            add(file, content)
        add(f"{info}/RECORD", "".join(record) + f"{info}/RECORD,,\n")
    print(path)


def metadata(package):
    headers = {
        "Metadata-Version": "2.4",
        "Name": package["name"],
        "Version": package["version"],
        "Summary": package["description"],
        "Keywords": ",".join(package["keywords"]),
        "License-Expression": package["license"],
        "Requires-Python": ">=3.6",
        "Description-Content-Type": "text/markdown; charset=UTF-8; variant=GFM",
    }
    lines = [f"{key}: {value}" for key, value in headers.items()]
    lines += [f"License-File: {licence}" for licence in ("LICENSE-APACHE", "LICENSE-MIT")]
    return "\n".join(lines) + "\n\n" + (ROOT / "README.md").read_text()


def wheel(tags):
    lines = ["Wheel-Version: 1.0", "Generator: packaging/wheel.py", "Root-Is-Purelib: false"]
    return "\n".join(lines + [f"Tag: py3-none-{tag}" for tag in tags.split(".")]) + "\n"


if __name__ == "__main__":
    main()
