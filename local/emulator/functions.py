"""Running a function: concurrency, the key of its environment, the process, its log lines.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from local.emulator import keys, logs
from local.emulator.authority import trusts
from local.emulator.context import current
from local.emulator.environments import POOL, Outcome, machine_threads
from local.emulator.upstream import module, needs, replaces

needs("services.lambda_svc:_functions")
needs("services.lambda_svc:_emit_lambda_metrics", "function_name duration_ms error throttle")
needs("services.lambda_svc:_reserved_concurrency", "func config")

_log = logging.getLogger("local.emulator.functions")
_INVOKE_PAGE = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"

SYNCHRONOUS_PAYLOAD_BYTES = 6 * 1024 * 1024
ASYNCHRONOUS_PAYLOAD_BYTES = 1024 * 1024


class Throttled(Exception):
    """No concurrency is left for another invocation (429, `TooManyRequestsException`)."""


class ServiceError(Exception):
    """Lambda itself failed (5xx); asynchronous events go back to their queue.

    `code` is Lambda's exception name, `status` its HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 502) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Slots:
    """Who runs right now, bounded by reserved concurrency and by what the machine holds."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._running: dict[str, int] = {}

    def acquire(self, arn: str, reserved: int | None) -> bool:
        """Take one unit of concurrency; False when there is none."""
        limit = reserved if reserved is not None else machine_threads()
        with self.changed:
            if self._running.get(arn, 0) >= limit:
                return False
            self._running[arn] = self._running.get(arn, 0) + 1
            return True

    def release(self, arn: str) -> None:
        """Give the unit back and wake who waits for one."""
        with self.changed:
            self._running[arn] -= 1
            self.changed.notify_all()

    def running(self) -> dict[str, int]:
        """Invocations in progress by function ARN."""
        with self.changed:
            return {arn: count for arn, count in self._running.items() if count}


SLOTS = Slots()


def reserved_concurrency(record: dict[str, Any]) -> int | None:
    """The function's reserved concurrency, read from its live record; None = unreserved."""
    config = record.get("config") or record
    value = module("services.lambda_svc")._reserved_concurrency(record, config)
    return None if value is None else int(value)


def live_record(config: dict[str, Any]) -> dict[str, Any] | None:
    """MiniStack's record of the function as it is now; None when it was deleted."""
    account, region = config["FunctionArn"].split(":")[4], config["FunctionArn"].split(":")[3]
    found: dict[str, Any] | None = module("services.lambda_svc")._functions.get_scoped(
        account, region, config["FunctionName"]
    )
    return found


def run(record: dict[str, Any], event: bytes, request_id: str) -> Outcome:
    """Invoke the function once; raises `Throttled` or `ServiceError` when it cannot run."""
    config = record.get("config") or record
    live = live_record(config) or record
    arn = live["config"]["FunctionArn"] if "config" in live else config["FunctionArn"]
    if not SLOTS.acquire(arn, reserved_concurrency(live)):
        _measure(config, throttle=True)
        raise Throttled(f"Rate Exceeded: no concurrency left for {config['FunctionName']}")
    try:
        refusal = keys.environment_refusal(config)
        if refusal:
            raise ServiceError(*refusal)
        if not trusts(config["Role"], "lambda.amazonaws.com"):
            raise ServiceError(
                "AccessDeniedException",
                "The role defined for the function cannot be assumed by Lambda.",
                403,
            )
        return _run(config, record["code_zip"], event, request_id)
    finally:
        SLOTS.release(arn)


def _run(config: dict[str, Any], code: bytes, event: bytes, request_id: str) -> Outcome:
    environment, failure = POOL.take(config, code)
    outcome = failure or environment.invoke(request_id, config["FunctionArn"], event)
    memory = environment.peak_memory_mb
    # The runtime of Python lives on after an exception of the handler.
    POOL.give_back(environment, usable=outcome.status in ("ok", "error"))
    try:
        logs.write_invocation(config, environment.stream, request_id, outcome, memory)
    except Exception:
        _log.exception("writing the log of %s failed", config["FunctionName"])
    _measure(config, error=outcome.status != "ok", duration_ms=outcome.duration_ms)
    return outcome


def _measure(
    config: dict[str, Any], *, error: bool = False, throttle: bool = False, duration_ms: float = 0.0
) -> None:
    module("services.lambda_svc")._emit_lambda_metrics(
        config["FunctionName"], duration_ms=duration_ms, error=error, throttle=throttle
    )


@replaces("services.lambda_svc:_execute_function", "func event", _INVOKE_PAGE)
def execute(_original: Callable[..., Any], func: dict[str, Any], event: Any) -> dict[str, Any]:
    """Run a function for a caller who waits, in the shape that MiniStack's callers expect."""
    request = current()
    request_id = request.request_id = str(uuid.uuid4())
    body = request.body
    exact = body if body is not None and _same(body, event) else json.dumps(event).encode()
    try:
        outcome = run(func, exact, request_id)
    except Throttled as error:
        return {
            "throttle": True,
            "error": True,
            "log": "",
            "body": {
                "__type": "TooManyRequestsException",
                "message": str(error),
                "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                "retryAfterSeconds": "1",
            },
        }
    except ServiceError as error:
        request.notes.update(service_error=error.code, message=str(error), status=str(error.status))
        return {
            "error": True,
            "log": "",
            "body": {"errorType": error.code, "errorMessage": str(error)},
        }
    answer: dict[str, Any] = {
        "body": json.loads(outcome.payload),
        "log": "\n".join(line for _, line in outcome.lines),
    }
    if outcome.status != "ok":
        answer |= {"error": True, "function_error": "Unhandled"}
    return answer


def _same(body: bytes, event: Any) -> bool:
    try:
        return bool(json.loads(body) == event)
    except ValueError:
        return False


@replaces(
    "services.lambda_svc:handle_request", "method path headers body query_params", _INVOKE_PAGE
)
async def keep_body(
    original: Callable[..., Any],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> Any:
    """Keep an invocation's payload byte for byte; MiniStack parses it on the way."""
    if path.rstrip("/").endswith("/invocations"):
        current().body = body
    return await original(method, path, headers, body, query_params)


@replaces(
    "services.lambda_svc:_invoke", "name event headers path_qualifier query_params", _INVOKE_PAGE
)
async def invoke(
    original: Callable[..., Any],
    name: str,
    event: Any,
    headers: dict[str, str],
    path_qualifier: str | None = None,
    query_params: dict[str, Any] | None = None,
) -> Any:
    """Refuse too large payloads, answer Lambda's own failures as such."""
    request = current()
    kind = {key.lower(): value for key, value in headers.items()}.get("x-amz-invocation-type")
    limit = ASYNCHRONOUS_PAYLOAD_BYTES if kind == "Event" else SYNCHRONOUS_PAYLOAD_BYTES
    size = len(request.body or b"")
    if size > limit:
        message = (
            f"{size} byte payload is too large for the {kind or 'RequestResponse'} "
            f"invocation type (limit {limit} bytes)"
        )
        return _failure("RequestEntityTooLargeException", message, 413)
    status, answer_headers, payload = await original(
        name, event, headers, path_qualifier, query_params
    )
    notes = request.notes
    if "service_error" in notes:
        return _failure(notes["service_error"], notes["message"], int(notes["status"]))
    return status, answer_headers, payload


def _failure(code: str, message: str, status: int) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, headers, json.dumps({"Type": "User", "message": message}).encode()


@replaces(
    "services.lambda_svc:invalidate_worker",
    "func_name qualifier account region",
    "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
)
def end_environments(
    _original: Callable[..., Any],
    func_name: str,
    qualifier: str | None = None,
    account: str | None = None,
    region: str | None = None,
) -> None:
    """End the idle processes of a function that was changed or deleted."""
    del qualifier, account, region
    POOL.forget(func_name)
