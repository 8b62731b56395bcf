"""``python -m policies [PATH…]``: judge what will be deployed."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from policies import resolved, seal
from policies.gate import exit_code, judge, judge_plan
from policies.model.document import DocumentError
from policies.reports import render

SYNTHESIZE = "import sys, pathlib, main; main.synthesize(pathlib.Path(sys.argv[1]))"


def _synthesized(folder: str) -> bool:
    """Synthesize the project's own stack in a process of its own; say whether that worked."""
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", SYNTHESIZE, folder], cwd=root, stdout=sys.stderr, check=False
    )
    return done.returncode == 0


def _sealed(path: Path, options: argparse.Namespace) -> int:
    """Verify a seal, or judge and seal; the exit code is that of a judgement."""
    try:
        if options.verify:
            seal.verify(path, options.verify)
            return 0
        options.seal.unlink(missing_ok=True)
        before = seal.digest(path)
        judgements = judge([path], views=options.views or "all", with_builtins=True)
        if options.plan:
            judgements[0].findings.extend(judge_plan(path, options.plan))
        for line in render(judgements, options.format):
            print(line)
        if exit_code(judgements) == 0:
            seal.write(path, options.seal, before)
        return exit_code(judgements)
    except (seal.SealError, DocumentError, OSError) as error:
        print(f"python -m policies: {error}", file=sys.stderr)
        return 2


def main(arguments: list[str] | None = None) -> int:
    """Judge the paths, or without any the stack as the code now makes it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m policies", description=__doc__)
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="cdk.tf.json, stack folder or cdktf.out"
    )
    parser.add_argument("--format", choices=["text", "json", "sarif", "junit"], default="text")
    parser.add_argument(
        "--views",
        choices=["auto", "all", "raw"],
        help="ask Terraform (mocked) where the document leaves a value open (auto, the default for "
        "a PATH), always (all, the default without one), or never (raw)",
    )
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="a plan of the one PATH, as `terraform show -json` prints it: it has to agree",
    )
    parser.add_argument(
        "--seal", type=Path, metavar="FILE", help="write FILE if the one PATH passes, for --verify"
    )
    parser.add_argument(
        "--verify", type=Path, metavar="FILE", help="only say whether PATH still is what was sealed"
    )
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a report is printed, whatever it quotes
            stream.reconfigure(errors="backslashreplace")
    if options.plan and len(options.paths) != 1:
        parser.error("--plan takes exactly one PATH")
    if options.seal or options.verify:
        if len(options.paths) != 1:
            parser.error("--seal and --verify take exactly one PATH")
        return _sealed(Path(options.paths[0]), options)
    if options.paths:
        judgements = judge(options.paths, views=options.views or "auto", with_builtins=True)
        if options.plan:
            judgements[0].findings.extend(judge_plan(options.paths[0], options.plan))
    else:
        views = options.views or ("all" if resolved.available() else "raw")
        with tempfile.TemporaryDirectory() as folder:
            if not _synthesized(folder):
                print("the stack could not be synthesized: nothing was judged", file=sys.stderr)
                return 2
            judgements = judge([folder], views=views, with_builtins=True)
        for judgement in judgements:
            # A finding without a construct of its own points at what made the stack.
            judgement.path = "main.py"
    for line in render(judgements, options.format):
        print(line)
    return exit_code(judgements)


if __name__ == "__main__":
    sys.exit(main())
