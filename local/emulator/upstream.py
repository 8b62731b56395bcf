"""The one door to MiniStack's internals: what is replaced or used there is checked first.

A module of this package declares with `@replaces` which function of MiniStack it stands in for,
and with `needs` which other names it calls. `check` compares each with the installed MiniStack
(its version, the name, its parameters) before anything is replaced, so that another release is
refused at start-up with a message instead of failing somewhere in a request.
"""

import collections
import functools
import importlib
import importlib.metadata
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.emulator import MINISTACK_VERSION


class UnfitMiniStack(RuntimeError):
    """The installed MiniStack is not the one that this package wraps."""


@dataclass(frozen=True)
class Hook:
    """A function that stands in for one of MiniStack's.

    `page` is the AWS page which defines the behaviour that MiniStack lacks.
    """

    target: str
    parameters: tuple[str, ...]
    page: str
    function: Callable[..., Any]


HOOKS: list[Hook] = []
NEEDS: dict[str, tuple[str, ...] | None] = {}


def replaces(
    target: str, parameters: str, page: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare that the decorated function replaces `target` ("services.sqs:_function").

    It is called with MiniStack's own function first, then with the arguments of the call;
    `parameters` lists the parameter names that MiniStack's function must have, in order.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        HOOKS.append(Hook(target, tuple(parameters.split()), page, function))
        return function

    return declare


def needs(target: str, parameters: str | None = None) -> None:
    """Declare that a name of MiniStack is used as it is; without `parameters` it is data."""
    NEEDS[target] = None if parameters is None else tuple(parameters.split())


def module(name: str) -> Any:
    """A module of MiniStack by its name within the package, such as `services.sqs`."""
    return importlib.import_module(f"ministack.{name}")


def _problem(target: str, expected: tuple[str, ...] | None) -> str | None:
    module_name, _, name = target.partition(":")
    try:
        value: Any = module(module_name)
        for part in name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError):
        return f"ministack.{module_name} has no {name}"
    if expected is None:
        return None
    found = tuple(inspect.signature(value).parameters)
    if found != expected:
        return f"ministack.{module_name}.{name}({', '.join(found)}), not ({', '.join(expected)})"
    return None


def check() -> None:
    """Raise `UnfitMiniStack` unless version and every wrapped or used name are as expected."""
    remedy = (
        f"Install the release this package wraps, into the environment that runs the emulator: "
        f"pip install ministack=={MINISTACK_VERSION}"
    )
    try:
        version = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        raise UnfitMiniStack(f"MiniStack is not installed. {remedy}") from None
    if version != MINISTACK_VERSION:
        raise UnfitMiniStack(
            f"MiniStack {version} is installed, {MINISTACK_VERSION} is needed. {remedy}"
        )
    expected = {hook.target: hook.parameters for hook in HOOKS} | NEEDS
    problems = [found for item in expected.items() if (found := _problem(*item))]
    if problems:
        raise UnfitMiniStack(
            f"This MiniStack {version} differs from the released one: {'; '.join(problems)}. "
            f"{remedy}"
        )


CALLS: collections.Counter[str] = collections.Counter()
"""How often each replaced function was called."""


def _counting(hook: Hook, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def replacement(*arguments: Any, **options: Any) -> Any:
        CALLS[hook.target] += 1
        return hook.function(original, *arguments, **options)

    return replacement


def install() -> None:
    """Put every declared function in the place of MiniStack's."""
    for hook in HOOKS:
        module_name, _, name = hook.target.partition(":")
        holder = module(module_name)
        original = getattr(holder, name)
        setattr(holder, name, _counting(hook, original))
