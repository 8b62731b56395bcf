"""The HTTP server: MiniStack's application with control, faults and counters in front of it."""

import asyncio
import contextlib
import importlib
import json
import logging
import signal
import time
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Any

from local.emulator import (
    MINISTACK_VERSION,
    alarm_states,
    authority,
    clock,
    context,
    faults,
    invocations,
    streams,
    upstream,
)
from local.emulator.environments import POOL
from local.emulator.functions import SLOTS
from local.emulator.upstream import module, needs

needs("app:app", "scope receive send")
needs("core.router:detect_service", "method path headers query_params")
needs("core.router:extract_access_key_id", "headers query_params")
needs("services.sts:_sessions")

_log = logging.getLogger("local.emulator.server")
_MARK = "/_local/"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer control requests, let faults strike, hand the rest to MiniStack."""
    if scope["type"] != "http":
        await module("app").app(scope, receive, send)
    elif scope["path"].startswith(_MARK):
        await _control(scope, receive, send)
    else:
        await _serve(scope, receive, send)


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    request = context.begin()
    if not any(name == b"x-forwarded-proto" for name, _ in scope["headers"]):
        # The loopback stands for TLS; a sender shows a plain connection by this header.
        scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
    receive, form = await _form(scope, receive)
    service, operation, principal = _named(scope, form)
    request.principal = principal
    began = time.monotonic()
    status = 500

    async def answer(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            if request.request_id:
                # Lambda answers with the request id that the function sees.
                name = b"x-amzn-requestid"
                kept = [h for h in message.get("headers", []) if h[0].lower() != name]
                message = {**message, "headers": [*kept, (name, request.request_id.encode())]}
        await send(message)

    try:
        struck = await faults.strike(service, operation, principal)
        if struck is not None:
            await _drain(receive)
            await _answer(answer, *struck)
        else:
            await module("app").app(scope, receive, answer)
    finally:
        if service:
            faults.note(service, operation, principal, status, began)


async def _form(scope: Scope, receive: Receive) -> tuple[Receive, dict[str, str]]:
    """The fields of a form, in which the query protocol names its operation, and its body again."""
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if not kind.startswith(b"application/x-www-form-urlencoded"):
        return receive, {}
    body = await _drain(receive)
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict[str, Any]:
        return messages.pop() if messages else await receive()

    return again, dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))


async def _drain(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    listed = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    listed.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})


def _named(scope: Scope, form: dict[str, str]) -> tuple[str, str, str]:
    """Service, operation and the caller's role (empty for root) of a request."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope["path"].rstrip("/")
    _, _, credential = headers.get("authorization", "").partition("Credential=")
    parts = credential.split(",", 1)[0].split("/")
    if len(parts) < 5:
        return ("execute-api", scope["method"], "") if "execute-api" in path else ("", "", "")
    key, service = parts[0], parts[3]
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1] or form.get("Action", "")
    if not operation and "/operation/" in path:
        operation = path.rsplit("/", 1)[-1]
    if not operation and service == "lambda" and path.endswith("/invocations"):
        operation = "Invoke"
    arn = (module("services.sts")._sessions.get(key) or {}).get("Arn", "")
    role = arn.split("/")[1] if ":assumed-role/" in arn else ""
    return service, operation or scope["method"], role


async def _control(scope: Scope, receive: Receive, send: Send) -> None:
    """`/_local/…`: health, state, faults, calls, denials, time scale."""
    path = scope["path"].removeprefix(_MARK).strip("/")
    body = await _drain(receive)
    query = dict(urllib.parse.parse_qsl(scope.get("query_string", b"").decode()))
    try:
        document = json.loads(body) if body else {}
        status, found = 200, _handle(scope["method"], path, document, query)
    except (ValueError, TypeError) as error:
        status, found = 400, {"error": str(error)}
    if found is None:
        status, found = 404, {"error": f"{scope['method']} /_local/{path} is not known"}
    headers = {"Content-Type": "application/json"}
    await _answer(send, status, headers, json.dumps(found, indent=1).encode())


def _handle(method: str, path: str, document: Any, query: dict[str, str]) -> Any:
    if (method, path) == ("GET", "health"):
        return {"status": "ready", "ministack": MINISTACK_VERSION, "time_scale": clock.scale()}
    if (method, path) == ("GET", "state"):
        return {
            "time_scale": clock.scale(),
            "running": {arn.split(":")[6]: count for arn, count in SLOTS.running().items()},
            "waiting": invocations.waiting(),
            "stream_backlog": streams.backlog(),
            "processes": POOL.processes(),
        }
    if path == "time-scale":
        if method == "PUT":
            clock.set_scale(float(document["scale"]))
        return {"time_scale": clock.scale()}
    if path == "faults":
        if method == "POST":
            return {"id": faults.add(document).id}
        if method == "DELETE":
            faults.remove(int(query["id"]) if "id" in query else None)
        return {"faults": faults.listed()}
    if path == "calls":
        if method == "DELETE":
            faults.forget_calls()
        return {"calls": faults.counted()}
    if (method, path) == ("GET", "wraps"):
        return {"wraps": {hook.target: upstream.CALLS[hook.target] for hook in upstream.HOOKS}}
    if path == "grants":
        if method == "DELETE":
            authority.forget_uses()
        return {"grants": authority.uses()}
    if path == "denials":
        if method == "DELETE":
            authority.forget_denials()
        return {"denials": authority.denials()}
    return None


async def _reap() -> None:
    while True:
        await asyncio.sleep(30)
        await asyncio.to_thread(POOL.reap)


async def _watch() -> None:
    while True:
        await asyncio.sleep(alarm_states.pause())
        await asyncio.to_thread(alarm_states.look)


async def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; then end the functions' processes."""
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"{host}:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    tasks = [asyncio.create_task(_reap()), asyncio.create_task(_watch())]

    async def stop() -> None:
        await stopped.wait()
        _log.info("stopping")
        streams.stop()

    try:
        hypercorn = importlib.import_module("hypercorn.asyncio")
        await hypercorn.serve(application, config, shutdown_trigger=stop)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(POOL.close)
