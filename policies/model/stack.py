"""The normalised stack: resources with attributes and blocks that a rule can ask for.

Asking never guesses. `Body.literal` answers with a plain value or raises `UnresolvedError`;
`Body.blocks` expands ``dynamic`` blocks or raises. The engine turns the exception into "cannot
judge", or into a violation where a value can still be changed by whoever deploys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from policies.model.document import (
    Block,
    DocumentError,
    blocks,
    exact_number,
    merged,
    read_folder,
    read_json,
)
from policies.model.expressions import (
    Digest,
    Encoded,
    Reference,
    Text,
    Unknown,
    Value,
    concatenate,
    is_symbolic,
    leaves,
    lower,
    roots,
)

# What an answer of the mock apply may hang on and still hold at the real one: the suffix is bound
# to what was synthesized.
TRUSTED = frozenset({"var.environmentSuffix"})
META = ("count", "for_each", "provider", "depends_on", "lifecycle", "dynamic")


class UnresolvedError(Exception):
    """A value that the document alone does not give."""


class ChangeableError(UnresolvedError):
    """A guarded value hangs on a variable: whoever deploys can change it after the verdict."""


@dataclass(slots=True)
class Body:
    """A resource's body, or a nested block's."""

    raw: dict[str, Any]
    owner: Resource
    path: str = ""
    scope: Mapping[str, Value] = field(default_factory=dict)
    answer: dict[str, Any] | None = None  # the same body as Terraform resolved it, if asked

    def names(self) -> set[str]:
        """Names of the attributes and blocks that are given: not null, and not an empty list."""
        given = {
            name
            for name, raw in self.raw.items()
            if name not in ("//", "dynamic") and raw is not None and raw != []
        }
        return given | {name for name in self.dynamic() if self.blocks(name)}

    def dynamic(self) -> dict[str, Any]:
        """The ``dynamic`` blocks by the name of the block that each makes."""
        found = merged(self.raw.get("dynamic"), self.where("dynamic"))
        return {name: raw for name, raw in found.items() if name != "//"}

    def where(self, name: str) -> str:
        """The path of an attribute, for messages."""
        return f"{self.path}.{name}" if self.path else name

    def value(self, name: str) -> Value:
        """The attribute's value, symbols and all; None where it is absent or null."""
        return self._answered(name, self._read(self.raw.get(name)))

    def _read(self, raw: Any) -> Value:
        return self.owner.stack.without_index(lower(raw, self.scope))

    def _answered(self, name: str, value: Value) -> Value:
        """Put Terraform's own answer in the place of each expression left open, where it holds."""
        found = self.answer.get(name) if self.answer is not None else None
        return value if found is None else self._fill(value, found)

    def _fill(self, value: Value, answer: Any) -> Value:
        if isinstance(value, Unknown):
            return value if set(value.roots) - TRUSTED else answer
        if isinstance(value, list) and isinstance(answer, list) and len(value) == len(answer):
            return [self._fill(v, a) for v, a in zip(value, answer, strict=True)]
        if isinstance(value, dict) and isinstance(answer, dict):
            return {key: self._fill(item, answer.get(key)) for key, item in value.items()}
        return value

    def resolved(self, name: str) -> Value:
        """The attribute's value with references to other resources' literals followed."""
        return self.owner.stack.resolve(self.value(name))

    def literal(self, name: str) -> Any:
        """The attribute's value as plain Python, or `UnresolvedError`."""
        return self.owner.stack.literal(self.value(name), f"{self.where(name)}")

    def blocks(self, name: str) -> list[Body]:
        """The nested blocks of one type, in every form Terraform accepts."""
        raw = self.raw.get(name)
        if isinstance(raw, str):
            raise UnresolvedError(f"{self.where(name)} is an expression, not a block")
        answers = self.answer.get(name) if self.answer is not None else None
        result = []
        for position, item in enumerate(_as_list(raw)):
            # Terraform lists static blocks of a type in order; dynamic ones come from it whole.
            static = isinstance(answers, list) and len(answers) == len(_as_list(raw))
            answer = answers[position] if static and isinstance(answers, list) else None
            body = merged(item, self.where(name))
            result.append(Body(body, self.owner, self.where(name), self.scope, answer))
        try:
            return result + list(self._dynamic(name))
        except UnresolvedError:
            if isinstance(answers, list) and self._trusts_dynamic(name):
                # Only what the block itself gives: the rest of an answer is made up.
                items = _as_list(self.dynamic().get(name))
                given = {k for item in items for k in merged(item.get("content"), self.where(name))}
                bodies = [{k: v for k, v in answer.items() if k in given} for answer in answers]
                return [Body(b, self.owner, self.where(name), {}, b) for b in bodies]
            raise

    def _trusts_dynamic(self, name: str) -> bool:
        """Whether a dynamic block hangs on nothing that AWS computes or a deployer chooses."""
        found: set[str] = set()
        for item in _as_list(self.dynamic().get(name)):
            body = merged(item, self.where(name))
            iterator = str(body.get("iterator", name))
            scope = {**self.scope, iterator: {"key": "", "value": ""}}
            found |= set(roots(lower(body.get("for_each"), self.scope)))
            found |= {r for r in roots(lower(body.get("content"), scope)) if r != iterator}
        return not {r for r in found if not r.startswith(f"{name}.")} - TRUSTED

    def _dynamic(self, name: str) -> Iterator[Body]:
        for item in _as_list(self.dynamic().get(name)):
            dynamic = merged(item, self.where(name))
            contents = _as_list(dynamic.get("content"))
            if len(contents) != 1:
                raise DocumentError(f"the dynamic block {self.where(name)} needs one content")
            each = self.owner.stack.resolve(self._read(dynamic.get("for_each")))
            iterator = dynamic.get("iterator", name)
            if not isinstance(each, list | dict) or not isinstance(iterator, str):
                raise UnresolvedError(f"the dynamic block {self.where(name)} depends on {each}")
            entries = each.items() if isinstance(each, dict) else enumerate(each)
            for key, value in entries:
                scope = {**self.scope, iterator: {"key": key, "value": value}}
                body = merged(contents[0], self.where(name))
                yield Body(body, self.owner, self.where(name), scope)


def _as_list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else [] if raw is None else [raw]


@dataclass(slots=True)
class Resource:
    """A resource or data source of the stack."""

    stack: Stack
    kind: str
    type: str
    name: str
    body: Body = field(init=False)
    construct: str | None = None

    @property
    def address(self) -> str:
        """``aws_type.name``, as findings and references write it."""
        prefix = "data." if self.kind == "data" else ""
        return f"{prefix}{self.type}.{self.name}"

    def depends_on(self) -> set[str]:
        """Addresses named in ``depends_on``."""
        names = _as_list(self.body.raw.get("depends_on"))
        return {str(n).removeprefix("${").removesuffix("}") for n in names}


class Given(Enum):
    """What the gate was handed, which decides what belongs to the judgement."""

    FOLDER = "a stack folder: every file in it, and its packages"
    IN_FOLDER = "a cdk.tf.json: what Terraform reads beside it, and its packages"
    BARE = "a cdk.tf.json without packages beside it: the document"
    ALONE = "a document of another name: itself"


@dataclass(slots=True)
class Trouble:
    """Something about the form of the document that a policy has to report."""

    address: str
    message: str
    construct: str | None = None


class Stack:
    """All of one stack folder, or of one document."""

    def __init__(self, content: list[Block], folder: Path, unread: list[str], given: Given):
        self.folder = folder
        self.given = given
        self.unread = unread
        self.content = content
        self.troubles: list[Trouble] = []
        self.resources: dict[str, Resource] = {}
        # What a policy worked out of the whole stack and asks for again with each resource.
        self.derived: dict[str, Any] = {}
        self._counted: set[str] = set()
        for block in content:
            if block.kind in ("resource", "data"):
                self._add(block)

    def _add(self, block: Block) -> None:
        resource = Resource(self, block.kind, *block.labels)
        resource.construct = construct_path(block.raw)
        resource.body = Body(block.raw, resource)
        if resource.address in self.resources:
            self.troubles.append(Trouble(resource.address, "is defined twice", resource.construct))
            return
        copies = self._copies(resource)
        if copies == 0:
            self.troubles.append(
                Trouble(resource.address, "exists zero times by its count", resource.construct)
            )
            return
        self.resources[resource.address] = resource
        if block.raw.get("count") is not None:
            self._counted.add(resource.address)

    def _copies(self, resource: Resource) -> int | None:
        """How many instances ``count`` or ``for_each`` makes; None where that is unknown."""
        raw = resource.body.raw
        if raw.get("for_each") is not None:
            each = lower(raw["for_each"])
            self.troubles.append(
                Trouble(resource.address, "is repeated by for_each", resource.construct)
            )
            return len(each) if isinstance(each, list | dict) else None
        if raw.get("count") is None:
            return 1
        count = number(lower(raw["count"]))
        if count not in (0, 1):
            self.troubles.append(
                Trouble(
                    resource.address, f"is repeated by count = {raw['count']}", resource.construct
                )
            )
        return None if count is None else int(count)

    def of(self, *types: str) -> list[Resource]:
        """The resources of the given types."""
        return [r for r in self.resources.values() if r.kind == "resource" and r.type in types]

    def answered(self, values: Mapping[str, dict[str, Any]]) -> None:
        """Take the values that Terraform resolved, by address, for what is left open."""
        self.derived.clear()
        for address, resource in self.resources.items():
            resource.body.answer = values.get(address)

    def blocks_of(self, kind: str) -> list[Block]:
        """The top-level blocks of one kind."""
        return [block for block in self.content if block.kind == kind]

    @cached_property
    def pseudo(self) -> Resource:
        """The document itself as the subject of policies that concern all of it."""
        resource = Resource(self, "resource", "stack", "document")
        resource.body = Body({}, resource)
        return resource

    def body_of(self, block: Block) -> Body:
        """A body for a top-level block that is no resource."""
        return Body(block.raw, self.pseudo, block.address)

    def without_index(self, value: Value) -> Value:
        """Read ``x[0].arn`` as ``x.arn`` where `x` is a resource with a ``count``."""
        if not self._counted:
            return value
        if isinstance(value, Reference):
            single = value.root in self._counted and value.path[:1] == (0,)
            return Reference(value.root, value.path[1:]) if single else value
        if isinstance(value, Text):
            return Text(tuple(self.without_index(part) for part in value.parts))
        if isinstance(value, Encoded | Digest):
            return type(value)(self.without_index(value.value))
        if isinstance(value, list):
            return [self.without_index(item) for item in value]
        if isinstance(value, dict):
            return {key: self.without_index(item) for key, item in value.items()}
        return value

    def misindexed(self, raw: Any) -> Iterator[Reference]:
        """References that Terraform refuses: to a counted resource without ``[0]``, or the reverse.

        Without this ``x.arn`` would read like ``x[0].arn``.
        """
        for leaf in leaves(lower(raw)):
            if isinstance(leaf, Reference) and leaf.root in self.resources:
                single = leaf.path[:1] == (0,)
                if single is not (leaf.root in self._counted):
                    yield leaf

    def resolve(self, value: Value, depth: int = 8) -> Value:
        """Follow references to attributes that stand in the document."""
        if depth == 0:
            return value
        if isinstance(value, Reference):
            return self._follow(value, depth)
        if isinstance(value, Text):
            parts = [self.resolve(part, depth - 1) for part in value.parts]
            try:
                return concatenate(parts)
            except ValueError:
                return Unknown(str(value), tuple(roots(value)))
        if isinstance(value, list):
            return [self.resolve(item, depth - 1) for item in value]
        if isinstance(value, dict):
            return {key: self.resolve(item, depth - 1) for key, item in value.items()}
        return value

    def _follow(self, reference: Reference, depth: int) -> Value:
        resource = self.resources.get(reference.root)
        path = reference.path
        if resource is None or len(path) != 1 or path[0] in META:
            return reference
        attribute = str(path[0])
        if not isinstance(resource.body.raw.get(attribute), str | int | float | bool | list):
            return reference
        found = resource.body.value(attribute)
        return reference if found is None else self.resolve(found, depth - 1)

    def literal(self, value: Value, where: str) -> Any:
        """A plain value, or `UnresolvedError` with what it hangs on."""
        found = self.resolve(value)
        if not is_symbolic(found):
            return found
        hanging = sorted(set(roots(found)))
        if any(root.startswith(("var.", "local.")) for root in hanging):
            raise ChangeableError(
                f"{where} is {found}: it hangs on {', '.join(hanging)}, which can change "
                "between verdict and deployment; write the value itself"
            )
        raise UnresolvedError(f"{where} is {found}, which the document does not resolve")

    def target(self, value: Value, attributes: tuple[str, ...] = ("arn",)) -> Resource | None:
        """The resource of this stack whose attribute the value is, else None."""
        if not isinstance(value, Reference):
            return None
        resource = self.resources.get(value.root)
        return resource if value.path in {(a,) for a in attributes} else None


def construct_path(raw: dict[str, Any]) -> str | None:
    """The path of the CDKTF construct that made the block, from its ``//`` comment."""
    comment = raw.get("//")
    metadata = comment.get("metadata") if isinstance(comment, dict) else None
    path = metadata.get("path") if isinstance(metadata, dict) else None
    return path if isinstance(path, str) else None


def number(value: Value) -> float | None:
    """The value as Terraform converts it to a number; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value, re.ASCII):
        return exact_number(value)
    return None


def boolean(value: Value) -> bool | None:
    """The value as Terraform converts it to a boolean; None where it is none."""
    if isinstance(value, bool):
        return value
    return (
        {"true": True, "false": False, "1": True, "0": False}.get(str(value))
        if isinstance(value, str)
        else None
    )


def same(found: Any, expected: Any) -> bool:
    """Whether Terraform, converting `found` to the type of `expected`, gets `expected`."""
    if isinstance(expected, bool):
        return boolean(found) is expected
    if isinstance(expected, int | float):
        return number(found) == expected
    if isinstance(expected, str):
        return isinstance(found, str) and found == expected
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(same(f, e) for f, e in zip(found, expected, strict=True))
        )
    return bool(found == expected)


def load(path: Path) -> Stack:
    """Read a stack folder, or a document.

    A document called ``cdk.tf.json`` is read with the Terraform files beside it, since those change
    what it deploys; a document of another name is read alone.
    """
    if path.is_dir():
        content, unread = read_folder(path)
        stack = Stack(content, path, unread, Given.FOLDER)
    elif not path.exists():
        raise DocumentError(f"{path} does not exist: give a cdk.tf.json, a folder or cdktf.out")
    elif path.name == "cdk.tf.json":
        content, unread = read_folder(path.parent)
        bare = not (path.parent / "assets").exists()
        stack = Stack(content, path.parent, unread, Given.BARE if bare else Given.IN_FOLDER)
    else:
        content = blocks(read_json(path), path.name)
        stack = Stack(content, path.parent, [], Given.ALONE)
    if not stack.resources:
        raise DocumentError(f"{path} defines no resource: nothing to judge")
    return stack


__all__ = [
    "Body",
    "ChangeableError",
    "DocumentError",
    "Encoded",
    "Reference",
    "Resource",
    "Stack",
    "Text",
    "Unknown",
    "UnresolvedError",
    "boolean",
    "load",
    "number",
    "same",
]
