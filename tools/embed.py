#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns a file into a C array at build time: embed.py INPUT OUTPUT NAME.

The array ends in a NUL byte that NAME_bytes does not count. Who uses it declares:
    extern const unsigned char NAME[];
    extern const size_t NAME_bytes;
"""
import sys

source, target, name = sys.argv[1:]
with open(source, "rb") as file:
    data = file.read()
rows = (data[at:at + 32] for at in range(0, len(data), 32))
with open(target, "w", encoding="ascii") as out:
    out.write("#include <stddef.h>\n")
    out.write(f"extern const unsigned char {name}[];\nextern const size_t {name}_bytes;\n")
    out.write(f"const unsigned char {name}[] = {{\n")
    for row in rows:
        out.write(",".join(map(str, row)) + ",\n")
    out.write(f"0}};\nconst size_t {name}_bytes = {len(data)};\n")
