#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the files of a directory into C at build time: embed_web.py DIRECTORY OUTPUT.

Writes the table of src/cli/web_files.h; an empty one when there is no such directory. The output is only touched when
it changes: the build asks each time.
"""
import gzip
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".json": "application/json",
         ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8"}


def array(name, data):
    rows = (",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32))
    return f"static const unsigned char {name}[] = {{" + ",\n".join(rows) + "};\n"


def main():
    root, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix in TYPES) if root.is_dir() else []
    out = ['#include "cli/web_files.h"\n']
    rows = []
    for i, path in enumerate(files):
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        smaller = len(packed) < len(data)
        out.append(array(f"bytes_{i}", data or b"\n"))
        if smaller:
            out.append(array(f"gzip_{i}", packed))
        name = "/" + path.relative_to(root).as_posix()
        pack = f"{{(const char *)gzip_{i}, sizeof(gzip_{i})}}" if smaller else "{0, 0}"
        rows.append(f'    {{{{"{name}", {len(name)}}}, {{"{TYPES[path.suffix]}", {len(TYPES[path.suffix])}}}, '
                    f"{{(const char *)bytes_{i}, sizeof(bytes_{i})}}, {pack}}},\n")
    out.append("const struct web_file web_files[] = {\n" + "".join(rows) + "    {{0, 0}, {0, 0}, {0, 0}, {0, 0}}};\n")
    out.append(f"const size_t web_n_files = {len(files)};\n")
    text = "".join(out)
    if not target.exists() or target.read_text(encoding="ascii") != text:
        target.write_text(text, encoding="ascii")


main()
