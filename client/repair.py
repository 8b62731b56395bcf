"""`python -m client repair FROM TO SYMBOL…`: put rows' metrics right, whoever left them wrong.

Rows without metrics, with stale ones or with those of an older version are found by computing every
row of the span anew from what the table holds, with price-enricher's own code; nothing is written
by this program. With `--apply` price-enricher is called to do it: it alone may write, and each of
its writes is on condition that the row is there and nobody better informed wrote it, so a row that
was deleted meanwhile stays deleted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from client import environment
from client.environment import Environment, Unreachable
from client.functions import Kept, Repairer, Step, parts
from client.prices import InvalidQuery, milliseconds
from client.shown import moment
from lambdas.adapters.price_tape import PriceTape
from lambdas.domain.enrichment import (
    RULES,
    Answer,
    Page,
    Read,
    Rules,
    Unreadable,
    Write,
    ending,
)
from lambdas.domain.errors import RetryLater
from lambdas.domain.marks import VERSION
from lambdas.domain.tape import Row
from lambdas.price_enricher.repairs import RESERVE_MS, repair_rows, requested
from stack.naming import SuffixError
from stack.settings import load

LOOKING = ("dynamodb:Query",)
REPAIRING = ("lambda:InvokeFunction",)

ENRICHER = "price_enricher"
WITHOUT, STALE, OLD = "without metrics", "stale", "of an older version"


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser(
        "repair", help="find rows with wrong metrics, and put them right"
    )
    parser.add_argument("start", metavar="FROM", type=moment, help="first moment")
    parser.add_argument("end", metavar="TO", type=moment, help="the moment before which it ends")
    parser.add_argument("symbols", metavar="SYMBOL", nargs="+", help="such as BTC or ETH-BTC")
    parser.add_argument("--apply", action="store_true", help="do it; without, it is only told")
    environment.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 when every row is right or was put right, 1 when some are wrong, 2 when it had to stop."""
    output = Console(width=None if sys.stdout.isatty() else 140, markup=False, highlight=False)
    try:
        where = environment.chosen(args)
        span = milliseconds(args.start), milliseconds(args.end) - 1
        if span[0] > span[1]:
            raise InvalidQuery(
                f"the span from {span[0]} to {span[1] + 1} is empty: expected TO > FROM"
            )
    except (Unreachable, SuffixError, InvalidQuery) as error:
        print(error, file=sys.stderr)
        return 2
    wrong = 0
    for position, symbol in enumerate(args.symbols):
        going_on = _GoingOn(where, span, args.symbols[position:])
        try:
            wrong += (_apply if args.apply else _look)(where, symbol, span, going_on, output)
        except (Kept, RetryLater, ClientError, BotoCoreError) as error:
            print(f"{symbol}: {error}\n{going_on.told(args.apply)}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"stopped. {going_on.told(args.apply)}", file=sys.stderr)
            return 2
    return 1 if wrong else 0


class _GoingOn:
    """How far a repair of a symbol got, and what goes on from there with it and those after it."""

    def __init__(self, where: Environment, span: tuple[int, int], symbols: Sequence[str]) -> None:
        self._place = "--local" if where.endpoint else f"--suffix {where.suffix}"
        self._span, self._symbols = span, symbols
        self.at: int = span[0]

    def told(self, apply: bool) -> str:
        first, *others = self._symbols
        commands = [self._command(self.at, [first], apply)]
        if others:
            commands.append(self._command(self._span[0], others, apply))
        return "Go on with:\n" + "\n".join(commands)

    def _command(self, start: int, symbols: Sequence[str], apply: bool) -> str:
        words = [str(start), str(self._span[1] + 1), *symbols, *(["--apply"] if apply else [])]
        return f"  python -m client repair {' '.join(words)} {self._place}"


def _look(
    where: Environment, symbol: str, span: tuple[int, int], going_on: _GoingOn, output: Console
) -> int:
    """Tell what a repair of a symbol would do; returns how many rows are wrong."""
    client = Metered(where.client("dynamodb"))
    settings = load()
    rules = ending(
        settings.row_retention_seconds * 1000,
        settings.window_reach_seconds * 1000,
        int(time.time() * 1000),
    )
    trial = Trial(PriceTape(client, where.table, lambda: RESERVE_MS), rules)
    done = _through(symbol, span, trial.step, going_on)
    found = Counter(trial.wrong.values())
    kinds = ", ".join(f"{found[kind]} {kind}" for kind in (WITHOUT, STALE, OLD) if found[kind])
    later = sum(key > requested(_whole(symbol, span)).end for key in trial.wrong)
    output.print(
        f"{symbol}: {done['rows']} rows looked at, {client.units:g} read units; "
        + (
            f"{len(trial.wrong)} rows would be written ({kinds}"
            + (f"; {later} of them behind the span, which depend on it)" if later else ")")
            + ". Nothing was changed; --apply does it."
            if trial.wrong
            else "every one is right."
            if done["rows"]
            else "no row is there: look at the symbol and the span (python -m client status)."
        )
    )
    return len(trial.wrong)


def _apply(
    where: Environment, symbol: str, span: tuple[int, int], going_on: _GoingOn, output: Console
) -> int:
    """Let price-enricher repair a symbol; always 0, as what it cannot do it raises."""
    repairer = Repairer(where.client("lambda"), where.function(ENRICHER))
    done = _through(symbol, span, repairer.step, going_on)
    output.print(f"{symbol}: {done['rows']} rows looked at, {done['written']} written.")
    return 0


def _through(
    symbol: str, span: tuple[int, int], step: Step, going_on: _GoingOn
) -> Mapping[str, int]:
    """Go through a span, part by part, showing how far it is."""
    done: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns,
        TextColumn("{task.fields[rows]} rows"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(symbol, total=span[1] - span[0] + 1, rows=0)
        for answer in parts(step, _whole(symbol, span)):
            done.update(rows=answer["rows"], written=answer["written"])
            if answer["next"] is not None:
                going_on.at = int(answer["next"].partition(".")[0])
            progress.update(task, completed=going_on.at - span[0], rows=done["rows"])
    return done


class Trial:
    """A repair that writes nothing: a tape whose rows read as they would have been written."""

    def __init__(self, tape: PriceTape, rules: Rules = RULES) -> None:
        self._tape = tape
        self._rules = rules
        self._seen: dict[str, Row] = {}
        self._written: dict[str, Row] = {}
        self.wrong: dict[str, str] = {}
        """What is wrong with the rows that would be written, by key."""

    def step(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Look at the next rows, as price-enricher would repair them."""
        # No more time than is held back: one round of rows, then the answer.
        return repair_rows(requested(request), self, lambda: RESERVE_MS - 1, self._rules)

    def read(self, reads: Sequence[Read]) -> list[Page | Unreadable]:
        """Answer reads from the table, and from what would have been written to it."""
        answers = self._tape.read(reads)
        for read, page in zip(reads, answers, strict=True):
            if isinstance(page, Page) and read.with_metrics:
                self._seen.update((row.print.key, row) for row in page.rows)
        return [
            Page(
                [self._written.get(row.print.key, row) for row in page.rows], page.broken, page.more
            )
            if isinstance(page, Page)
            else page
            for page in answers
        ]

    def write(self, writes: Sequence[Write]) -> list[Answer]:
        """Keep what would be written, and what is wrong with the row as it is stored."""
        for write in writes:
            stored = self._seen[write.key]
            self.wrong.setdefault(write.key, _wrong(stored.window))
            self._written[write.key] = Row(
                stored.print, write.enriched.window, write.enriched.metrics
            )
        return [Answer.WRITTEN for _ in writes]


class Metered:
    """A DynamoDB client that says what its queries consumed, in `units`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.units = 0.0

    def query(self, **arguments: Any) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html."""
        answer: Mapping[str, Any] = self._client.query(**arguments, ReturnConsumedCapacity="TOTAL")
        self.units += answer["ConsumedCapacity"]["CapacityUnits"]
        return answer

    def batch_execute_statement(self, **arguments: Any) -> Mapping[str, Any]:
        """Nothing is written by looking."""
        raise AssertionError(f"a trial wrote: {json.dumps(arguments)[:200]}")


def _wrong(window: str) -> str:
    if not window:
        return WITHOUT
    return OLD if window.partition(":")[0] < f"{VERSION:02d}" else STALE


def _whole(symbol: str, span: tuple[int, int]) -> dict[str, str]:
    """The repair of a span, as price-enricher is asked for it."""
    return {"symbol": symbol, "from": str(span[0]), "to": str(span[1])}
