"""Asynchronous invocations: a function's queue, its retries, destinations and dead letters.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

- A function error is tried again after one and then two minutes, as often as the event-invoke
  configuration says (0-2, default 2), with the same payload and the same request id.
- Throttles and Lambda's own failures (5xx) put the event back, until it is older than the maximum
  event age: it waits 1 s, doubling up to 5 min. They use up no attempt. Events are handed out only
  as fast as concurrency is free, so few are throttled.
- Reserved concurrency 0 ends an event at once.
- What ends in failure goes to the dead-letter queue (body: the event as it came; attributes
  RequestID, ErrorCode, ErrorMessage) and to the on-failure destination (a record); what succeeds
  goes to the on-success destination.
"""

import concurrent.futures
import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.emulator import clock, delivery
from local.emulator.authority import account_and_region
from local.emulator.context import current, scoped
from local.emulator.environments import machine_threads
from local.emulator.functions import (
    SLOTS,
    ServiceError,
    Throttled,
    live_record,
    reserved_concurrency,
    run,
)
from local.emulator.upstream import module, needs, replaces

needs("services.cloudwatch:record_metric", "namespace metric_name value unit dimensions")

_log = logging.getLogger("local.emulator.invocations")
_RETRY_SECONDS = (60.0, 120.0)
_BACKOFF_SECONDS = 1.0
_BACKOFF_LIMIT_SECONDS = 300.0
_DEFAULT_AGE_SECONDS = 21_600


@dataclass
class Event:
    """An accepted event on its way to one function."""

    record: dict[str, Any]
    payload: bytes
    request_id: str
    accepted: float = field(default_factory=time.time)
    attempts: int = 0
    setbacks: int = 0
    due: float = 0.0
    last_error: bytes = b""

    @property
    def config(self) -> dict[str, Any]:
        """The function's configuration as the event found it."""
        config: dict[str, Any] = self.record["config"]
        return config


class Queue:
    """The events that wait for one function, oldest first, and the thread that hands them out."""

    def __init__(self, arn: str, workers: concurrent.futures.Executor) -> None:
        self._arn = arn
        self._workers = workers
        self._events: deque[Event] = deque()
        self._in_hand = 0
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._events) + self._in_hand

    def put(self, event: Event) -> None:
        """Add an event; it is handed out when due and when concurrency is free."""
        with SLOTS.changed:
            self._events.append(event)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, name=f"async {self._arn}", daemon=True
                )
                self._thread.start()
            SLOTS.changed.notify_all()

    def _next(self) -> Event | None:
        """The first event that is due or expired, taken out; None when all must wait."""
        now = time.monotonic()
        for event in self._events:
            if event.due <= now:
                self._events.remove(event)
                return event
        return None

    def _serve(self) -> None:
        while True:
            with SLOTS.changed:
                event = self._next() if self._room() else None
                if event is None:
                    waits = [one.due - time.monotonic() for one in self._events]
                    # Due events that found no concurrency are looked at again when some is freed.
                    pause = min((wait for wait in waits if wait > 0), default=1.0)
                    SLOTS.changed.wait(min(max(pause, 0.001), 1.0))
                    continue
                self._in_hand += 1
            self._workers.submit(self._handle, event)

    def _room(self) -> bool:
        """Whether a further event may be handed out: a slot is free, or events end anyway."""
        record = next((live_record(event.config) for event in self._events), None)
        reserved = reserved_concurrency(record) if record else None
        limit = machine_threads() if reserved is None else max(reserved, 1)
        return self._in_hand < limit

    def _handle(self, event: Event) -> None:
        account, region = account_and_region(event.config["FunctionArn"])
        try:
            scoped(account, region).run(_attempt, event, self.put)
        except Exception:
            _log.exception(
                "event %s of %s was lost", event.request_id, event.config["FunctionName"]
            )
        finally:
            with SLOTS.changed:
                self._in_hand -= 1
                SLOTS.changed.notify_all()


_queues: dict[str, Queue] = {}
_queues_lock = threading.Lock()
_workers = concurrent.futures.ThreadPoolExecutor(max_workers=256, thread_name_prefix="invoke")


def accept(record: dict[str, Any], payload: bytes, request_id: str | None = None) -> str:
    """Queue an event for a function and return its request id.

    `record` is MiniStack's record of the function, `payload` the event's bytes.
    """
    event = Event(
        {**record, "config": dict(record.get("config") or record)},
        payload,
        request_id or str(uuid.uuid4()),
    )
    arn = event.config["FunctionArn"]
    with _queues_lock:
        queue = _queues.setdefault(arn, Queue(arn, _workers))
    queue.put(event)
    return event.request_id


def waiting() -> dict[str, int]:
    """How many events wait or are in progress, by name of the functions that have any."""
    with _queues_lock:
        found = {arn.split(":")[6]: len(queue) for arn, queue in _queues.items()}
    return {name: count for name, count in found.items() if count}


def _settings(record: dict[str, Any]) -> dict[str, Any]:
    live = live_record(record["config"]) or record
    found = live.get("event_invoke_config") or (live.get("event_invoke_configs") or {}).get(
        "$LATEST"
    )
    return dict(found or {})


def _attempt(event: Event, put_back: Callable[[Event], None]) -> None:
    settings = _settings(event.record)
    live = live_record(event.config)
    if live is None:
        _log.warning("%s was deleted: its event is dropped", event.config["FunctionName"])
        return
    if reserved_concurrency(live) == 0:
        _fail(event, settings, "RetriesExhausted", 429, "Reserved concurrency is 0")
        return
    age = settings.get("MaximumEventAgeInSeconds") or _DEFAULT_AGE_SECONDS
    if clock.age(event.accepted) > age:
        message = f"Event was older than {age} seconds"
        _fail(event, settings, "EventAgeExceeded", 200 if event.attempts else 500, message)
        return
    event.record = {**live, "config": dict(live["config"])}
    try:
        outcome = run(event.record, event.payload, event.request_id)
    except (Throttled, ServiceError) as error:
        event.setbacks += 1
        wait = min(_BACKOFF_SECONDS * 2 ** (event.setbacks - 1), _BACKOFF_LIMIT_SECONDS)
        event.due = time.monotonic() + clock.real(wait)
        event.last_error = json.dumps(
            {"errorType": type(error).__name__, "errorMessage": str(error)}
        ).encode()
        put_back(event)
        return
    event.attempts += 1
    if outcome.status == "ok":
        _succeed(event, settings, outcome.payload)
        return
    event.last_error = outcome.payload
    retries = settings.get("MaximumRetryAttempts")
    if event.attempts > (2 if retries is None else retries):
        message = json.loads(outcome.payload).get("errorMessage", "")
        _fail(event, settings, "RetriesExhausted", 200, message)
        return
    event.due = time.monotonic() + clock.real(_RETRY_SECONDS[min(event.attempts, 2) - 1])
    put_back(event)


def _destination(settings: dict[str, Any], outcome: str) -> str | None:
    found = (settings.get("DestinationConfig") or {}).get(outcome) or {}
    return found.get("Destination")


def _succeed(event: Event, settings: dict[str, Any], answer: bytes) -> None:
    target = _destination(settings, "OnSuccess")
    if not target:
        return
    record = delivery.record(
        event.config,
        event.request_id,
        "Success",
        event.attempts,
        event.payload,
        answer,
        failed=False,
    )
    if delivery.send(event.config, target, record):
        _count(event.config, "DestinationDeliveryFailures")


def _fail(event: Event, settings: dict[str, Any], condition: str, code: int, message: str) -> None:
    config = event.config
    _count(config, "AsyncEventsDropped")
    target = _destination(settings, "OnFailure")
    if target:
        record = delivery.record(
            config,
            event.request_id,
            condition,
            event.attempts,
            event.payload,
            event.last_error or None,
            failed=True,
        )
        if delivery.send(config, target, record):
            _count(config, "DestinationDeliveryFailures")
    queue = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if queue:
        text = message.encode()[:1024].decode("utf-8", "ignore") or condition
        attributes = {
            "RequestID": {"DataType": "String", "StringValue": event.request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": str(code)},
            "ErrorMessage": {"DataType": "String", "StringValue": text},
        }
        if delivery.send(config, queue, event.payload.decode(), attributes):
            _count(config, "DeadLetterErrors")


def _count(config: dict[str, Any], metric: str) -> None:
    dimensions = {"FunctionName": config["FunctionName"]}
    module("services.cloudwatch").record_metric("AWS/Lambda", metric, 1, "Count", dimensions)


@replaces(
    "services.lambda_svc:invoke_async_with_retry",
    "func event",
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html",
)
def invoke_later(_original: Callable[..., Any], func: dict[str, Any], event: Any) -> None:
    """Queue an event that some service or caller of Invoke hands over."""
    request = current()
    body = request.body
    try:
        exact = body is not None and json.loads(body) == event
    except ValueError:
        exact = False
    payload = body if exact and body is not None else json.dumps(event).encode()
    request.request_id = accept(func, payload)
