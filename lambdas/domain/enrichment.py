"""How rows get their metrics: an algorithm that ends right in whatever order things happen.

Metrics are functions of the last 100 rows of a tape, so a new row changes its own metrics and
those of up to 99 rows after it. For the new rows of one symbol the algorithm

(a) reads the 99 rows before the earliest new one and all rows from there to 99 after the last;
(b) computes all rows from the earliest new one on and writes those whose stored values differ,
    each on condition that the row's window mark does not go back (:mod:`lambdas.domain.marks`);
(c) reads again, until nothing differs, when it wrote a row that was not its own, when a write was
    refused because the stored mark is larger, or when it was not called by the stream.

A repair also lets a mark go back, because rows may have been deleted. A larger mark than its own
may as well be that of somebody who saw a row that came between its two reads; whoever wrote it read
before that, so a second look sees all that it saw. A mark that two looks find larger is therefore
one of rows that are gone, and is replaced on condition that it still is what was read.

Where rows end after a time, the oldest rows of a tape have metrics that counted rows which ended
before them, and keep those: such a row (older than ``Rules.lasting``) is only ever written better
informed. A window there reaches back a limited time, so that all rows of a younger one are still
there, ended or not; its metrics are the same as if no row ever ended.

Whoever inserts a row is followed by a run of this algorithm over that row, and of two runs over
overlapping rows each either sees the other's insert in (a) or is seen by it in (a) or (c). That is
why nothing needs an order: not the stream's records, not the shards, not the writes. The proof by
search is ``tests/price_enricher/test_any_order.py``, which also shows that each part is needed.

A run is a generator. It yields what it needs, a :class:`Read` or a list of :class:`Write`, and is
sent the answer, a :class:`Page` or a list of :class:`Answer`; it does no input or output itself.
Whoever drives it may throw :class:`Unreadable` into it when a read fails.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Literal, NamedTuple

from lambdas.domain.tape import WINDOW, Print, Row
from lambdas.domain.windows import Enriched, enriched

ROUNDS = 8
"""Looks at one stretch before its rows are left to a retry: others keep inserting into it."""

REPAIR_ROWS = 1_000
"""Rows repaired in one run."""

LONGEST_RUN_MS = 900_000
"""What Lambda gives an invocation at most."""

CACHED_TAPES = 1_000
"""Tails kept in a warm function; about 40 KB each."""


class Unreadable(Exception):
    """Rows could not be read, for a reason that may pass."""


class Read(NamedTuple):
    """A request for rows of a tape, consistently: those ``beyond`` a key, nearest first."""

    symbol: str
    beyond: Literal["<", ">=", ">"]
    key: str
    limit: int
    with_metrics: bool


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to a read: rows in the order of the request.

    ``broken`` are keys of rows that cannot be read as rows of a tape and are no part of it.
    ``more`` is the key to continue beyond, None when there is nothing more.
    """

    rows: Sequence[Row]
    broken: Sequence[str] = ()
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A request to update a row unless its stored mark is larger."""

    symbol: str
    key: str
    enriched: Enriched
    obsolete: tuple[str, ...] = ()
    """Stored metrics that are undefined now."""
    replaced: str = ""
    """The larger mark that is to be replaced, and no other: it counts rows that are gone."""


class Answer(Enum):
    """What became of a write."""

    WRITTEN = "written"
    REFUSED = "refused"
    """The row is gone, or somebody better informed wrote it."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a run got to on a tape: the window of the last row asked for, and that window's mark.

    Rows behind it that were written ahead are no part of it: their own records come next, and a
    tail that ended with them would not lie before those.
    """

    prints: Sequence[Print]
    mark: str

    @property
    def last(self) -> str:
        """The key of the last row."""
        return self.prints[-1].key


@dataclass(slots=True)
class Outcome:
    """What a run did for one symbol.

    ``failed`` maps the keys that are not done to why; of the other keys each is right, written by
    somebody better informed, or gone. ``written`` counts rows, also those that were not asked for.
    """

    symbol: str
    written: int = 0
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    tail: Tail | None = None


Run = Generator[Read | list[Write], Page | list[Answer], Outcome]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the algorithm runs on: the window's length and how rows get their values.

    Tests replace both by something smaller; the parts (a) to (c) can be left out one by one, to
    show that the tests notice.
    """

    window: int = WINDOW
    compute: Callable[[Sequence[Print], int], list[Enriched]] = enriched
    lasting: str = ""
    """From this key on no row of a window can have ended."""


RULES = Rules()


def ending(kept_ms: int, reach_ms: int, now_ms: int) -> Rules:
    """Return the rules for rows that end so long after their event; 0 is never.

    ``reach_ms`` is how far back a window reaches. The time may be past when the run's last read is
    made, by an invocation's length at most.
    """
    if not kept_ms:
        return RULES
    lasting = now_ms + LONGEST_RUN_MS - kept_ms + reach_ms
    return Rules(compute=partial(enriched, reach_ms=reach_ms), lasting=f"{max(0, lasting):013d}")


class Repaired(NamedTuple):
    """What a repair did to how many rows, and the last of them unless it reached its end."""

    outcome: Outcome
    rows: int
    more: str | None


def enrich(
    symbol: str,
    keys: Iterable[str],
    tail: Tail | None = None,
    *,
    by_stream: bool = True,
    rules: Rules = RULES,
) -> Run:
    """Make the rows at ``keys`` right, and those after them that depend on them.

    ``tail`` is what the caller remembers of the tape; it is verified by what is read.
    Keys that lie further apart than a window are done one stretch of the tape after the other, so
    a late tick costs what its own stretch costs: at most 100 writes and two looks at 199 rows.
    """
    wanted = sorted(set(keys))
    asked = frozenset(wanted)
    outcome = Outcome(symbol)
    while wanted:
        try:
            wanted = yield from _settle(symbol, wanted, asked, tail, by_stream, rules, outcome)
        except Unreadable as error:
            outcome.failed.update(dict.fromkeys(wanted, str(error)))
            outcome.tail = None
            break
    return outcome


def repair(
    symbol: str,
    start: str,
    end: str,
    *,
    inclusive: bool = True,
    limit: int = REPAIR_ROWS,
    rules: Rules = RULES,
) -> Generator[Read | list[Write], Page | list[Answer], Repaired]:
    """Make the rows from key ``start`` to key ``end`` right, whoever left them wrong.

    At most about ``limit`` rows, and those after them that depend on them; the answer names the
    key behind which (not ``inclusive``) to go on. Raises :class:`Unreadable` when the rows to
    repair cannot be listed.
    """
    page = yield from _ask(Read(symbol, ">=" if inclusive else ">", start, limit, False))
    keys = [row.print.key for row in page.rows]
    while page.more is not None and page.more < end and len(keys) < limit:
        page = yield from _ask(Read(symbol, ">", page.more, limit, False))
        keys += [row.print.key for row in page.rows]
    keys = [key for key in keys if key <= end]
    outcome = yield from enrich(symbol, keys, by_stream=False, rules=rules)
    more = page.more if page.more is not None and page.more < end else None
    return Repaired(outcome, len(keys), more)


def _settle(
    symbol: str,
    wanted: list[str],
    asked: frozenset[str],
    tail: Tail | None,
    by_stream: bool,
    rules: Rules,
    outcome: Outcome,
) -> Generator[Read | list[Write], Page | list[Answer], list[str]]:
    """Make the first stretch of the wanted rows right; return the wanted keys beyond it."""
    beyond: list[str] = []
    given_up: set[str] = set()
    larger: dict[str, str] = {}
    outcome.tail = None
    for look in range(ROUNDS):
        stretch = yield from _read(symbol, wanted, tail, rules)
        beyond = wanted[stretch.reached :] + beyond
        wanted = wanted[: stretch.reached]
        computed = rules.compute(stretch.prints, stretch.first)
        suspected, larger = larger, {}
        if not by_stream:
            larger = {
                row.print.key: row.window
                for row, result in zip(stretch.rows, computed, strict=True)
                if row.window > result.window and row.print.key >= rules.lasting
            }
        stale = {key for key, mark in larger.items() if suspected.get(key) == mark}
        writes = [
            write
            for row, result in zip(stretch.rows, computed, strict=True)
            if (write := _difference(symbol, row, result, row.print.key in stale))
            and write.key not in given_up
        ]
        if look == 0:
            changed = {write.key for write in writes}
            outcome.unchanged += sum(row.print.key in asked - changed for row in stretch.rows)
            for key in asked.intersection(stretch.broken):
                outcome.failed[key] = "the stored row is not a row of a tape"
        answers: dict[str, Answer] = {}
        if writes:
            answered = yield writes
            assert isinstance(answered, list), "a list of writes is answered by a list"
            answers = {write.key: one for write, one in zip(writes, answered, strict=True)}
        for key, answer in answers.items():
            if answer is Answer.WRITTEN:
                outcome.written += 1
            elif answer is Answer.FAILED:
                given_up.add(key)
                responsible = wanted[max(0, bisect_right(wanted, key) - 1)]
                outcome.failed[responsible] = f"the row at {key} could not be written"
        # Also when that row was not written: then its mark differs, and the tail is not used.
        end = bisect_right(stretch.rows, wanted[-1], key=_key) if wanted else 0
        if end:
            until = len(stretch.prints) - len(stretch.rows) + end
            seen = stretch.prints[max(0, until - rules.window) : until]
            outcome.tail = Tail(seen, computed[end - 1].window)
        if larger.keys() <= stale | given_up and not any(
            answer is Answer.REFUSED or not by_stream or key not in asked
            for key, answer in answers.items()
        ):
            return beyond
    outcome.failed.update(
        dict.fromkeys(wanted, f"others were still changing the rows after {ROUNDS} looks")
    )
    return beyond


def _difference(symbol: str, row: Row, result: Enriched, stale: bool) -> Write | None:
    """Return the write that makes a stored row right; None when it is, or is better informed.

    With `stale` its larger mark is known to be no better information.
    """
    if row.window > result.window and not stale:
        return None
    if row.window == result.window and same_metrics(row.metrics, result.metrics):
        return None
    obsolete = tuple(name for name in row.metrics if name not in result.metrics)
    return Write(symbol, row.print.key, result, obsolete, row.window if stale else "")


def same_metrics(stored: Mapping[str, str], computed: Mapping[str, str]) -> bool:
    """Tell whether stored texts are the same numbers as computed ones, however written."""
    return stored == computed or (
        stored.keys() == computed.keys()
        and all(Decimal(stored[name]) == Decimal(value) for name, value in computed.items())
    )


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Consecutive rows of a tape, ``prints``, of which ``rows`` (from ``first`` on) are looked at.

    ``reached`` is how many of the wanted keys lie before its end.
    """

    prints: list[Print]
    first: int
    rows: list[Row]
    reached: int
    broken: list[str]


def _read(
    symbol: str, wanted: list[str], tail: Tail | None, rules: Rules
) -> Generator[Read | list[Write], Page | list[Answer], _Stretch]:
    """Read from a window before the first wanted row to a window after the last.

    Where wanted rows lie further apart than a window, only the first ones are reached. With a
    valid tail that is one query, from the tail's last row on. Otherwise the context is read
    backwards first.
    """
    reach = rules.window - 1
    limit = reach + 1 + len(wanted)
    page = None
    context: list[Print] = []
    rows: list[Row] = []
    broken: list[str] = []
    if tail and tail.last < wanted[0]:
        page = yield from _ask(Read(symbol, ">=", tail.last, limit, True))
        if _continues(page, tail, wanted[0]):
            context = list(tail.prints[:-1])
        else:
            page = None
    if page is None:
        more: str | None = wanted[0]
        while more is not None and len(context) < reach:
            page = yield from _ask(Read(symbol, "<", more, reach - len(context), False))
            context += [row.print for row in page.rows]
            more = page.more
        context.reverse()
        page = yield from _ask(Read(symbol, ">=", wanted[0], limit, True))
    while True:
        rows += page.rows
        broken += page.broken
        if page.more is None:
            reached, end = len(wanted), len(rows)
        else:
            reached = bisect_right(wanted, page.more)
            end = bisect_right(rows, wanted[reached - 1], key=_key) + reach if reached else 0
        if page.more is None or (reached and len(rows) >= end):
            break
        page = yield from _ask(Read(symbol, ">", page.more, limit, True))
    del rows[end:]
    before = bisect_left(rows, wanted[0], key=_key)
    prints = context + [row.print for row in rows]
    return _Stretch(prints, len(context) + before, rows[before:], reached, broken)


def _ask(read: Read) -> Generator[Read | list[Write], Page | list[Answer], Page]:
    page = yield read
    assert isinstance(page, Page), "a read is answered by a page"
    return page


def _key(row: Row) -> str:
    return row.print.key


def _continues(page: Page, tail: Tail, first: str) -> bool:
    """Tell whether a page read from the tail's last row on joins the tail to the first row.

    The last row must be there with the mark it had: then its window is what the tail says. Every
    row behind it is used, also those that were inserted since by others. A page that does not
    reach the first wanted row shows a tail so far behind that a window read afresh costs less.
    """
    return (
        bool(page.rows)
        and page.rows[0].print.key == tail.last
        and page.rows[0].window == tail.mark
        and (page.more is None or page.more >= first)
    )


class Tails:
    """The ends of the tapes a warm function has seen; the least recently used give way."""

    def __init__(self, capacity: int = CACHED_TAPES) -> None:
        self._capacity = capacity
        self._tails: OrderedDict[str, Tail] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tails)

    def get(self, symbol: str) -> Tail | None:
        """Return what is remembered of a tape."""
        return self._tails.get(symbol)

    def put(self, symbol: str, tail: Tail | None) -> None:
        """Remember the end of a tape, or with None forget it."""
        self._tails.pop(symbol, None)
        if tail is not None:
            self._tails[symbol] = tail
            if len(self._tails) > self._capacity:
                self._tails.popitem(last=False)
