"""Whoever follows src/README.md finds what it names: check_tour.py ROOT.

A file is named with its directory, or below a heading that names the directory.
"""

import fnmatch
import pathlib
import re
import sys

FILE = re.compile(r"(?<![\w/.*-])((?:[\w*]+/)*[\w*]+\.[ch])\b")
FOLDER = re.compile(r"`([\w/]+)/`")
PLACEHOLDER = re.compile(r"[A-Z]")  # `core/NAME.h`
PLACES = ("src", "include", "tests", "tools", "examples")


def is_there(name, folders, paths):
    """Is it in one of the folders or below, or in any if there is no heading that names some?"""
    return any(fnmatch.fnmatch("/" + path, "*/" + name) and
               ("/" in name or not folders or any(f"/{folder}/" in "/" + path for folder in folders))
               for path in paths)


def check(tour, paths):
    """What is wrong with it, a line each."""
    folders = []
    for number, line in enumerate(tour.splitlines(), 1):
        if line.startswith("#"):
            folders = FOLDER.findall(line)
        for name in FILE.findall(line):
            if not PLACEHOLDER.search(name) and not is_there(name, folders, paths):
                yield f"{number}: {name} is not there"
    for folder in sorted({pathlib.PurePath(path).parent.name for path in paths
                          if path.startswith("src/") and path.endswith(".h")}):
        if not re.search(rf"`(core/)?{folder}/", tour):
            yield f"{folder}/ is not named"


def main(root):
    paths = [str(path.relative_to(root)) for place in PLACES for path in (root / place).rglob("*.[ch]")]
    wrong = list(check((root / "src/README.md").read_text(), paths))
    for what in wrong:
        print(f"src/README.md:{what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
