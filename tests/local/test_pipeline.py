"""What stops a deployment before it begins, and what counts as left behind after the end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import leftovers, pipeline
from local.errors import LocalError
from local.places import Places, write_private
from stack import settings


def _gate(monkeypatch: pytest.MonkeyPatch, code: int, output: str) -> None:
    def answer(*_: str, **__: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess((), code, output, "")

    monkeypatch.setattr(pipeline, "_python", answer)


def _verdict(verdict: str, checked: int, *findings: dict[str, str]) -> str:
    return json.dumps(
        {"path": "x", "verdict": verdict, "findings": findings, "waived": [{}], "checked": checked}
    )


def test_a_pass_tells_how_much_was_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _gate(monkeypatch, 0, _verdict("pass", 414))
    assert pipeline.judge(tmp_path) == "passed: 414 verdicts, 1 waived with a reason"


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (0, ""),
        (0, "not JSON"),
        (0, "[]"),
        (0, _verdict("pass", 0)),
        (0, _verdict("cannot-judge", 400)),
        (1, _verdict("pass", 400)),
        (2, ""),
    ],
)
def test_silence_and_contradiction_are_no_pass(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, output: str
) -> None:
    _gate(monkeypatch, code, output)
    with pytest.raises(LocalError, match="could not judge") as failure:
        pipeline.judge(tmp_path)
    assert "nothing was deployed" in failure.value.next_step


def test_findings_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finding = {"policy": "CKV_PRICE_1", "resource": "aws_x.y", "message": "is x86_64"}
    _gate(monkeypatch, 1, _verdict("fail", 400, finding))
    with pytest.raises(LocalError, match=r"CKV_PRICE_1 aws_x\.y: is x86_64"):
        pipeline.judge(tmp_path)


def test_a_replay_sets_its_window_off_and_the_state_stays_local(tmp_path: Path) -> None:
    place = Places(tmp_path).of("dev")
    chosen = pipeline._settings(place, pipeline.REPLAY)
    assert chosen.processing.past_window_seconds == 0
    assert chosen.state.s3_bucket == ""
    assert pipeline._settings(place, None) == chosen
    assert pipeline._settings(place, {}).processing == settings.load().processing


def test_private_files_are_private_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for text in ("long enough", "short"):
        write_private(path, text)
        assert path.read_text() == text
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


class FakeAccount:
    """Every service of an account in which names are listed, and keys are in some state."""

    def __init__(self, functions: list[str], keys: dict[str, tuple[str, str, str]]) -> None:
        self.functions, self.keys = functions, keys

    def get_paginator(self, operation: str) -> Any:
        items = {
            "list_functions": {"Functions": [{"FunctionName": name} for name in self.functions]},
            "list_tables": {"TableNames": self.functions},
            "list_keys": {"Keys": [{"KeyId": key} for key in self.keys]},
            "list_policies": {"Policies": []},
            "list_topics": {"Topics": []},
            "list_subscriptions": {"Subscriptions": []},
            "list_event_source_mappings": {"EventSourceMappings": []},
        }

        class Paginator:
            def paginate(self, **_: Any) -> Iterator[Any]:
                yield items.get(operation, {})

        return Paginator()

    def describe_key(self, KeyId: str) -> Any:  # noqa: N803
        manager, state, _ = self.keys[KeyId]
        return {"KeyMetadata": {"KeyManager": manager, "KeyState": state}}

    def list_resource_tags(self, KeyId: str) -> Any:  # noqa: N803
        return {"Tags": [{"TagKey": "Environment", "TagValue": self.keys[KeyId][2]}]}


def test_only_the_key_pending_deletion_may_be_left() -> None:
    account = FakeAccount(
        ["enricher-b", "enricher-a-b", "enricher-c"],
        {
            "gone": ("CUSTOMER", "PendingDeletion", "b"),
            "theirs": ("CUSTOMER", "Enabled", "a-b"),
            "aws": ("AWS", "Enabled", "b"),
        },
    )
    found = leftovers.find(lambda _: account, "b", ["a-b"])
    assert found.expected == "1 key pending deletion"
    assert found.unexpected == ["function enricher-b", "table enricher-b"]
    account.functions = ["enricher-a-b"]
    assert leftovers.find(lambda _: account, "b", ["a-b"]).unexpected == []
    account.keys["kept"] = ("CUSTOMER", "Enabled", "b")
    assert leftovers.find(lambda _: account, "b", ["a-b"]).unexpected == ["key kept (Enabled)"]
