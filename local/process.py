"""The emulator's process: started detached, found again by its own record, stopped by its id only.

One emulator serves all environments of a clone. Its record (`.local/emulator/process.json`) holds
the process id, the port, and when that process was started, so that a process id that the system
has given to somebody else in the meantime is never taken for ours.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.emulator import HEALTH_PATH
from local.errors import LocalError
from local.places import ROOT, Places
from local.surroundings import cleaned

DEFAULT_PORT = 4566
"""What emulators of AWS usually listen on."""

_READY_SECONDS = 30.0
_STOP_SECONDS = 15.0
_ANSWER_SECONDS = 60.0
"""It answers between two requests, of which some take long on a busy machine."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: its process and where it listens."""

    pid: int
    port: int
    started: str

    @property
    def endpoint(self) -> str:
        """The address of every AWS service."""
        return f"http://127.0.0.1:{self.port}"

    def healthy(self) -> bool:
        """Whether it answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", HEALTH_PATH)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def control(self, method: str, path: str, document: object = None) -> Any:
        """Ask the emulator itself (`/_local/…`): its state, faults, calls, denials."""
        body = None if document is None else json.dumps(document)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request(method, f"/_local/{path}", body)
            answer = connection.getresponse()
            found = json.load(answer)
            if answer.status != 200:
                raise LocalError(f"{method} /_local/{path}: {found}", "Look into its log.")
            return found
        finally:
            connection.close()


def running(places: Places) -> Emulator | None:
    """The emulator of this clone, or None when its process is gone."""
    try:
        emulator = Emulator(**json.loads((places.emulator / "process.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return emulator if _birth(emulator.pid) == emulator.started else None


def start(places: Places, port: int, time_scale: float = 1.0) -> Emulator:
    """Start the emulator and wait until it answers; raises `LocalError` with its last words."""
    places.emulator.mkdir(parents=True, exist_ok=True)
    log = places.emulator / "log"
    command = [str(interpreter()), "-m", "local.emulator", "--port", str(port)]
    command += ["--state", str(places.emulator / "state"), "--time-scale", str(time_scale)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**cleaned(os.environ), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    emulator = Emulator(process.pid, port, _birth(process.pid) or "")
    (places.emulator / "process.json").write_text(json.dumps(asdict(emulator)))
    deadline = time.monotonic() + _READY_SECONDS
    try:
        while not emulator.healthy():
            if process.poll() is not None or time.monotonic() > deadline:
                last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise LocalError(
                    f"the embedded AWS did not start on port {port}:\n{last}",
                    f"Its whole log is {log}. Mend what it names and run the command again.",
                )
            time.sleep(0.1)
    except BaseException:
        stop(places, emulator)
        raise
    return emulator


def stop(places: Places, emulator: Emulator) -> None:
    """End the emulator's process, and only that one; its functions end with it."""
    deadline = time.monotonic() + _STOP_SECONDS
    sign = signal.SIGTERM
    while _birth(emulator.pid) == emulator.started:
        _signal(emulator.pid, sign)
        time.sleep(0.2)
        if time.monotonic() > deadline:
            sign = signal.SIGKILL
    (places.emulator / "process.json").unlink(missing_ok=True)


def interpreter() -> Path:
    """The Python of the emulator's own environment."""
    return ROOT / ".venv-local" / "bin" / "python"


def port_is_free(port: int) -> bool:
    """Whether somebody could listen on the loopback `port` now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _signal(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return
    # A child of this very command stays a zombie until it is waited for.
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _birth(pid: int) -> str | None:
    """When a living process was started, in whatever form the system tells it; None if gone."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            # After the command's name in parentheses: state is the 1st field, start time the 20th.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(
        ("ps", "-o", "stat=,lstart=", "-p", str(pid)), capture_output=True, text=True
    ).stdout.split(maxsplit=1)
    return answer[1].strip() if len(answer) == 2 and answer[0][0] != "Z" else None
