"""Faults on request: errors and delays of chosen calls, and what calls were made.

A fault belongs to a service and an operation as the API names them (`dynamodb`,
`BatchExecuteStatement`) and answers with an error of the service's own protocol, or only late. It
strikes requests that arrive over HTTP, as all calls of functions and tools do, and what Lambda does
itself: deliveries (`SendMessage`, `Publish`), reading streams (`GetRecords`), log writing
(`PutLogEvents`). A fault of `PartiQLInsert`, `PartiQLUpdate`, `PartiQLDelete` or `PartiQLSelect`
strikes single statements of a batch, whose others go on.
"""

import asyncio
import collections
import itertools
import json
import random
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

_COMMON_STATUS = {
    "ThrottlingException": 400,
    "ProvisionedThroughputExceededException": 400,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
    "AccessDeniedException": 400,
}


class InvalidFault(ValueError):
    """A fault is described wrongly."""


@dataclass
class Fault:
    """One kind of failure.

    `count` is how many calls it strikes (None = until removed), `probability` how likely it strikes
    a call, `latency` how many seconds the call waits first, `error` the code to answer with (None =
    the call then goes on), `status` its HTTP status. `principal` bounds it to callers whose access
    key belongs to a role of that name.
    """

    service: str
    operation: str = "*"
    error: str | None = None
    status: int | None = None
    message: str = "Injected by the local emulator"
    latency: float = 0.0
    count: int | None = None
    probability: float = 1.0
    principal: str | None = None
    id: int = 0
    struck: int = 0


_lock = threading.Lock()
_faults: dict[int, Fault] = {}
_ids = itertools.count(1)
_random = random.Random(0)


@dataclass
class Calls:
    """How often an operation was called and how it was answered."""

    calls: int = 0
    errors: int = 0
    seconds: float = 0.0
    codes: dict[str, int] = field(default_factory=dict)


_calls: dict[str, Calls] = collections.defaultdict(Calls)


def add(described: dict[str, Any]) -> Fault:
    """Begin to inject a fault; `InvalidFault` names what is wrong with its description."""
    unknown = set(described) - (set(Fault.__dataclass_fields__) - {"id", "struck"})
    if unknown or not described.get("service"):
        what = f"unknown {', '.join(sorted(unknown))}" if unknown else "service is missing"
        known = ", ".join(sorted(set(Fault.__dataclass_fields__) - {"id", "struck"}))
        raise InvalidFault(f"fault {described}: {what}; known are {known}")
    fault = Fault(**described)
    if not 0 < fault.probability <= 1:
        raise InvalidFault(f"probability is {fault.probability}: expected more than 0, at most 1")
    if fault.error is None and not fault.latency:
        raise InvalidFault("a fault needs an error, a latency, or both")
    with _lock:
        fault.id = next(_ids)
        _faults[fault.id] = fault
    return fault


def remove(fault_id: int | None = None) -> None:
    """Stop one fault, or all of them."""
    with _lock:
        if fault_id is None:
            _faults.clear()
        else:
            _faults.pop(fault_id, None)


def listed() -> list[dict[str, Any]]:
    """The faults in force, with how often each has struck."""
    with _lock:
        return [asdict(fault) for fault in _faults.values()]


def _strike(service: str, operation: str, principal: str) -> Fault | None:
    with _lock:
        for fault in _faults.values():
            if fault.service != service or fault.operation not in ("*", operation):
                continue
            if fault.principal is not None and fault.principal != principal:
                continue
            if fault.count is not None and fault.struck >= fault.count:
                continue
            if _random.random() >= fault.probability:
                continue
            fault.struck += 1
            return fault
    return None


def strike_within(service: str, operation: str, principal: str) -> str | None:
    """Let a fault strike a call that a service makes itself; the error's code, or None."""
    fault = _strike(service, operation, principal)
    if fault is None:
        return None
    time.sleep(fault.latency)
    return fault.error


async def strike(
    service: str, operation: str, principal: str
) -> tuple[int, dict[str, str], bytes] | None:
    """Let a fault strike this call: wait as it says, and give its answer if it has one."""
    fault = _strike(service, operation, principal)
    if fault is None:
        return None
    if fault.latency:
        await asyncio.sleep(fault.latency)
    if fault.error is None:
        return None
    status = fault.status or _COMMON_STATUS.get(fault.error, 400)
    if service in ("sns", "cloudwatch", "iam", "sts"):
        text = (
            f"<ErrorResponse><Error><Type>{'Receiver' if status >= 500 else 'Sender'}</Type>"
            f"<Code>{fault.error}</Code><Message>{fault.message}</Message></Error></ErrorResponse>"
        )
        return status, {"Content-Type": "text/xml"}, text.encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": fault.error}
    return status, headers, json.dumps({"__type": fault.error, "message": fault.message}).encode()


def note(service: str, operation: str, principal: str, status: int, began: float) -> None:
    """Count a call that was answered with `status`; `began` as of `time.monotonic()`."""
    with _lock:
        calls = _calls[f"{principal or '-'} {service}:{operation}"]
        calls.calls += 1
        calls.seconds += time.monotonic() - began
        calls.errors += status >= 400
        calls.codes[str(status)] = calls.codes.get(str(status), 0) + 1


def counted() -> dict[str, dict[str, Any]]:
    """Calls by `role service:Operation` since the start or the last `forget_calls`."""
    with _lock:
        return {name: asdict(calls) for name, calls in sorted(_calls.items())}


def forget_calls() -> None:
    """Start counting anew."""
    with _lock:
        _calls.clear()
