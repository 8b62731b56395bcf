"""The pipeline on this machine: `python -m local up | demo | status | down`, and its proofs."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

try:
    from local import (
        demo,
        deployer_policy,
        diagram,
        pipeline,
        process,
        prove,
        prove_iam,
        soak,
        status,
    )
    from local.console import Voice
    from local.errors import LocalError
    from local.places import ROOT, Places
    from stack.naming import SuffixError, suffix_from_environment
    from stack.settings import SettingsError
except ImportError as error:
    sys.exit(
        f"{error.name} cannot be imported by {sys.executable}.\n"
        "Run `make setup`, then use .venv/bin/python (the make targets do)."
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    0, 1 when messages were lost or a grant or claim is unproved, 2 when something stood in the way.
    """
    options = _parser().parse_args(arguments)
    voice = Voice(quiet_output=getattr(options, "json", False))
    places = Places.default()
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        return _run(options, voice, places)
    except (LocalError, SettingsError, SuffixError) as error:
        voice.console.print(f"[red]✗[/] {error!s}", markup=True, style=None)
        return 2
    except KeyboardInterrupt:
        voice.warn(
            "interrupted; what stands is recorded: run the command again, or `python -m local down`"
        )
        return 130


def _run(options: argparse.Namespace, voice: Voice, places: Places) -> int:
    if options.command == "status":
        status.show(voice, places)
        return 0
    if options.command == "down":
        pipeline.down(voice, places, [options.suffix] if options.suffix else None)
        return 0
    if options.command == "diagram":
        diagram.write()
        voice.say(f"drawn into {diagram.README}")
        return 0
    if options.command == "prove":
        return prove.prove(voice, options.only, page_only=options.page)
    if options.command == "deployer-policy":
        written = deployer_policy.record(voice, places, options.suffix, options.port)
        voice.say(f"[green]✓[/] {written.relative_to(ROOT)} holds what it took")
        return 0
    suffix = options.suffix or suffix_from_environment()
    if options.command == "up":
        overlay = pipeline.REPLAY if options.any_age else None
        deployment = pipeline.up(
            voice, places, suffix, options.port, overlay, time_scale=options.time_scale
        )
        status.explain(voice, deployment)
        return 0
    if options.command == "prove-iam":
        verdicts = prove_iam.prove(voice, places, suffix, options.port, options.time_scale)
        if options.json:
            print(prove_iam.as_json(verdicts))
        return 0 if all(verdict.ok for verdict in verdicts) else 1
    if options.command == "soak":
        done = soak.soak(voice, places, suffix, options.port, options.minutes, options.time_scale)
        return 1 if done.wrong else 0
    source = options.messages or demo.Feed(options.seed, options.ticks, options.seconds)
    outcome = demo.run(voice, places, suffix, options.port, source, options.time_scale)
    if options.json:
        print(demo.as_json(outcome.counts))
    return 1 if outcome.counts.lost else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    suffix = argparse.ArgumentParser(add_help=False)
    suffix.add_argument("--suffix", help="the environment (default: ENVIRONMENT_SUFFIX, or dev)")
    port = _emulator(time_scale=1)
    up = commands.add_parser("up", parents=[suffix, port], help="deploy to the embedded AWS")
    up.add_argument(
        "--any-age", action="store_true", help="store ticks of any age: to replay recordings"
    )
    demonstration = commands.add_parser(
        "demo", parents=[suffix, port], help="send messages through it and account for them"
    )
    demonstration.add_argument(
        "--messages",
        type=Path,
        help="a .jsonl file or a folder of them (default: a generated feed)",
    )
    demonstration.add_argument("--json", action="store_true", help="last line: the counts")
    demonstration.add_argument("--ticks", type=int, default=1000, help="of the generated feed")
    demonstration.add_argument(
        "--seconds", type=float, default=900, help="time that the generated feed spans"
    )
    demonstration.add_argument("--seed", type=int, default=1, help="of the generated feed")
    proof = commands.add_parser(
        "prove-iam",
        parents=[suffix, _emulator(time_scale=60)],
        help="show that the roles' grants suffice and that none can be spared",
    )
    proof.add_argument("--json", action="store_true", help="last line: every grant's verdict")
    held = commands.add_parser(
        "soak", parents=[suffix, port], help="find the highest rate this machine holds, and hold it"
    )
    held.add_argument("--minutes", type=float, default=10, help="how long (default: %(default)g)")
    claims = commands.add_parser(
        "prove", help="run the proofs of all that the README claims; writes docs/evidence.md"
    )
    claims.add_argument(
        "--only", nargs="+", choices=prove.PARTS, default=[], help="these parts; others keep theirs"
    )
    claims.add_argument("--page", action="store_true", help="run nothing: write the page anew")
    minimal = commands.add_parser(
        "deployer-policy",
        parents=[_emulator(time_scale=60)],
        help="record what it takes to deploy, change and destroy; writes docs/deployer-policy.json",
    )
    minimal.add_argument("--suffix", default="recorded", help="of the environment (%(default)s)")
    commands.add_parser("status", help="what stands")
    commands.add_parser("diagram", help="draw the README's diagram from the synthesized stack")
    commands.add_parser("down", parents=[suffix], help="destroy it (all environments by default)")
    return parser


def _emulator(time_scale: float) -> argparse.ArgumentParser:
    """What a command may say of the emulator that it starts."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--port",
        type=int,
        default=process.DEFAULT_PORT,
        help="where the embedded AWS listens (default: %(default)s; ignored while one runs)",
    )
    options.add_argument(
        "--time-scale",
        type=float,
        default=time_scale,
        help="how much faster AWS's own waits pass (retries, ages; default: %(default)g)",
    )
    return options


def _as_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
