"""The pipeline's settings: `settings.toml` as typed, validated, immutable objects.

Validation refuses what AWS or the code could not work with. What AWS accepts but the project
forbids (another log retention, another architecture …) passes here and is refused by the policies,
which name the resource that breaks them.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

SETTINGS_FILE = Path(__file__).with_name("settings.toml")

OVERLAY_VARIABLE = "PIPELINE_SETTINGS"
"""Environment variable naming a TOML file whose values replace those of `settings.toml`."""

REGION = "us-east-1"
"""The only region the pipeline is built for."""

DEAD_LETTER_LIMIT_BYTES = 262_144
"""Largest message of a dead-letter queue, its attributes included.

SQS takes 1 MiB since August 2025, but the AWS provider sets each queue's limit, to 256 KiB and no
more: https://github.com/hashicorp/terraform-provider-aws/issues/45152. It is also what an
SNS destination takes: https://docs.aws.amazon.com/lambda/latest/api/API_OnSuccess.html
"""

SECRETS_LIMIT = 3_000
"""Most characters of the webhook secrets: Lambda allows 4 KB of environment variables, and the
others take less than 1 KB. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

WINDOW_REACH_SECONDS = 7 * 86_400
"""Where rows end, how far back a row's window reaches at most. No setting: rows that were computed
by one reach would be wrong by another."""

_STREAM_SECONDS = 86_400
"""How long DynamoDB keeps a stream's records.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

_EVENT_OVERHEAD_BYTES = 20_000
"""Room beside the body: 10,240 bytes of headers in base64, the reason, what API Gateway adds."""

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)

# An alarm of one-minute periods looks back a day at most.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_DAY_MINUTES = 1_440


class SettingsError(ValueError):
    """A setting is missing, unknown or wrong; the message names it, its value and what to write."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be: `expectation` completes the sentence "expected …"."""

    expectation: str
    accepts: Callable[[Any], bool]


def _matching(pattern: str, expectation: str) -> Rule:
    return Rule(
        expectation,
        lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None,
    )


def _between(low: int, high: int, *others: int) -> Rule:
    # `type is int`: TOML's true and false are ints to isinstance.
    also = "".join(f", or {other}" for other in others)
    return Rule(
        f"a whole number from {low} to {high}{also}",
        lambda value: type(value) is int and (low <= value <= high or value in others),
    )


def _one_of(*choices: Any) -> Rule:
    listed = ", ".join(map(str, choices))
    return Rule(
        f"one of {listed}",
        lambda value: any(type(value) is type(choice) and value == choice for choice in choices),
    )


def _positive_decimal(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return number.is_finite() and number > 0


def _headers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(name, str) and re.fullmatch(r"[a-z0-9-]+", name) for name in value)
        and len(set(value)) == len(value)
        and not {"x-api-key", "authorization", "cookie"} & set(value)
    )


def _own_keys(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(
            isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9-]{0,36}", name) for name in value
        )
        and not any(name.endswith("-") for name in value)
        and len(set(value)) == len(value)
    )


# 47 characters and a suffix of at most 16 with its hyphen make 64, Lambda's and IAM's limit.
_NAME = _matching(
    r"[a-z](?:[a-z0-9-]{0,45}[a-z0-9])?",
    "1 to 47 lower-case letters, digits and inner hyphens, beginning with a letter",
)
Name = Annotated[str, _NAME]
Decimals = Annotated[
    str, Rule('a positive decimal number in quotes, like "1e-12"', _positive_decimal)
]


@dataclass(frozen=True, slots=True)
class Project:
    """What the whole is called and where it lives."""

    name: Name
    region: Annotated[str, _one_of(REGION)]
    default_suffix: Annotated[
        str,
        _matching(
            r"[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?",
            "1 to 16 lower-case letters, digits and inner hyphens",
        ),
    ]


@dataclass(frozen=True, slots=True)
class State:
    """Where Terraform keeps its state: an S3 bucket, or a local file when `s3_bucket` is empty."""

    s3_bucket: Annotated[
        str, _matching(r"|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", 'an S3 bucket name, or "" for none')
    ]
    s3_key_prefix: Annotated[
        str,
        _matching(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*", "an S3 key prefix without outer slashes"),
    ]


@dataclass(frozen=True, slots=True)
class Table:
    """The price table, and how long a row is kept after its event; 0 keeps rows for ever."""

    name: Name
    row_retention_days: Annotated[int, _between(0, 3_650)]


@dataclass(frozen=True, slots=True)
class Topics:
    """The notification topics."""

    success: Name
    errors: Name


@dataclass(frozen=True, slots=True)
class Key:
    """The pipeline's encryption key."""

    alias: Name
    deletion_window_days: Annotated[int, _between(7, 30)]


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead-letter queues."""

    retention_seconds: Annotated[int, _between(60, 1_209_600)]


@dataclass(frozen=True, slots=True)
class Logs:
    """What the functions log, how long it is kept, and which lines are errors."""

    retention_days: Annotated[int, _one_of(*_RETENTIONS)]
    application_level: Annotated[str, _one_of("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")]
    system_level: Annotated[str, _one_of("DEBUG", "INFO", "WARN")]
    error_pattern: Annotated[
        str,
        _matching(r"\{.{1,1022}\}", "a JSON filter pattern in braces, at most 1,024 characters"),
    ]


@dataclass(frozen=True, slots=True)
class Function:
    """One function's size, limits and retries of asynchronous invocations."""

    name: Name
    memory_mb: Annotated[int, _between(128, 10_240)]
    timeout_seconds: Annotated[int, _between(1, 900)]
    reserved_concurrency: Annotated[int, _between(0, 1_000, -1)]
    maximum_retries: Annotated[int, _between(0, 2)]
    maximum_event_age_seconds: Annotated[int, _between(60, 21_600)]


_FUNCTIONS = ("webhook_processor", "price_enricher", "error_notifier")


@dataclass(frozen=True, slots=True)
class Functions(Mapping[str, Function]):
    """All functions by their Python names, and what they have in common."""

    runtime: Annotated[str, _matching(r"python3\.[0-9]{1,2}", "a Lambda runtime like python3.13")]
    architecture: Annotated[str, _one_of("arm64", "x86_64")]
    webhook_processor: Function
    price_enricher: Function
    error_notifier: Function

    def __getitem__(self, key: str) -> Function:
        if key not in self:
            raise KeyError(key)
        function: Function = getattr(self, key)
        return function

    def __contains__(self, key: object) -> bool:
        return key in _FUNCTIONS

    def __iter__(self) -> Iterator[str]:
        return iter(_FUNCTIONS)

    def __len__(self) -> int:
        return len(_FUNCTIONS)


@dataclass(frozen=True, slots=True)
class Stream:
    """How the table's stream is handed to price-enricher."""

    batch_size: Annotated[int, _between(1, 10_000)]
    batching_window_seconds: Annotated[int, _between(0, 300)]
    parallelization_factor: Annotated[int, _between(1, 10)]
    maximum_retries: Annotated[int, _between(0, 10_000, -1)]
    maximum_record_age_seconds: Annotated[int, _between(60, 604_800, -1)]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm: `minutes` of the last `of_minutes` with `threshold` or more raise it."""

    name: Name
    threshold: Annotated[int, _between(1, 10**9)]
    minutes: Annotated[int, _between(1, _DAY_MINUTES)]
    of_minutes: Annotated[int, _between(1, _DAY_MINUTES)]


@dataclass(frozen=True, slots=True)
class StaleFeed:
    """The alarm on a feed that has stopped: so many minutes without a webhook; 0 makes none."""

    name: Name
    minutes: Annotated[int, _between(0, _DAY_MINUTES)]


@dataclass(frozen=True, slots=True)
class Alarms:
    """What is told of by CloudWatch, to whom, and the page that shows it."""

    dashboard: Name
    email: Annotated[
        str, _matching(r"|[^\s@\"\\$%]+@[^\s@\"\\$%]+", 'an e-mail address, or "" for none')
    ]
    dead_letters: Alarm
    errors: Alarm
    throttles: Alarm
    iterator_age: Alarm
    dead_letter_errors: Alarm
    destination_failures: Alarm
    stale_feed: StaleFeed


@dataclass(frozen=True, slots=True)
class Ingress:
    """The webhook: its API, its throttle (requests a second) and what it forwards."""

    api_name: Name
    stage: Annotated[str, _matching(r"[A-Za-z0-9_]{1,128}", "letters, digits and underscores")]
    usage_plan: Name
    api_key: Name
    own_api_keys: Annotated[
        tuple[str, ...],
        Rule(
            "a list of different names of exchanges, lower case with hyphens, and with -next "
            "behind it while a key is rotated",
            _own_keys,
        ),
    ]
    throttle_rate: Annotated[int, _between(1, 10_000)]
    throttle_burst: Annotated[int, _between(1, 5_000)]
    forwarded_headers: Annotated[
        tuple[str, ...],
        Rule(
            "a list of different lower-case header names without credentials "
            "(x-api-key, authorization, cookie)",
            _headers,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Processing:
    """What webhook-processor accepts."""

    home_quote: Annotated[str, _matching(r"[A-Z0-9]{2,10}", "a currency code like USD")]
    maximum_body_bytes: Annotated[int, _between(1, DEAD_LETTER_LIMIT_BYTES)]
    maximum_nesting: Annotated[int, _between(1, 500)]
    price_minimum: Decimals
    price_maximum: Decimals
    significant_digits: Annotated[int, _between(1, 38)]
    past_window_seconds: Annotated[int, _between(0, 10**10)]
    future_window_seconds: Annotated[int, _between(0, 86_400)]
    signature_tolerance_seconds: Annotated[int, _between(1, 86_400)]


@dataclass(frozen=True, slots=True)
class Expected:
    """The traffic that is reckoned with, and what it may cost (`stack/cost.py`)."""

    ticks_a_second: Annotated[int, _between(1, 100_000)]
    ticks_a_webhook: Annotated[int, _between(1, 1_000)]
    symbols: Annotated[int, _between(1, 100_000)]
    stored_days: Annotated[int, _between(0, 36_500)]
    budget_dollars_a_month: Annotated[int, _between(1, 10_000_000)]


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number and name that configures the pipeline."""

    project: Project
    tags: Mapping[str, str]
    state: State
    table: Table
    topics: Topics
    key: Key
    dead_letters: DeadLetters
    logs: Logs
    functions: Functions
    stream: Stream
    alarms: Alarms
    ingress: Ingress
    processing: Processing
    expected: Expected

    @property
    def row_retention_seconds(self) -> int:
        """How long after its event a row ends; 0 never."""
        return self.table.row_retention_days * 86_400

    @property
    def window_reach_seconds(self) -> int:
        """How far back a row's window reaches at most; 0 as far as its rows do."""
        return WINDOW_REACH_SECONDS if self.table.row_retention_days else 0

    @property
    def insert_within_seconds(self) -> int:
        """How long after its event a tick may still become a row; 0 always.

        What is left of the retention when a row's window and all the ways in which its metrics
        can wait are taken off: then every row that they need is still there.
        """
        kept = self.row_retention_seconds
        return kept and kept - WINDOW_REACH_SECONDS - self._enriching_seconds

    @property
    def least_retention_days(self) -> int:
        """The fewest days that rows can be kept, if not for ever."""
        waiting = self._inserting_seconds + self._enriching_seconds
        return -(-(waiting + WINDOW_REACH_SECONDS) // 86_400)

    @property
    def _inserting_seconds(self) -> int:
        """The oldest a tick gets before it is stored, redriven once and at the last moment."""
        return (
            self.processing.past_window_seconds
            + self.functions.webhook_processor.maximum_event_age_seconds
            + self.dead_letters.retention_seconds
        )

    @property
    def _enriching_seconds(self) -> int:
        """The longest that a stored row waits for its metrics, redriven once."""
        return _STREAM_SECONDS + self.dead_letters.retention_seconds


def load(path: Path | None = None, overlay: Path | None = None) -> Settings:
    """Read and validate the settings.

    Without `path`, `settings.toml` beside this file, and over it `overlay` or else the file that
    the environment variable PIPELINE_SETTINGS names, if any: only the values that differ need to
    be in it. Raises `SettingsError`, which names the setting, its value and what was expected.
    """
    if path is not None:
        return _load(path, overlay)
    named = os.environ.get(OVERLAY_VARIABLE)
    return _load(SETTINGS_FILE, overlay or (Path(named) if named else None))


def parse(document: Mapping[str, Any]) -> Settings:
    """Turn a parsed TOML document into settings; raises `SettingsError`."""
    settings: Settings = _read(Settings, document, "")
    _cross_check(settings)
    return settings


def with_expected(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Replace values of the table `[expected]`; raises `SettingsError` as for a file's."""
    table = {field.name: getattr(settings.expected, field.name) for field in fields(Expected)}
    return replace(settings, expected=_read(Expected, {**table, **values}, "expected"))


def _load(path: Path, overlay: Path | None) -> Settings:
    def stamp(file: Path | None) -> tuple[Path, int] | None:
        try:
            return None if file is None else (file.resolve(), file.stat().st_mtime_ns)
        except OSError as error:
            raise SettingsError(
                f"the settings file {file} cannot be read: {error.strerror}. "
                f"Create it, or correct {OVERLAY_VARIABLE} if that names it."
            ) from error

    base = stamp(path)
    assert base is not None
    return _load_version(base, stamp(overlay))


@cache
def _load_version(base: tuple[Path, int], overlay: tuple[Path, int] | None) -> Settings:
    """Read one version of the files; the modification times make it safe to remember."""
    document = _parse_file(base[0])
    if overlay is not None:
        document = _overlaid(document, _parse_file(overlay[0]))
    return parse(document)


def _parse_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file {path} is not valid TOML: {error}") from error


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            value = _overlaid(under, value)
        merged[key] = value
    return merged


def _read(kind: Any, value: Any, key: str) -> Any:
    """Turn a TOML value into `kind`: a dataclass, an annotated scalar, or the table of tags."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _read_table(kind, value, key)
    if get_origin(kind) is Annotated:
        rule: Rule = get_args(kind)[1]
        if not rule.accepts(value):
            raise SettingsError(f"setting {key} is {value!r}; expected {rule.expectation}")
        return tuple(value) if isinstance(value, list) else value
    return _read_tags(value, key)


def _read_table(kind: type, value: Any, key: str) -> Any:
    if not isinstance(value, dict):
        raise SettingsError(f"setting {key} is {value!r}; expected a table [{key}]")
    hints = get_type_hints(kind, include_extras=True)
    known = [field.name for field in fields(kind)]
    dotted = f"{key}." if key else ""
    if unknown := sorted(set(value) - set(known)):
        raise SettingsError(
            f"setting {dotted}{unknown[0]} is unknown; expected one of {', '.join(known)}"
        )
    if missing := [name for name in known if name not in value]:
        raise SettingsError(f"setting {dotted}{missing[0]} is missing; add it")
    return kind(**{name: _read(hints[name], value[name], dotted + name) for name in known})


def _read_tags(value: Any, key: str) -> Mapping[str, str]:
    # https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    allowed = re.compile(r"[A-Za-z0-9 _.:/=+@-]+")
    if not isinstance(value, dict) or not value:
        raise SettingsError(f"setting {key} is {value!r}; expected a table [{key}] of tags")
    for name, text in value.items():
        good = isinstance(text, str) and allowed.fullmatch(text) and len(text) <= 256
        if not (good and allowed.fullmatch(name) and len(name) <= 128):
            raise SettingsError(
                f"setting {key}.{name} is {text!r}; expected a tag of letters, digits, spaces and "
                "_.:/=+@- (name at most 128, value at most 256 characters)"
            )
    if "Environment" in value:
        raise SettingsError(
            f"setting {key}.Environment is {value['Environment']!r}; remove it: it is always the "
            "suffix"
        )
    return dict(value)


def _cross_check(settings: Settings) -> None:
    """Refuse values that are right one by one and wrong together."""
    processing = settings.processing
    if Decimal(processing.price_minimum) >= Decimal(processing.price_maximum):
        raise SettingsError(
            f"setting processing.price_minimum is {processing.price_minimum!r}; expected less "
            f"than processing.price_maximum, which is {processing.price_maximum!r}"
        )
    largest = (DEAD_LETTER_LIMIT_BYTES - _EVENT_OVERHEAD_BYTES) // 4 * 3
    if processing.maximum_body_bytes > largest:
        raise SettingsError(
            f"setting processing.maximum_body_bytes is {processing.maximum_body_bytes}; expected "
            f"at most {largest}: in base64 and with its headers the body must fit the "
            f"{DEAD_LETTER_LIMIT_BYTES} bytes of a dead letter, or a message that fails is lost"
        )
    _check_retention(settings)
    alarms = settings.alarms
    for field in fields(alarms):
        alarm = getattr(alarms, field.name)
        if isinstance(alarm, Alarm) and alarm.minutes > alarm.of_minutes:
            raise SettingsError(
                f"setting alarms.{field.name}.minutes is {alarm.minutes}; expected at most "
                f"alarms.{field.name}.of_minutes, which is {alarm.of_minutes}"
            )
    names = [function.name for function in settings.functions.values()]
    if len(set(names)) != len(names):
        raise SettingsError(f"setting functions.*.name is {names}; expected three different names")
    if settings.topics.success == settings.topics.errors:
        raise SettingsError(
            f"setting topics.errors is {settings.topics.errors!r}; expected another name than "
            "topics.success"
        )


def _check_retention(settings: Settings) -> None:
    """Refuse an end of rows that could come before their metrics, or before they are stored."""
    days = settings.table.row_retention_days
    if not days:
        return
    if not settings.processing.past_window_seconds:
        raise SettingsError(
            f"setting table.row_retention_days is {days} and processing.past_window_seconds is 0; "
            "expected a bound on how old ticks may be, or 0 days: a tick older than the retention "
            "would vanish as soon as it is stored"
        )
    inserting, enriching = settings._inserting_seconds, settings._enriching_seconds
    least = settings.least_retention_days
    if days < least:
        raise SettingsError(
            f"setting table.row_retention_days is {days}; expected 0 or at least {least}: a tick "
            f"can be {inserting / 86_400:g} days old when it is stored, its metrics can wait "
            f"{enriching / 86_400:g} days, and their window reaches "
            f"{WINDOW_REACH_SECONDS / 86_400:g} days back"
        )
