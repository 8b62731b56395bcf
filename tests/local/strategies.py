"""Generators shared by the tests of the local run."""

from __future__ import annotations

from hypothesis import strategies as st

_numbers = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["1.10", "9.2E-7", "1e5", "-0", "0.30000000000000004", "1E+2"]),
)
_strings = st.text(max_size=8).flatmap(
    # The same text escaped, half-escaped or as it is: all of it valid JSON.
    lambda text: st.sampled_from([_escaped(text, every=True), _escaped(text, every=False)])
)
_space = st.text(" \t\r", max_size=3)


def _escaped(text: str, every: bool) -> str:
    def one(character: str) -> str:
        if (
            every
            or character in '"\\'
            or ord(character) < 0x20
            or 0xD800 <= ord(character) < 0xE000
        ):
            units = character.encode("utf-16-be", "surrogatepass")
            return "".join(
                f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2)
            )
        return character

    return '"' + "".join(map(one, text)) + '"'


@st.composite
def _arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=4))
    return "[" + ",".join(draw(_space) + item + draw(_space) for item in items) + "]"


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(st.tuples(_strings, inner), max_size=4))
    members = (f"{draw(_space)}{key}{draw(_space)}:{value}{draw(_space)}" for key, value in items)
    return "{" + ",".join(members) + "}"


json_texts = st.recursive(
    st.one_of(_numbers, _strings, st.sampled_from(["true", "false", "null"])),
    lambda inner: st.one_of(_arrays(inner), _objects(inner)),
    max_leaves=12,
)
"""Texts of JSON values as somebody else's serializer may write them, on one line."""

spaces = _space
"""White space that JSON allows between tokens of one line."""
