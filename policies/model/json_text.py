"""JSON that stands in an attribute as text, with references to other resources inside it."""

from __future__ import annotations

import re
from typing import Any

from policies import requirement
from policies.model.document import DocumentError, strict_json
from policies.model.expressions import Reference, Text, Unknown, Value, concatenate

# Private-use characters stand for symbols while the text around them is parsed as JSON.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACEHOLDER = re.compile(f"{_OPEN}(\\d+){_CLOSE}", re.ASCII)
# In the text itself, as they are or as JSON escapes them, they would pass for a symbol.
_FORGED = re.compile(r"[\ue000\ue001]|\\u[eE]00[01]")


def read_json_text(value: str | Text, vouched: frozenset[str]) -> Value:
    """Read the text as JSON, its references in their places; raises `DocumentError`.

    A reference may only be to an attribute of `vouched` (`arn`, or of one type: `aws_x.name`), or
    the suffix: to what AWS or the gate vouches for that it holds no quotation mark, with which it
    could end the string it stands in.
    """
    symbols: list[Any] = []
    text = ""
    for part in value.parts if isinstance(value, Text) else (value,):
        if isinstance(part, str):
            if _FORGED.search(part):
                raise DocumentError("holds a private-use character")
            text += part
        else:
            text += f"{_OPEN}{len(symbols)}{_CLOSE}"
            symbols.append(part)
    for symbol in symbols:
        if not isinstance(symbol, Unknown) and not _is_vouched(symbol, vouched):
            raise DocumentError(f"holds {symbol}, whose text could end the string it is in")
    return _restored(strict_json(text), symbols)


def _restored(node: Any, symbols: list[Any]) -> Value:
    if isinstance(node, str):
        pieces = _PLACEHOLDER.split(node)
        if len(pieces) == 3 and pieces[0] == pieces[2] == "":
            return symbols[int(pieces[1])]
        return concatenate([symbols[int(p)] if i % 2 else p for i, p in enumerate(pieces)])
    if isinstance(node, list):
        return [_restored(item, symbols) for item in node]
    if isinstance(node, dict):
        return {key: _restored(item, symbols) for key, item in node.items()}
    return node


def _is_vouched(symbol: Value, vouched: frozenset[str]) -> bool:
    """Whether what the symbol stands for holds no quotation mark."""
    if not isinstance(symbol, Reference):
        return False
    # The attribute itself: a tag of that name, `tags.arn`, is whatever somebody wrote.
    if symbol == requirement.SUFFIX or len(symbol.path) != 1:
        return symbol == requirement.SUFFIX
    attribute = symbol.path[0]
    return attribute in vouched or f"{symbol.root.partition('.')[0]}.{attribute}" in vouched
