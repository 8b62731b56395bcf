"""The one error a command of the local run ends with."""

from __future__ import annotations


class LocalError(Exception):
    """What went wrong, why it matters, and what to do next: printed as it stands."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what}\n{next_step}")
        self.what = what
        self.next_step = next_step
