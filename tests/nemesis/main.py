"""The command line of the nemesis; tests/nemesis/run starts it in a network of its own."""

import argparse
import random
import sys
import tempfile

from nemesis.nemesis import Nemesis


def main():
    parser = argparse.ArgumentParser(
        prog="tests/nemesis/run", description="Hurts a herd of real processes and checks it.",
        epilog="HERD_BUILD=FOLDER takes another build, HERD_SANITIZED=1 gives it more time; tests/README.md has the command.")
    parser.add_argument("--minutes", type=float, default=5, help="how long (5)")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)), help="of all chance")
    parser.add_argument("--pause", type=float, default=10, help="longest SIGSTOP in seconds (10)")
    parser.add_argument("--kills", type=int, help="instead: so many kills of nodes and gateways, and what leaks")
    parser.add_argument("--folder", help="of logs, which is kept; default: one that is deleted")
    options = parser.parse_args()
    again = f"tests/nemesis/run --minutes {options.minutes:g} --pause {options.pause:g} --seed {options.seed}"
    if options.kills:
        again = f"tests/nemesis/run --kills {options.kills} --seed {options.seed}"
    print(again, flush=True)
    with tempfile.TemporaryDirectory(prefix="herd-nemesis-") as folder:
        nemesis = Nemesis(options.folder or folder, options.seed, pause_s_max=options.pause)
        try:
            violations = nemesis.run_kills(options.kills) if options.kills else nemesis.run(options.minutes * 60)
        finally:
            nemesis.stop()
    for violation in violations:
        print(violation)
    print(f"{'VIOLATIONS' if violations else 'passed'}: {again}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
