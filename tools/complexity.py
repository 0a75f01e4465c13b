#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Function sizes: over 80 lines, or more than 20 branches, fails; a line /* long: reason */ inside the
function waives it. Prints median and 90th percentile, and with -v the ten longest.

A function is what stands between a line "{" and a line "}" in the first column, which is how the style
guide writes it; its size is the number of lines between.
"""
import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES, MAX_BRANCHES = 80, 20
BRANCH = re.compile(r"\b(?:if|for|while|case)\b|&&|\|\||\?")
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def name_before(lines, at):
    """The function's name: the word before the first parenthesis of its signature."""
    head = ""
    while at > 0 and lines[at - 1].strip() and not lines[at - 1].startswith(("}", "#", "/*", " */")):
        at -= 1
        head = lines[at] + " " + head
    m = re.search(r"(\w+)\s*\(", head)
    return m.group(1) if m else "?"


def functions(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            body = lines[start + 1:i]
            code = NOISE.sub("", "\n".join(body))
            # a switch that only dispatches is one decision a reader takes, not one for each case
            branches = 1 + len(BRANCH.findall(re.sub(r"\bcase\b[^:]*:", "", code))) + code.count("switch")
            waived = any("/* long:" in l for l in body)
            yield len(body), branches, waived, name_before(lines, start), path.relative_to(ROOT), start + 1
            start = None


def main():
    found = [f for path in sorted((ROOT / "src").rglob("*.c")) for f in functions(path)]
    if not found:
        print("complexity: no functions")
        return 0
    bad = [f for f in found if (f[0] > MAX_LINES or f[1] > MAX_BRANCHES) and not f[2]]
    for n, branches, _, name, path, line in sorted(bad, reverse=True):
        print(f"{path}:{line}: {name} has {n} lines and {branches} branches "
              f"(at most {MAX_LINES} and {MAX_BRANCHES})")
    sizes = sorted(f[0] for f in found)
    print(f"complexity: {len(found)} functions, median {statistics.median(sizes):.0f} lines, "
          f"p90 {sizes[int(len(sizes) * 0.9)]}, longest {sizes[-1]}")
    if "-v" in sys.argv:
        for n, branches, _, name, path, line in sorted(found, reverse=True)[:10]:
            print(f"  {n:4} lines {branches:3} branches  {name} {path}:{line}")
    return 1 if bad else 0


sys.exit(main())
