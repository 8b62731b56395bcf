"""What a policy is: one requirement, the resources it concerns, and its pure rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from policies.model.stack import Body, Resource, Stack, number, same

# The subject of a policy that concerns the document as a whole.
DOCUMENT = "stack"
ANY = "*"


class Verdict(Enum):
    """What a policy says of one resource; a missing verdict is a refusal too."""

    PASSED = "pass"
    VIOLATED = "fail"
    UNJUDGED = "cannot-judge"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule found wrong: a sentence, and where it helps what was found and expected.

    `address` names the offender where it is not the resource that the rule was asked about.
    """

    message: str
    found: str | None = None
    expected: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A policy's refusal of a resource."""

    policy: str
    resource: str
    construct: str | None
    verdict: Verdict
    message: str
    found: str | None = None
    expected: str | None = None


class Policy:
    """One requirement. Subclasses state it in class attributes and `judge` it.

    `applies_to` lists resource types; `ANY` stands for every resource, `DOCUMENT` for the stack as
    a whole. `judge` yields a `Problem` for each thing wrong and nothing where all is right. It may
    raise `UnresolvedError`: the pair is then not judged. Any other exception also leaves the pair
    without a verdict, and the gate refuses.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[str] = "HIGH"
    page: ClassVar[str]
    fix: ClassVar[str]
    applies_to: ClassVar[tuple[str, ...]]
    guards: ClassVar[tuple[str, ...]] = ()

    def guards_of(self, type_: str) -> tuple[str, ...]:
        """The attributes of a resource type whose every change this policy has to notice.

        An attribute may be followed by the way to what is meant within it (`*` is any one step,
        `json` the step into the document that a text holds), and led by the one type it is of.
        """
        if type_ not in self.applies_to and self.applies_to not in ((DOCUMENT,), (ANY,)):
            return ()
        return tuple(
            guard.removeprefix(f"{type_}.")
            for guard in self.guards
            if not guard.startswith("aws_") or guard.startswith(f"{type_}.")
        )

    def judge(self, resource: Resource, stack: Stack) -> Iterable[Problem]:
        """Yield what is wrong with the resource."""
        raise NotImplementedError

    def subjects(self, stack: Stack) -> list[Resource]:
        """The resources that need a verdict of this policy."""
        if self.applies_to == (DOCUMENT,):
            return [stack.pseudo]
        if self.applies_to == (ANY,):
            return [r for r in stack.resources.values() if r.kind == "resource"]
        return stack.of(*self.applies_to)


def shown(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if len(text) <= 200 else text[:197] + "…"


def require(body: Body, name: str, expected: Any) -> Iterator[Problem]:
    """Demand that an attribute is given and equals `expected`, up to Terraform's conversions."""
    found = body.literal(name)
    if not same(found, expected):
        where = body.where(name)
        yield Problem(
            f"{where} is {shown(found)} instead of {shown(expected)}", shown(found), shown(expected)
        )


def require_or_absent(body: Body, name: str, expected: Any) -> Iterator[Problem]:
    """Like `require`, but absence is the wanted value too."""
    if body.value(name) is not None:
        yield from require(body, name, expected)


def require_absent(body: Body, name: str, why: str) -> Iterator[Problem]:
    """Demand that an attribute or block is not there."""
    if name in body.names():
        yield Problem(f"{body.where(name)} is set: {why}", "set", "absent")


def require_within(
    body: Body, name: str, least: int, most: int, *, whole: bool = True
) -> Iterator[Problem]:
    """Demand a number, a whole one if not told otherwise, between two bounds, both included."""
    found = body.literal(name)
    value = number(found)
    if value is None or (whole and value != int(value)) or not least <= value <= most:
        yield Problem(
            f"{body.where(name)} is {shown(found)}, outside of {least} to {most}",
            shown(found),
            f"{least} to {most}",
        )


def only_block(body: Body, name: str) -> tuple[Body | None, list[Problem]]:
    """The one nested block of a type, or the problem that there is none or several."""
    found = body.blocks(name)
    if len(found) == 1:
        return found[0], []
    how = "is missing" if not found else f"is given {len(found)} times"
    return None, [Problem(f"the block {body.where(name)} {how}", str(len(found)), "1")]
