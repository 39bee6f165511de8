#!/usr/bin/env python3
"""docs/known-answers.md and the names of the tests agree: each rule of the table has a test that names it, in
the files that the table gives, and each id in a test's name is in the table."""

import pathlib
import re
import sys

ID = re.compile(r"KF\d+\.\d+[a-d]?\b")
NAME = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')


def ids_in_tests(tests):
    """Which files, relative to tests/, name each id in a test."""
    found = {}
    for path in sorted(tests.rglob("*_test.cpp")):
        for name in NAME.finditer(path.read_text()):
            for id in ID.findall(name.group(1)):
                found.setdefault(id, set()).add(path.relative_to(tests).as_posix())
    return found


def ids_in_table(text):
    """The files that each row gives; none: the row says why there is no test."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 6 or not ID.fullmatch(cells[1]):
            continue
        if cells[1] in rows:
            raise SystemExit(f"{cells[1]} is in the table twice")
        rows[cells[1]] = set(re.findall(r"`([^`]+_test\.cpp)`", cells[5])), cells[5]
    return rows


def main():
    source = pathlib.Path(sys.argv[2])
    found = ids_in_tests(source / "tests")
    table = ids_in_table((source / "docs" / "known-answers.md").read_text())
    wrong = [f"{id}: a test names it, the table does not have it" for id in found if id not in table]
    for id, (files, text) in table.items():
        if not files and not text.startswith("not modelled: "):
            wrong.append(f"{id}: the table gives neither a test nor why there is none")
        for file in sorted(files - found.get(id, set())):
            wrong.append(f"{id}: no test in {file} names it")
    if len(table) < 60:
        wrong.append(f"the table has only {len(table)} rows")
    print("\n".join(wrong) if wrong else f"{len(table)} rules, all named by tests or said not to be modelled")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
