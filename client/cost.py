"""`python -m client cost`: what the pipeline costs a month and a million ticks, part by part.

Without arguments it prices what the table `[expected]` of `stack/settings.toml` describes; options
replace single values. `--suffix` or `--local` prices what CloudWatch counted in the last day
instead (it takes `cloudwatch:GetMetricStatistics`), `--measured` what any run has consumed: a JSON
object with the fields of :class:`stack.cost.Consumption`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from client.environment import Unreachable, add_arguments
from client.environment import chosen as environment
from client.status import consumed
from stack import cost
from stack import settings as pipeline_settings
from stack.naming import SuffixError

MILLION = 1_000_000

_OPTIONS = {
    "ticks_a_second": "price updates a second, of all venues together",
    "ticks_a_webhook": "price updates that one request brings",
    "symbols": "symbols that are updated",
    "stored_days": "days of rows in the table",
}


class Wrong(ValueError):
    """What was measured cannot be priced; the message names the value and what was expected."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the command and its arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "cost", help="show what the pipeline costs, and what to change first"
    )
    for name, meaning in _OPTIONS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            metavar="N",
            help=f"{meaning} (default: expected.{name} of the settings)",
        )
    parser.add_argument(
        "--measured",
        metavar="FILE",
        help="price what a run consumed: JSON with " + ", ".join(_names()) + "; - reads the input",
    )
    add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print the cost; 2 when an argument or the settings are wrong."""
    chosen = {
        name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name) is not None
    }
    try:
        counted = bool(arguments.local or arguments.suffix)
        if arguments.measured and counted:
            raise Wrong("--measured is one run and --suffix or --local another; drop one of them")
        if (arguments.measured or counted) and chosen:
            needless = min(chosen).replace("_", "-")
            raise Wrong(f"what was measured leaves nothing to expect; drop --{needless}")
        if counted:
            report = of_a_run(of_the_last_day(arguments))
        elif arguments.measured:
            report = of_a_run(consumption(_text(arguments.measured)))
        else:
            report = of_a_month(pipeline_settings.with_expected(pipeline_settings.load(), chosen))
    except (Wrong, Unreachable, SuffixError, pipeline_settings.SettingsError) as problem:
        print(f"cost: {problem}", file=sys.stderr)
        return 2
    except (ClientError, BotoCoreError) as problem:
        print(
            f"cost: CloudWatch did not tell what was consumed: {problem}\nLook at --suffix, at "
            "your credentials and at cloudwatch:GetMetricStatistics, or use --local.",
            file=sys.stderr,
        )
        return 2
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        _show(report, Console(highlight=False, soft_wrap=True))
    return 0


def of_a_month(settings: pipeline_settings.Settings) -> dict[str, Any]:
    """Return the expected cost of a month as one object."""
    consumed = cost.expected(settings)
    report = _report(consumed, cost.components(consumed), cost.standing(settings, consumed))
    return report | {
        "expected": asdict(settings.expected),
        "levers": [asdict(lever) for lever in cost.levers(settings)],
    }


def of_a_run(consumed: cost.Consumption) -> dict[str, Any]:
    """Return the cost of what a run consumed as one object."""
    return _report(consumed, cost.components(consumed), [])


def _report(
    consumed: cost.Consumption, parts: list[cost.Component], standing: list[cost.Component]
) -> dict[str, Any]:
    floor, ticking = cost.floor(consumed.ticks), cost.total(parts)
    return {
        "prices": cost.dated(),
        "ticks": consumed.ticks,
        "components": [
            asdict(part) | {"dollars_a_million_ticks": part.dollars / consumed.ticks * MILLION}
            for part in parts
        ],
        "standing": [asdict(part) for part in standing],
        "dollars": ticking + cost.total(standing),
        "dollars_a_million_ticks": ticking / consumed.ticks * MILLION,
        "floor_a_million_ticks": floor / consumed.ticks * MILLION,
        "above_floor": ticking / floor - 1,
    }


def of_the_last_day(arguments: argparse.Namespace) -> cost.Consumption:
    """Return what CloudWatch counted of an environment in the last day; raises `Wrong`."""
    where = environment(arguments)
    used = consumed(where, datetime.now(UTC))
    if used is None:
        raise Wrong(
            f"CloudWatch counted no write to {where.table} in the last day: nothing to price. Feed "
            "it first (python -m client replay), or look at --suffix."
        )
    return used


def consumption(text: str) -> cost.Consumption:
    """Read what was consumed from JSON; raises `Wrong`."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise Wrong(f"what was measured is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise Wrong(f"what was measured is {document!r}; expected an object")
    if unknown := sorted(set(document) - set(_names())):
        raise Wrong(f"{unknown[0]} is unknown; expected {', '.join(_names())}")
    needed = [one.name for one in fields(cost.Consumption) if one.default is MISSING]
    if missing := [name for name in needed if name not in document]:
        raise Wrong(f"{missing[0]} is missing; add it")
    for name, value in document.items():
        least = sys.float_info.min if name == "ticks" else 0
        # Written so that NaN, which JSON's reader takes, is refused too.
        if type(value) not in (int, float) or not least <= value < float("inf"):
            raise Wrong(f"{name} is {value!r}; expected a number, {'above' if least else 'from'} 0")
    return cost.Consumption(**document)


def _names() -> list[str]:
    return [field.name for field in fields(cost.Consumption)]


def _text(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{source} cannot be read: {error}") from error


def _show(report: dict[str, Any], console: Console) -> None:
    monthly = "expected" in report
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("$ a month" if monthly else "$ of the run", justify="right")
    table.add_column("$ a million ticks", justify="right")
    table.add_column("for")
    for part in report["components"]:
        table.add_row(
            part["name"],
            _dollars(part["dollars"]),
            f"{part['dollars_a_million_ticks']:.3f}",
            part["what"],
        )
    for part in report["standing"]:
        table.add_row(part["name"], _dollars(part["dollars"]), "", part["what"])
    table.add_row(
        "together", _dollars(report["dollars"]), f"{report['dollars_a_million_ticks']:.3f}", ""
    )
    console.print(table)
    console.print(
        f"The floor, two write units a tick, is ${report['floor_a_million_ticks']:.3f} a million "
        f"ticks; this is {report['above_floor']:.1%} above it."
    )
    if monthly:
        load = report["expected"]
        console.print(
            f"Expected: {load['ticks_a_second']} ticks a second of {load['symbols']} symbols, "
            f"{load['ticks_a_webhook']} a webhook, {load['stored_days']} days of rows; the budget "
            f"is ${load['budget_dollars_a_month']} a month."
        )
        for number, lever in enumerate(report["levers"]):
            first = "Change first" if number == 0 else "then"
            console.print(f"{first}: {lever['change']} (saves ${lever['saves']:,.2f} a month).")
    console.print(f"List prices of {report['prices']}, without the free tiers: stack/prices.toml.")


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.1 else f"{amount:.6f}"
