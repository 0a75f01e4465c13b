#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What questions to a large log cost, and what deleting costs those who write: ./dev bench logs [--rows N].

Builds nothing and keeps nothing: the rows are written to a directory beside the others of the build, which is
removed afterwards. Times are the best of five.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--rows", type=int, default=1_000_000, help="rows of the log (default 1,000,000)")
    args.add_argument("--dir", help="where to write them (default: the system's place for temporary files)")
    options = args.parse_args()
    place = tempfile.mkdtemp(prefix="weir-bench-", dir=options.dir)
    try:
        return subprocess.call([str(ROOT / "build/bench/log_bench"), str(options.rows)], cwd=place)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    sys.exit(main())
