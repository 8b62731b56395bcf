"""The emulator's process is known by more than its number, and nobody else's is ever ended."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import process
from local.errors import LocalError
from local.places import Places

HEALTHY = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *_): pass
HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    found = Places(tmp_path / ".local")
    yield found
    if emulator := process.running(found):
        process.stop(found, emulator)


def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Have `python -m local.emulator …` run another program."""
    (tmp_path / "program.py").write_text(program)
    command = tmp_path / "python"
    command.write_text(
        f'#!/bin/sh\nshift 2\nexec "{sys.executable}" "{tmp_path}/program.py" "$@"\n'
    )
    command.chmod(0o755)
    monkeypatch.setattr(process, "interpreter", lambda: command)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def test_it_is_started_found_again_and_stopped(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(tmp_path, monkeypatch, HEALTHY)
    port = _free_port()
    assert process.port_is_free(port)
    emulator = process.start(places, port)
    assert emulator.healthy()
    assert not process.port_is_free(port)
    assert process.running(places) == emulator
    process.stop(places, emulator)
    assert process.running(places) is None
    assert not emulator.healthy()
    assert process.port_is_free(port)


def test_what_does_not_start_is_told_with_its_last_words(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(tmp_path, monkeypatch, "raise SystemExit('ministack 9 found, 1.5.33 expected')")
    with pytest.raises(LocalError, match=r"ministack 9 found, 1\.5\.33 expected"):
        process.start(places, _free_port())
    assert process.running(places) is None


def test_a_number_given_to_somebody_else_is_not_ours(places: Places) -> None:
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as stranger:
        places.emulator.mkdir(parents=True)
        record = {"pid": stranger.pid, "port": 1, "started": "long ago"}
        (places.emulator / "process.json").write_text(json.dumps(record))
        assert process.running(places) is None
        process.stop(places, process.Emulator(**record))  # type: ignore[arg-type]
        assert stranger.poll() is None
        stranger.communicate(b"\n")


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"pid": 1}', "nonsense"])
def test_a_broken_record_is_no_emulator(places: Places, record: str) -> None:
    places.emulator.mkdir(parents=True)
    (places.emulator / "process.json").write_text(record)
    assert process.running(places) is None
