"""What `python -m local up` makes of its options."""

from __future__ import annotations

from typing import Any

import pytest

from local import __main__ as command
from local import pipeline, status


@pytest.mark.parametrize(
    ("options", "overlay"),
    [([], None), (["--any-age"], {"processing": {"past_window_seconds": 0}})],
)
def test_recordings_are_stored_when_their_age_is_to_be_ignored(
    monkeypatch: pytest.MonkeyPatch, options: list[str], overlay: Any
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(pipeline, "up", lambda *arguments, **_: given.append(arguments))
    monkeypatch.setattr(status, "explain", lambda *_: None)
    assert command.main(["up", "--suffix", "dev", *options]) == 0
    ((_, _, suffix, _, chosen),) = given
    assert (suffix, chosen) == ("dev", overlay)
