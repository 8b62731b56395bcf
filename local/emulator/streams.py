"""Event source mappings from DynamoDB streams: batches, retries, bisecting, dead letters.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html

One thread a mapping reads its table's single shard in order, one batch at a time. A failed batch is
tried again until its retries are used up or its oldest record is too old; it blocks only so long,
then a record about it (never its data) goes to the on-failure destination. Of a batch with reported
items everything from the lowest sequence number is tried again, later successes included. With
bisecting on, a raised error splits the batch in two and a report splits it at the reported record;
splitting uses up no retry, nor does a throttle or a failure of Lambda itself.
"""

import contextvars
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.emulator import clock, delivery, faults, metering
from local.emulator.authority import role_refusal
from local.emulator.context import scoped
from local.emulator.functions import ServiceError, Throttled, run
from local.emulator.upstream import module, needs, replaces

needs("services.lambda_svc:_esms")
needs("services.lambda_svc:_iter_all_esms", "")
needs("services.lambda_svc:_apply_filter_criteria", "records esm")
needs("services.lambda_svc:_dynamodb_stream_positions")
needs("services.lambda_svc:_get_func_record_for_qualifier", "name qualifier")
needs("services.dynamodb:stream_start_position", "table_name account_id region")
needs("services.dynamodb:stream_end_position", "table_name account_id region")
needs("services.dynamodb:stream_records_since", "table_name position limit account_id region")
needs("services.dynamodb:_tables")

_log = logging.getLogger("local.emulator.streams")
_PAGE = "https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"
_POLL_SECONDS = 0.25
_IDLE_CHECK_SECONDS = 0.05
_MAXIMUM_BATCH_BYTES = 6 * 1024 * 1024
_BACKOFF_SECONDS = 1.0
_BACKOFF_LIMIT_SECONDS = 60.0
_SHARD = "shardId-00000000000000000000-00000000"
_READ_ACTIONS = ("dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords")

Record = dict[str, Any]


@dataclass
class Batch:
    """Records that are invoked with together, and how often that has failed."""

    records: list[Record]
    failures: int = 0
    invocations: int = 0


def born(record: Record) -> float:
    """When a record was written, epoch seconds: its sequence number starts with milliseconds."""
    return int(record["dynamodb"]["SequenceNumber"][:20]) / 1000


def reported(answer: bytes, records: list[Record]) -> int | None:
    """Index of the first record to try again by the function's answer; None when all are done.

    An answer that names an unknown item, or names it in another shape than
    `{"batchItemFailures": [{"itemIdentifier": …}]}`, fails the whole batch: 0.
    """
    document = json.loads(answer)
    if document is None or document == {}:
        return None
    if not isinstance(document, dict):
        return None
    failures = document.get("batchItemFailures")
    if failures is None or failures == []:
        return None
    positions = {one["dynamodb"]["SequenceNumber"]: i for i, one in enumerate(records)}
    if not isinstance(failures, list):
        return 0
    found = [
        positions.get(one.get("itemIdentifier")) if isinstance(one, dict) else None
        for one in failures
    ]
    return 0 if None in found else min(index for index in found if index is not None)


class Mapping:
    """One event source mapping at work."""

    def __init__(self, account: str, region: str, mapping: dict[str, Any]) -> None:
        self._account, self._region = account, region
        self._esm = mapping
        self._thread = threading.Thread(
            target=self._enter, name=f"stream {mapping['UUID']}", daemon=True
        )
        self._function: dict[str, Any] = {}

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still reads."""
        return self._thread.is_alive()

    def _enter(self) -> None:
        scoped(self._account, self._region).run(self._read_on)

    def _wanted(self) -> bool:
        """Whether the mapping still exists and is enabled, and its function and stream with it."""
        esm = self._esm
        live = module("services.lambda_svc")._esms.get(esm["UUID"])
        return live is esm and bool(esm.get("Enabled", True)) and not _STOP.is_set()

    @property
    def _table(self) -> str:
        return str(self._esm["EventSourceArn"]).split("/stream/")[0].rsplit("/", 1)[-1]

    def _position(self) -> int:
        lambdas, tables = module("services.lambda_svc"), module("services.dynamodb")
        positions = lambdas._dynamodb_stream_positions
        start: int = tables.stream_start_position(self._table)
        if self._esm["UUID"] not in positions:
            latest = self._esm.get("StartingPosition") == "LATEST"
            end = tables.stream_end_position(self._table)
            positions[self._esm["UUID"]] = end if latest else start
        return max(int(positions[self._esm["UUID"]]), start)

    def _advance(self, position: int) -> None:
        module("services.lambda_svc")._dynamodb_stream_positions[self._esm["UUID"]] = position

    def _read_on(self) -> None:
        while self._wanted():
            try:
                if not self._readable():
                    time.sleep(_POLL_SECONDS)
                    continue
                records, position = self._gather()
                if records:
                    self._work_off([Batch(records)])
                if self._wanted():
                    self._advance(position)
            except Exception:
                _log.exception("mapping %s failed and goes on", self._esm["UUID"])
                time.sleep(1)

    def _readable(self) -> bool:
        lambdas, tables = module("services.lambda_svc"), module("services.dynamodb")
        record, _ = lambdas._get_func_record_for_qualifier(
            self._esm["FunctionName"], self._esm.get("Qualifier")
        )
        table = tables._tables.get(self._table)
        arn = self._esm["EventSourceArn"]
        if record is None or table is None or table.get("LatestStreamArn") != arn:
            return False
        self._function = record
        if tables.stream_end_position(self._table) <= self._position():
            time.sleep(_IDLE_CHECK_SECONDS)
            return False
        role = record["config"]["Role"].rsplit("/", 1)[-1]
        refusal = read_refusal(record["config"], arn) or faults.strike_within(
            "dynamodb", "GetRecords", role
        )
        if refusal:
            self._esm["LastProcessingResult"] = f"PROBLEM: {refusal}"
            _STOP.wait(min(1.0, clock.real(_BACKOFF_LIMIT_SECONDS)))
            return False
        return True

    def _gather(self) -> tuple[list[Record], int]:
        """Records that pass the filter, and the position behind the last one looked at."""
        lambdas, tables = module("services.lambda_svc"), module("services.dynamodb")
        size = int(self._esm.get("BatchSize") or 100)
        window = clock.real(float(self._esm.get("MaximumBatchingWindowInSeconds") or 0))
        position = self._position()
        kept: list[Record] = []
        weight = 0
        deadline: float | None = None
        while self._wanted():
            page = tables.stream_records_since(self._table, position, size)
            for record in page:
                position += 1
                if not lambdas._apply_filter_criteria([record], self._esm):
                    continue
                weight += len(json.dumps(record))
                if kept and weight > _MAXIMUM_BATCH_BYTES:
                    return kept, position - 1
                kept.append(record)
                if len(kept) == size:
                    return kept, position
            if deadline is None and (kept or page):
                # The window opens with the first record, a filtered one included.
                deadline = time.monotonic() + window
            if not kept and not page:
                return kept, position
            left = (deadline or 0) - time.monotonic()
            if left <= 0:
                return kept, position
            if not page:
                time.sleep(min(left, clock.real(_POLL_SECONDS), _POLL_SECONDS))
        return [], self._position()

    def _work_off(self, todo: list[Batch]) -> None:
        """Invoke with the first batch until it is done or given up, then with the next."""
        setbacks = 0
        while todo and self._wanted():
            batch = todo[0]
            limit = int(self._esm.get("MaximumRecordAgeInSeconds") or -1)
            if limit > 0:
                old = [record for record in batch.records if clock.age(born(record)) > limit]
                if old:
                    self._give_up(
                        Batch(old, batch.failures, batch.invocations), "RecordAgeExceeded"
                    )
                    batch.records = batch.records[len(old) :]
                    if not batch.records:
                        todo.pop(0)
                    continue
            event = json.dumps({"Records": batch.records}).encode()
            record = self._current_function()
            if record is None:
                return
            self._tell_age(batch)
            try:
                outcome = run(record, event, str(uuid.uuid4()))
            except (Throttled, ServiceError) as error:
                self._esm["LastProcessingResult"] = f"PROBLEM: {error}"
                setbacks += 1
                self._wait(setbacks)
                continue
            setbacks = 0
            batch.invocations += 1
            failed = outcome.status != "ok"
            first = 0 if failed else self._first_failure(outcome.payload, batch.records)
            if first is None:
                count = len(batch.records)
                self._esm["LastProcessingResult"] = "OK"
                _log.debug("%s took %d records", self._esm["FunctionName"], count)
                todo.pop(0)
                continue
            self._esm["LastProcessingResult"] = "PROBLEM: Function call failed"
            todo[:1] = self._rest(batch, first, raised=failed)
            if todo and todo[0].failures:
                self._wait(todo[0].failures)

    def _tell_age(self, batch: Batch) -> None:
        name = self._esm["FunctionArn"].rsplit(":", 1)[-1]
        metering.behind(name, clock.age(born(batch.records[-1])) * 1000)

    def _current_function(self) -> dict[str, Any] | None:
        record, _ = module("services.lambda_svc")._get_func_record_for_qualifier(
            self._esm["FunctionName"], self._esm.get("Qualifier")
        )
        return record if isinstance(record, dict) else None

    def _first_failure(self, answer: bytes, records: list[Record]) -> int | None:
        if "ReportBatchItemFailures" not in (self._esm.get("FunctionResponseTypes") or []):
            return None
        return reported(answer, records)

    def _rest(self, batch: Batch, first: int, *, raised: bool) -> list[Batch]:
        """What is left of a failed batch: one batch, two after a split, none if given up."""
        records = batch.records[first:]
        if self._esm.get("BisectBatchOnFunctionError"):
            if raised and len(records) > 1:
                middle = len(records) // 2
                return [
                    Batch(records[:middle], batch.failures, batch.invocations),
                    Batch(records[middle:], batch.failures, batch.invocations),
                ]
            if first > 0:
                return [Batch(records, batch.failures, batch.invocations)]
        rest = Batch(records, batch.failures + 1, batch.invocations)
        retries = self._esm.get("MaximumRetryAttempts")
        if retries is not None and 0 <= int(retries) < rest.failures:
            self._give_up(rest, "RetryAttemptsExhausted")
            return []
        return [rest]

    def _wait(self, failures: int) -> None:
        wait = min(_BACKOFF_SECONDS * 2 ** min(failures - 1, 10), _BACKOFF_LIMIT_SECONDS)
        _STOP.wait(clock.real(wait))

    def _give_up(self, batch: Batch, condition: str) -> None:
        _log.warning(
            "%s: %d records given up (%s)", self._esm["FunctionName"], len(batch.records), condition
        )
        on_failure = (self._esm.get("DestinationConfig") or {}).get("OnFailure") or {}
        if not on_failure.get("Destination"):
            return
        first, last = batch.records[0], batch.records[-1]
        document = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self._esm["FunctionArn"],
                "condition": condition,
                "approximateInvokeCount": batch.invocations,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": delivery.moment(),
            "DDBStreamBatchInfo": {
                "shardId": _SHARD,
                "startSequenceNumber": first["dynamodb"]["SequenceNumber"],
                "endSequenceNumber": last["dynamodb"]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": delivery.moment(born(first)),
                "approximateArrivalOfLastRecord": delivery.moment(born(last)),
                "batchSize": len(batch.records),
                "streamArn": self._esm["EventSourceArn"],
            },
        }
        config = self._function["config"]
        if delivery.send(config, on_failure["Destination"], json.dumps(document)):
            dimensions = {"FunctionName": config["FunctionName"]}
            module("services.cloudwatch").record_metric(
                "AWS/Lambda", "DestinationDeliveryFailures", 1, "Count", dimensions
            )


def read_refusal(config: dict[str, Any], stream_arn: str) -> str | None:
    """Why the function's role may not read the stream; None when it may."""
    for action in _READ_ACTIONS:
        denial = role_refusal(config, action, stream_arn)
        if denial:
            return denial.text()
    return None


_STOP = threading.Event()
_mappings: dict[str, Mapping] = {}
_supervisor_lock = threading.Lock()


def stop() -> None:
    """Let every mapping end after its current invocation."""
    _STOP.set()


def backlog() -> dict[str, int]:
    """Records that mappings have not yet passed, by function name; those with none are left out."""
    lambdas, tables = module("services.lambda_svc"), module("services.dynamodb")
    found: dict[str, int] = {}
    for account, region, esm in list(lambdas._iter_all_esms()):
        if ":dynamodb:" not in esm.get("EventSourceArn", ""):
            continue
        table = esm["EventSourceArn"].split("/stream/")[0].rsplit("/", 1)[-1]
        end = tables.stream_end_position(table, account_id=account, region=region)
        positions = lambdas._dynamodb_stream_positions
        behind = end - positions.get_scoped(account, region, esm["UUID"], end)
        if behind > 0:
            found[esm["FunctionName"]] = found.get(esm["FunctionName"], 0) + behind
    return found


@replaces("services.lambda_svc:_poll_dynamodb_streams", "", _PAGE)
def supervise(_original: Callable[..., Any]) -> bool:
    """Keep a reading thread for every enabled mapping of a DynamoDB stream."""
    with _supervisor_lock:
        for account, region, esm in list(module("services.lambda_svc")._iter_all_esms()):
            arn = esm.get("EventSourceArn", "")
            known = _mappings.get(esm["UUID"])
            if ":dynamodb:" not in arn or not esm.get("Enabled", True) or _STOP.is_set():
                continue
            if known is None or not known.alive:
                _mappings[esm["UUID"]] = Mapping(account, region, esm)
                contextvars.Context().run(_mappings[esm["UUID"]].start)
    return False


@replaces(
    "services.lambda_svc:_create_esm",
    "data",
    "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
)
def create_mapping(original: Callable[..., Any], data: dict[str, Any]) -> Any:
    """Refuse a mapping whose function may not read the stream; start to read at once."""
    arn = data.get("EventSourceArn", "")
    name = data.get("FunctionName", "").rsplit(":function:", 1)[-1].split(":")[0]
    record = module("services.lambda_svc")._functions.get(name)
    if ":dynamodb:" in arn and record and read_refusal(record["config"], arn):
        message = (
            "Cannot access stream. Please ensure the role can perform the GetRecords, "
            "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
        )
        headers = {
            "Content-Type": "application/json",
            "x-amzn-ErrorType": "InvalidParameterValueException",
        }
        return 400, headers, json.dumps({"Type": "User", "message": message}).encode()
    answer = original(data)
    if answer[0] < 300:
        supervise(original)
    return answer
