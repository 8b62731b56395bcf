"""The functions, called directly: with a dead letter, with records of the stream, with a repair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

CALL_ERRORS = (ClientError, BotoCoreError)

Step = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Does a part of a repair: takes its `symbol`, `from`, `to`; gives `rows`, `written`, `next`."""


class Kept(Exception):
    """What was to be done is not done; the message says why and, where known, what to do."""


def invoke(functions: Any, name: str, kind: str, payload: bytes) -> Mapping[str, Any]:
    """Invoke a function, `kind` being Event or RequestResponse. Raises `Kept`.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    try:
        answer: Mapping[str, Any] = functions.invoke(
            FunctionName=name, InvocationType=kind, Payload=payload
        )
    except CALL_ERRORS as error:
        raise Kept(f"{name} was not invoked: {error}") from error
    return answer


def answered(functions: Any, name: str, event: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Invoke a function and wait for it; returns its answer, an object, and the request's id.

    Raises `Kept` when it failed.
    """
    answer = invoke(functions, name, "RequestResponse", json.dumps(event).encode())
    said = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError") or not isinstance(said, dict):
        raise Kept(f"{name} failed: {error_in(said)}")
    return said, str(answer["ResponseMetadata"]["RequestId"])


class Repairer:
    """price-enricher, asked to put rows right; `request_id` is the last call's."""

    def __init__(self, functions: Any, name: str) -> None:
        self._functions = functions
        self._name = name
        self.request_id = ""

    def step(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have a part of `{"symbol", "from", "to"}` done; answers `rows`, `written`, `next`."""
        said, self.request_id = answered(self._functions, self._name, {"repair": request})
        if "next" not in said:
            raise Kept(f"{self._name} did not say whether the repair is done: {error_in(said)}")
        return said


def parts(step: Step, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Have all of a repair done by its steps, yielding what each answers. Raises `Kept`."""
    again = 0
    while True:
        said = step(request)
        # A further step begins with the last row of the one before it.
        yield {**said, "rows": max(0, said.get("rows", 0) - again)}
        again = 1
        if (further := said["next"]) is None:
            return
        if further == request.get("from"):
            raise Kept(f"the repair does not get beyond {further}")
        request = {**request, "from": further}


def error_in(said: Any) -> str:
    """Return what a function's answer says of its failure, at most 300 characters."""
    if isinstance(said, dict) and "errorMessage" in said:
        return f"{said.get('errorType', 'error')}: {said['errorMessage']}"[:300]
    return str(said)[:300]
