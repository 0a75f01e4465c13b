#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The include rules of docs/architecture.md, checked: who may include whom, which file may see which
library, which calls are refused outside base/, how long a file may be; and files that docs/ names must
exist. Prints every breach, exits 1.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "src"

# A file includes from its own folder or from one with a smaller number.
LAYERS = {"base": 0, "conf": 1, "net": 2, "http": 3, "providers": 4, "store": 4, "gateway": 5,
          "api": 6, "mock": 7, "cli": 8}
TOP = 9  # src/main.c

# library headers -> the files that may include them
LIBRARIES = [
    (r"openssl/", r"base/crypto\.c|base/seal\.c|base/verify\.c|net/tls\.c"),
    (r"yyjson\.h", r"base/json\.c"),
    (r"llhttp\.h", r"http/h1\.c"),
    (r"uv\.h", r"net/\w+\.c|net/\w+_uv\.h"),
    (r"sqlite3\.h", r"store/sqlite\w*\.[ch]"),
    (r"zstd\.h|xxhash\.h", r"store/\w+\.[ch]"),
]
BANNED = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf|sprintf|vsprintf|"
                    r"strcpy|strcat|strncpy|strncat|strtok|strtok_r|atoi|atol|atoll|gets|alloca)\s*\(")
WORDS = re.compile(r"\b(TODO|FIXME|XXX)\b")
MAX_LINES = 700  # more needs a line "long: reason" in the head comment

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]', re.M)


def without_comments_and_strings(text):
    """Blanks both, keeps line breaks, so that line numbers stay right."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check(path, breaches):
    name = path.relative_to(ROOT).as_posix()
    layer = name.split("/")[0] if "/" in name else None
    rank = LAYERS.get(layer, TOP)
    text = path.read_text(encoding="utf-8")

    def breach(offset, what):
        breaches.append(f"src/{name}:{text.count(chr(10), 0, offset) + 1}: {what}")

    if layer is not None and layer not in LAYERS:
        breach(0, f"folder {layer} is not in the list of layers")
    for m in INCLUDE.finditer(text):
        kind, header = m.groups()
        if kind == '"':
            other = header.split("/")[0]
            if header.startswith("data/") or header.endswith(".inc"):
                continue  # embedded data, made by the build
            if "/" not in header or other not in LAYERS:
                breach(m.start(), f'"{header}": includes are written "layer/name.h"')
            elif other != layer and LAYERS[other] >= rank:
                breach(m.start(), f'"{header}": {layer} must not see {other}')
            elif header.endswith("_uv.h") and layer != "net":
                breach(m.start(), f'"{header}": libuv stays inside net')
        for library, where in LIBRARIES:
            if re.match(library, header) and not re.fullmatch(where, name):
                breach(m.start(), f"<{header}> belongs to {where.replace(chr(92), '')}")
    code = without_comments_and_strings(text)
    if layer != "base":
        for m in BANNED.finditer(code):
            breach(m.start(), f"{m.group(1)}() is for base/ only")
    for m in WORDS.finditer(text):
        breach(m.start(), f"{m.group(1)}: finish it or leave it out")
    if not text.startswith("/* SPDX-License-Identifier: Apache-2.0 */") and path.suffix != ".def":
        breach(0, "no SPDX line")
    lines = text.count("\n")
    if lines > MAX_LINES and "long:" not in "\n".join(text.split("\n")[:20]):
        breach(0, f"{lines} lines; over {MAX_LINES} needs a 'long: reason' in the head comment")


def check_page(page, breaches):
    """Files that a page of docs/ names in backquotes exist."""
    for line, text in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:c|h|def|mjs|json|py))`", text):
            if not (ROOT / name).exists() and not (ROOT.parent / name).exists():
                breaches.append(f"{page.relative_to(ROOT.parent)}:{line}: there is no {name}")


def main():
    breaches = []
    files = sorted(p for p in ROOT.rglob("*") if p.suffix in (".c", ".h", ".def"))
    for path in files:
        check(path, breaches)
    for page in sorted((ROOT.parent / "docs").rglob("*.md")):
        check_page(page, breaches)
    print("\n".join(breaches) if breaches else f"layers: {len(files)} files, no breach")
    return 1 if breaches else 0


sys.exit(main())
