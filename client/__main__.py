"""How people and algorithms work with the pipeline: ``python -m client COMMAND``.

A command is a module of this package, listed in :data:`COMMANDS`, with ``add_parser(subparsers)``,
which adds a parser of the module's name, and ``run(args)``, which returns the exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = (
    *("latest", "last", "range", "asof", "follow", "bars", "plot", "export"),
    *("normalise", "enrich", "cost", "preflight", "deploy", "dlq"),
    *("replay", "forward", "exchanges", "repair", "status"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m client", description="Operate the pipeline.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # Only the command that runs is imported: the others need not cost its start-up.
    chosen = [name for name in COMMANDS if name in given[:1]]
    modules = {name: import_module(f"client.{name}") for name in chosen or COMMANDS}
    for module in modules.values():
        module.add_parser(subparsers)
    args = parser.parse_args(given)
    try:
        return int(modules[args.command].run(args))
    except BrokenPipeError:
        # The reader of our output has gone; what is still buffered must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
