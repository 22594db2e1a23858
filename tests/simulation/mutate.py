"""Writes a mutant: a source file of the project with one rule taken away.

usage: mutate.py MUTANT ROOT OUTPUT

A mutant is a text: a line that says what is wrong with it, `in FILE`, and then `was:` and `is:`, each followed by
lines of code. It fails if FILE has not exactly one place with the old lines: then the code has changed, and the mutant
has to be thought about again.
"""

import pathlib
import re
import sys


def main():
    mutant, root, output = (pathlib.Path(argument) for argument in sys.argv[1:])
    form = re.fullmatch(r"[^\n]+\n\nin ([^\n]+)\nwas:\n(.*\n)is:\n(.*)", mutant.read_text(), flags=re.S)
    if form is None:
        sys.exit(f"{mutant}: not of the form that mutate.py describes")
    file, was, becomes = form.groups()
    source = (root / file).read_text()
    if source.count(was) != 1:
        sys.exit(f"{mutant}: {file} has {source.count(was)} places with these lines, not one:\n{was}")
    output.parent.mkdir(parents=True, exist_ok=True)  # make, unlike ninja, leaves that to us
    output.write_text(source.replace(was, becomes))


main()
