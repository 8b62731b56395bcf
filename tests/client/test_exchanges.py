"""Exchanges are added, removed and rotated one at a time; nothing is shown or lost on the way."""

from __future__ import annotations

import argparse
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import exchanges
from client.__main__ import main
from client.exchanges import Unchangeable
from client.preflight import SECRETS_VARIABLE
from lambdas.domain.keys import VENUES
from lambdas.domain.signatures import SCHEMES, Unverified, verifiers
from local import signing

Capture = pytest.CaptureFixture[str]


def entries(scheme: str) -> st.SearchStrategy[dict[str, Any]]:
    if scheme == signing.NONE:
        return st.just({"scheme": scheme, "secrets": []})
    secrets = st.lists(st.builds(lambda: signing.made(scheme).text), min_size=1, max_size=2)
    return secrets.map(lambda drawn: {"scheme": scheme, "secrets": drawn})


DOCUMENTS = st.dictionaries(
    st.sampled_from(sorted(VENUES)), st.sampled_from(SCHEMES).flatmap(entries), max_size=6
)
VERBS = st.sampled_from([("add", False), ("remove", False), ("rotate", False), ("rotate", True)])


@given(DOCUMENTS, VERBS, st.sampled_from(sorted(VENUES)), st.sampled_from(SCHEMES))
def test_only_the_named_exchange_changes(
    before: dict[str, Any], verb: tuple[str, bool], exchange: str, scheme: str
) -> None:
    """GIVEN any secrets and any change THEN the others stay, and the function can start with it."""
    copy = json.dumps(before)
    args = argparse.Namespace(
        verb=verb[0], finish=verb[1], exchange=exchange, scheme=scheme, given=None
    )
    try:
        after, what = exchanges.changed(args, before)
    except Unchangeable:
        return
    finally:
        assert json.dumps(before) == copy
    assert {v: e for v, e in after.items() if v != exchange} == {
        v: e for v, e in before.items() if v != exchange
    }
    assert [venue for venue in after if venue in before] == [v for v in before if v in after]
    assert after.get(exchange) != before.get(exchange)
    assert set(verifiers(json.dumps(after), VENUES)) == set(after)
    told = [secret for entry in (*before.values(), *after.values()) for secret in entry["secrets"]]
    assert not any(secret in what for secret in told)


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(SECRETS_VARIABLE, raising=False)
    path = tmp_path / "secrets.json"
    path.write_text(
        json.dumps(
            {"kraken": {"scheme": "hmac-sha256", "secrets": ["old"]}, "gate": {"scheme": "none"}}
        )
    )
    return path


def call(secrets: Path, *arguments: str) -> int:
    return main(["exchanges", *arguments, "--secrets", str(secrets)])


def accepts(path: Path, secret: str) -> bool:
    """Whether the function, deployed with this file, takes what Kraken signs with that secret."""
    headers = signing.Secret(signing.HMAC, secret).headers(b"{}", "m", 1_700_000_000)
    encoded = {name: value.encode() for name, value in headers.items()}
    try:
        verifiers(path.read_text(), VENUES)["kraken"].verify(encoded, b"{}", 1_700_000_000_000, 0)
    except Unverified:
        return False
    return True


def test_a_rotation_refuses_no_message_on_the_way(secrets: Path, capsys: Capture) -> None:
    """GIVEN an exchange that signs with its old secret, then with the new THEN each is accepted."""
    assert call(secrets, "rotate", "kraken", "--apply") == 0
    steps = capsys.readouterr().out.splitlines()
    assert (
        steps[-1]
        .strip()
        .startswith(
            f"python -m client exchanges rotate kraken --secrets {secrets} --finish --apply"
        )
    )
    new = json.loads(secrets.read_text())["kraken"]["secrets"][1]
    assert accepts(secrets, "old")
    assert accepts(secrets, new)
    assert call(secrets, "show", "kraken", "--reveal") == 0
    assert f"newest    {new}\n" in capsys.readouterr().out
    assert call(secrets, "rotate", "kraken", "--finish", "--apply") == 0
    assert accepts(secrets, new)
    assert not accepts(secrets, "old")
    assert json.loads(secrets.read_text())["gate"] == {"scheme": "none"}


@pytest.mark.parametrize("arguments", [["add", "okx"], ["remove", "gate"], ["rotate", "kraken"]])
def test_without_apply_nothing_is_written(
    secrets: Path, arguments: list[str], capsys: Capture
) -> None:
    before = secrets.read_bytes(), secrets.stat().st_mtime_ns
    assert call(secrets, *arguments) == 0
    assert "Nothing was changed yet; --apply does it." in capsys.readouterr().out
    assert (secrets.read_bytes(), secrets.stat().st_mtime_ns) == before


def test_what_is_written_is_its_owners_alone_and_whole(
    secrets: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a file that others can read, behind a link THEN what replaces it is private."""
    secrets.chmod(0o644)
    link = secrets.with_name("link.json")
    link.symlink_to(secrets)
    assert call(link, "add", "okx", "--apply") == 0
    assert link.is_symlink()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    added = json.loads(secrets.read_text())["okx"]
    assert added["secrets"][0] not in capsys.readouterr().out
    assert sorted(each.name for each in secrets.parent.iterdir()) == ["link.json", "secrets.json"]

    def broken(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    before = secrets.read_bytes()
    assert call(secrets, "remove", "okx", "--apply") == 2
    assert "no space left on device" in capsys.readouterr().err
    assert secrets.read_bytes() == before
    assert sorted(each.name for each in secrets.parent.iterdir()) == ["link.json", "secrets.json"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_can_be_added(secrets: Path, scheme: str, tmp_path: Path) -> None:
    """GIVEN a scheme whose secret the venue issues THEN it has to be brought."""
    if scheme in exchanges.ISSUED_BY_THE_VENUE:
        assert call(secrets, "add", "okx", "--scheme", scheme, "--apply") == 2
        issued = tmp_path / "issued"
        issued.write_text("issued-by-the-venue\n")
        given = ["--given", str(issued)]
    else:
        given = []
    assert call(secrets, "add", "okx", "--scheme", scheme, *given, "--apply") == 0
    entry = json.loads(secrets.read_text())["okx"]
    assert entry["scheme"] == scheme
    assert not given or entry["secrets"] == ["issued-by-the-venue"]
    assert "okx" in verifiers(secrets.read_text(), VENUES)


def test_the_first_exchange_makes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRETS_VARIABLE, raising=False)
    path = tmp_path / "new.json"
    assert call(path, "remove", "okx", "--apply") == 2
    assert call(path, "add", "okx", "--apply") == 0
    assert list(json.loads(path.read_text())) == ["okx"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_exchanges_are_listed_without_their_secrets(secrets: Path, capsys: Capture) -> None:
    call(secrets, "rotate", "kraken", "--apply")
    document = json.loads(secrets.read_text())
    capsys.readouterr()
    assert call(secrets, "list") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["gate", "none", "0", "exchanges"] in rows
    assert ["kraken", "hmac-sha256", "2,", "being", "rotated", "exchanges"] in rows
    assert call(secrets, "show", "kraken") == 0
    shown = capsys.readouterr().out
    assert "x-timestamp: <seconds>" in shown
    assert not any(secret in shown for secret in document["kraken"]["secrets"])


def test_the_variable_can_be_listed_and_not_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv(SECRETS_VARIABLE, '{"okx": {"secrets": ["d2hzZWM="]}}')
    assert main(["exchanges", "list"]) == 0
    assert "okx" in capsys.readouterr().out
    assert main(["exchanges", "rotate", "okx", "--apply"]) == 2
    assert "a command cannot change TF_VAR_webhook_secrets" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "kraken"], "kraken is there already; `rotate` changes its secret"),
        (["remove", "okx"], "okx is not among the exchanges (gate, kraken)"),
        (["show", "okx"], "okx is not among"),
        (["rotate", "gate"], "nothing to rotate"),
        (["rotate", "kraken", "--finish"], "kraken has one secret"),
        (["add", "okx", "--given", "/nowhere/issued"], "/nowhere/issued"),
    ],
)
def test_what_cannot_be_done_is_told(
    secrets: Path, arguments: list[str], said: str, capsys: Capture
) -> None:
    before = secrets.read_bytes()
    assert call(secrets, *arguments) == 2
    assert said in capsys.readouterr().err
    assert secrets.read_bytes() == before


def test_more_than_lambda_has_room_for_is_refused(
    secrets: Path, tmp_path: Path, capsys: Capture
) -> None:
    issued = tmp_path / "issued"
    issued.write_text("x" * 3_000)
    before = secrets.read_bytes()
    assert call(secrets, "add", "okx", "--scheme", "hmac-sha256", "--given", str(issued)) == 2
    assert "Lambda has room for 3000" in capsys.readouterr().err
    assert secrets.read_bytes() == before


def test_a_rotation_is_not_begun_twice(secrets: Path, capsys: Capture) -> None:
    call(secrets, "rotate", "kraken", "--apply")
    assert call(secrets, "rotate", "kraken", "--apply") == 2
    assert "is being rotated" in capsys.readouterr().err


@pytest.mark.parametrize(
    "break_it",
    [
        lambda path: path.write_text("{"),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_text('{"mtgox": {"secrets": ["swordfish"]}}'),
        lambda path: path.write_text('{"okx": {"secrets": ["swordfish!"]}}'),
        os.unlink,
    ],
)
def test_secrets_that_the_function_would_refuse_are_not_built_upon(
    secrets: Path, break_it: Callable[[Path], object], capsys: Capture
) -> None:
    break_it(secrets)
    assert call(secrets, "rotate", "kraken", "--apply") == 2
    said = capsys.readouterr()
    assert said.err
    assert "swordfish" not in said.err + said.out


def test_the_local_runs_secrets_are_meant_by_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("PIPELINE_LOCAL_HOME", str(tmp_path))
    assert main(["exchanges", "list", "--local", "--suffix", "dev"]) == 2
    assert "`make up` makes it" in capsys.readouterr().err
    path = tmp_path / "stacks" / "dev" / "secrets.json"
    signing.kept(path, ["okx", "kraken"])
    rotate = ["exchanges", "rotate", "okx", "--local", "--suffix", "dev", "--apply"]
    assert main(rotate) == 0
    assert "python -m local up --suffix dev" in capsys.readouterr().out
    # What was being rotated stays so when the local run comes up, and the old secret signs.
    okx = json.loads(path.read_text())["okx"]["secrets"]
    assert signing.kept(path, ["okx", "kraken"])["okx"].text == okx[0]
