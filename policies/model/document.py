"""Reading a stack folder into raw blocks, strictly.

Terraform reads every ``*.tf.json`` of a folder, lets ``override`` files replace parts of the
others, and takes objects and arrays alike where blocks are meant. Here all of that becomes one
list of blocks; what Terraform would read and this module would not is an error, never left out.

https://developer.hashicorp.com/terraform/language/files/override
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

# Top-level blocks and how many labels each carries; any other has its first key for a label.
LABELS = {
    "resource": 2,
    "data": 2,
    "ephemeral": 2,
    "provider": 1,
    "variable": 1,
    "output": 1,
    "module": 1,
    "check": 1,
    "terraform": 0,
    "locals": 0,
    "import": 0,
    "moved": 0,
    "removed": 0,
}
# Those that the pipeline needs; another one is an offence even when it is empty.
ORDINARY = {"resource", "data", "provider", "terraform", "variable", "output"}
MAXIMUM_BYTES = 20_000_000
# No stack nests a tenth as deep, and what follows a value's structure must come to an end.
MAXIMUM_DEPTH = 64


class DocumentError(ValueError):
    """The document cannot be read as Terraform would read it, so nothing can be judged."""


@dataclass(slots=True)
class Block:
    """One top-level block: its kind, its labels and its body as it stands in the document."""

    kind: str
    labels: tuple[str, ...]
    raw: dict[str, Any]

    @property
    def address(self) -> str:
        """The name people and Terraform use for it."""
        labels = self.labels[:]
        return ".".join(labels) if self.kind == "resource" else ".".join((self.kind, *labels))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            # Terraform merges repeated keys of blocks; Python would silently keep the last.
            raise DocumentError(f"the key {key!r} stands twice in one object: write it once")
        result[key] = value
    return result


def _refuse_constant(name: str) -> Any:
    raise DocumentError(f"{name} is no JSON number")


def exact_number(text: str) -> int | float | None:
    """A decimal number, or None where a float would pass for a number that it is not.

    Terraform reads numbers to 512 bits: 3.00000000000000000001 is not 3 to it.
    """
    if re.fullmatch(r"-?\d{1,4000}", text, re.ASCII):
        return int(text)
    value = float(text)
    try:
        if not math.isfinite(value) or (value.is_integer() and Decimal(text) != Decimal(value)):
            return None
    except ArithmeticError:  # an exponent that even a Decimal does not hold
        return None
    return value


def _number(text: str) -> int | float:
    value = exact_number(text)
    if value is None:
        raise DocumentError(f"{text[:40]} has more digits than are told apart here: write it plain")
    return value


def is_plain(text: str) -> bool:
    """Whether Terraform keeps the text as it is.

    It brings every text into Unicode's normal form C, in which the sign of kelvin is the letter K
    and an accent joins its letter, and puts U+FFFD in the place of half a surrogate pair.
    https://developer.hashicorp.com/terraform/language/expressions/types#string
    """
    if text.isascii():
        return True
    return unicodedata.is_normalized("NFC", text) and not re.search("[\ud800-\udfff]", text)


def strict_json(text: str) -> Any:
    """Parse JSON; raises `DocumentError` on what another reader could take for something else.

    That is a repeated key, NaN or Infinity, a number of too many digits, text that is not plain,
    and nesting beyond `MAXIMUM_DEPTH`.
    """
    try:
        found = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_number,
        )
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON ({error}): synthesize the stack again") from error
    except RecursionError as error:
        raise DocumentError("nested too deeply to be a stack") from error
    _require_plain(found)
    return found


def _require_plain(found: Any) -> None:
    waiting = [(found, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAXIMUM_DEPTH:
            raise DocumentError("nested too deeply to be a stack")
        if isinstance(node, dict):
            waiting.extend((item, depth + 1) for pair in node.items() for item in pair)
        elif isinstance(node, list):
            waiting.extend((item, depth + 1) for item in node)
        elif isinstance(node, str) and not is_plain(node):
            raise DocumentError(f"{node[:40]!a} is text that Terraform would read as another one")


def read_json(path: Path) -> Any:
    """Read one file with `strict_json`."""
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise DocumentError(f"{path.name} is larger than {MAXIMUM_BYTES} bytes")
        return strict_json(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise DocumentError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path.name} is not UTF-8") from error


def merged(raw: Any, where: str) -> dict[str, Any]:
    """Read one body. Terraform lets an array of objects stand for one object, and null for none."""
    if raw is None:
        return {}
    if isinstance(raw, dict):
        return raw
    if isinstance(raw, list):
        result: dict[str, Any] = {}
        for item in raw:
            if item is None:
                continue
            if not isinstance(item, dict):
                raise DocumentError(f"{where}: expected an object, found {json.dumps(item)[:80]}")
            for key, value in item.items():
                if key in result and key != "//":
                    raise DocumentError(f"{where}: {key!r} is given twice")
                result[key] = value
        return result
    raise DocumentError(f"{where}: expected an object, found {json.dumps(raw)[:80]}")


def _flat(raw: Any, where: str) -> Any:
    """Refuse a list in a list where labels are expected, as Terraform does."""
    if isinstance(raw, list):
        raise DocumentError(f"{where}: expected an object, found {json.dumps(raw)[:80]}")
    return raw


def _labelled(
    kind: str, raw: Any, missing: int, labels: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    where = ".".join((kind, *labels))
    if missing:
        for level in raw if isinstance(raw, list) else [raw]:
            for label, inner in merged(_flat(level, where), where).items():
                yield from _labelled(kind, inner, missing - 1, (*labels, label))
    elif raw is None:
        return
    elif isinstance(raw, list):
        for item in raw:
            yield labels, merged(item, where)
    else:
        yield labels, merged(raw, where)


def blocks(raw: Any, name: str) -> list[Block]:
    """Read the top level of one file."""
    if not isinstance(raw, dict | list):
        raise DocumentError(f"{name}: expected an object, found {json.dumps(raw)[:80]}")
    result: list[Block] = []
    for top in raw if isinstance(raw, list) else [raw]:
        for kind, inner in merged(_flat(top, name), name).items():
            if kind == "//":
                continue
            # A block Terraform may know and this module does not: kept whole, to be refused.
            found = list(_labelled(kind, inner, LABELS.get(kind, 0), ()))
            if not found and kind not in ORDINARY:
                found = [((), {})]
            result.extend(Block(kind, labels, body) for labels, body in found)
    return result


def is_override(name: str) -> bool:
    """Whether Terraform merges the file into the others instead of adding it."""
    stem = name.removesuffix(".json").removesuffix(".tf")
    return stem == "override" or stem.endswith("_override")


def override(base: Block, over: Block) -> None:
    """Merge an override block into the block it names, as Terraform does.

    Attributes are replaced; nested blocks of one type replace all of that type, whether static or
    dynamic; ``lifecycle``, ``required_providers`` and ``locals`` merge entry by entry.
    """
    for key, value in over.raw.items():
        if key in ("lifecycle", "required_providers") and key in base.raw:
            where = f"{base.address}.{key}"
            base.raw[key] = {**merged(base.raw[key], where), **merged(value, where)}
        elif key == "dynamic":
            dynamic = merged(value, "dynamic")
            for nested in dynamic:
                base.raw.pop(nested, None)
            base.raw[key] = {**merged(base.raw.get(key), "dynamic"), **dynamic}
        elif key != "//":
            dynamic = merged(base.raw.get("dynamic"), "dynamic")
            if key in dynamic:
                base.raw["dynamic"] = {n: v for n, v in dynamic.items() if n != key}
            base.raw[key] = value


# What `terraform init`, `plan` and `apply`, and the cdktf command, write beside the document.
WRITTEN_LATER = re.compile(
    r"\.terraform\.lock\.hcl|\.terraform\.tfstate\.lock\.info|plan|.*\.tfplan"
    r"|(.*\.)?tfstate(\.backup)?",
    re.ASCII,
)


def terraform_files(folder: Path) -> list[Path]:
    """Every file of the folder that Terraform or OpenTofu would load as configuration."""
    endings = (".tf", ".tf.json", ".tofu", ".tofu.json")
    return sorted(p for p in folder.iterdir() if p.name.endswith(endings) and p.is_file())


def read_folder(folder: Path) -> tuple[list[Block], list[str]]:
    """Read all ``*.tf.json`` of a stack folder into blocks, overrides merged.

    Returns the blocks and a sentence for each thing that could not be read or merged.
    """
    plain: list[Block] = []
    overriding: list[Block] = []
    unread: list[str] = []
    files = terraform_files(folder)
    if not files:
        raise DocumentError(f"{folder} holds no .tf.json file: nothing to judge")
    for path in files:
        if not path.name.endswith(".tf.json"):
            unread.append(f"{path.name} is not JSON: its content was not judged; remove it")
            continue
        target = overriding if is_override(path.name) else plain
        target.extend(blocks(read_json(path), path.name))
    for over in overriding:
        # Providers of one name are told apart by their alias, which is not a label.
        base = [
            b
            for b in plain
            if (b.kind, b.labels, b.raw.get("alias"))
            == (over.kind, over.labels, over.raw.get("alias"))
        ]
        if base:
            for block in base:
                override(block, over)
        else:
            unread.append(f"an override file changes {over.address}, which does not exist")
            plain.append(over)
    return plain, unread
