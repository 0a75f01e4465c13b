#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up what cmocka printed in a meson test log, shows the output of executables that failed, and
appends "LABEL PASSED FAILED" to a tally file. An executable that died counts as one failure at least.

    tally.py testlog.json LABEL TALLY-FILE
"""
import json
import re
import sys


def main(log, label, tally):
    passed = failed = 0
    for line in open(log, encoding="utf-8"):
        run = json.loads(line)
        text = run.get("stdout", "") + run.get("stderr", "")
        ok = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
        bad = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text))
        if run["result"] not in ("OK", "EXPECTEDFAIL"):
            bad = max(bad, 1)
            print(f"---- {run['name']}: {run['result']}\n{text}")
        passed += ok
        failed += bad
    print(f"{label}: {passed} passed, {failed} failed")
    with open(tally, "a", encoding="utf-8") as out:
        out.write(f"{label} {passed} {failed}\n")


main(*sys.argv[1:])
