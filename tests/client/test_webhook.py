"""The webhook of an environment is found by its names, and never guessed."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import webhook
from client.environment import Environment, Unreachable
from client.preflight import SECRETS_VARIABLE
from lambdas.domain.keys import VENUES
from local import signing
from local.places import HOME_VARIABLE, ROOT, Places

SECRETS = {venue: signing.entry(signing.fresh(venue)) for venue in VENUES}


class Gateway:
    """API Gateway as far as it is asked: pages of APIs and keys."""

    def __init__(self, apis: list[str], keys: list[str]) -> None:
        self.answers = {
            "get_rest_apis": [{"id": f"id{n}", "name": name} for n, name in enumerate(apis)],
            "get_api_keys": [{"value": f"v{n}", "name": name} for n, name in enumerate(keys)],
        }
        self.operation = ""

    def get_paginator(self, operation: str) -> Gateway:
        self.operation = operation
        return self

    def paginate(self, **_: object) -> Iterator[dict[str, Any]]:
        # One item a page: whoever reads the first page alone misses the rest.
        for each in self.answers[self.operation]:
            yield {"items": [each]}


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SECRETS_VARIABLE, json.dumps(SECRETS))
    monkeypatch.delenv(webhook.KEY_VARIABLE, raising=False)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


def found(
    monkeypatch: pytest.MonkeyPatch,
    apis: list[str],
    keys: list[str],
    endpoint: str | None = None,
    **given: object,
) -> Any:
    gateway = Gateway(apis, keys)
    monkeypatch.setattr(Environment, "client", lambda _self, _service: gateway)
    args = argparse.Namespace(**{"url": None, "secrets": None, **given})
    return webhook.chosen(args, Environment("dev", endpoint), {"okx"})


def test_address_and_key_are_looked_up_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN APIs and keys of other environments and exchanges THEN this one's are chosen."""
    apis = ["price-webhooks-de", "price-webhooks-dev", "price-webhooks-dev-2"]
    keys = ["exchanges-dev-2", "exchanges-okx-dev", "exchanges-dev"]
    door = found(monkeypatch, apis, keys)
    assert door.url == "https://id1.execute-api.us-east-1.amazonaws.com/v1/webhooks"
    assert door.api_key == "v2"
    assert door.secrets == {"okx": signing.live(SECRETS["okx"])}


def test_what_is_said_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webhook.KEY_VARIABLE, "said")
    door = found(monkeypatch, [], [], url="https://relay.example/webhooks")
    assert (door.url, door.api_key) == ("https://relay.example/webhooks", "said")


@pytest.mark.parametrize(
    ("apis", "keys", "said"),
    [
        ([], ["exchanges-dev"], "there is no API price-webhooks-dev here"),
        (["price-webhooks-dev"] * 2, ["exchanges-dev"], "more than one API price-webhooks-dev"),
        (["price-webhooks-dev"], [], "there is no API key exchanges-dev here"),
    ],
)
def test_doubt_is_told(
    monkeypatch: pytest.MonkeyPatch, apis: list[str], keys: list[str], said: str
) -> None:
    with pytest.raises(Unreachable, match=said):
        found(monkeypatch, apis, keys)


def test_the_local_run_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN secrets and a key of AWS in the environment THEN `--local` does not use them."""
    monkeypatch.setenv(webhook.KEY_VARIABLE, "of AWS")
    place = Places.default().of("dev")
    kept = signing.kept(place.secrets, VENUES)
    place.overlay.write_text("[processing]\npast_window_seconds = 0\n")
    endpoint = "http://127.0.0.1:4566"
    door = found(monkeypatch, ["price-webhooks-dev"], ["exchanges-dev"], endpoint)
    assert door.url == "http://127.0.0.1:4566/_aws/execute-api/id0/v1/webhooks"
    assert door.api_key == "v0"
    assert door.secrets == {"okx": kept["okx"]}
    assert Environment("dev", endpoint).settings.processing.past_window_seconds == 0
    assert Environment("dev").settings.processing.past_window_seconds == 86_400


def test_a_local_environment_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable, match="`make up SUFFIX=dev` makes it"):
        found(monkeypatch, [], [], "http://127.0.0.1:4566")


def test_the_handbook_lists_the_rights() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (row,) = (
        line for line in page.splitlines() if line.startswith("| `replay`, `forward` without")
    )
    assert set(re.findall(r"`([a-z]+:[A-Za-z]+)`", row)) == set(webhook.LOOKING_UP)
