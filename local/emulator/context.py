"""The request in progress, as far as MiniStack does not hand it on by itself."""

import contextvars
from dataclasses import dataclass, field

from local.emulator.upstream import module, needs

needs("core.responses:_request_account_id")
needs("core.responses:_request_region")
needs("core.iam_evaluator:pin_request_origin", "source_ip secure_transport")


@dataclass
class Request:
    """What a wrapped function leaves for the HTTP answer, or needs of the request as it came.

    `principal` is the role that asks, empty for the owner of the account.
    """

    principal: str = ""
    request_id: str | None = None
    body: bytes | None = None
    notes: dict[str, str] = field(default_factory=dict)


_current: contextvars.ContextVar[Request | None] = contextvars.ContextVar("request", default=None)


def begin() -> Request:
    """Start a request: what the wraps of this context note is found in the returned object."""
    request = Request()
    _current.set(request)
    return request


def current() -> Request:
    """The request of this context; a fresh one outside of any."""
    return _current.get() or Request()


def scoped(account: str, region: str) -> contextvars.Context:
    """A context of its own for work that a service does by itself, over TLS as AWS does."""
    context = contextvars.Context()
    responses = module("core.responses")
    context.run(responses._request_account_id.set, account)
    context.run(responses._request_region.set, region)
    context.run(module("core.iam_evaluator").pin_request_origin, "127.0.0.1", True)
    return context
