"""Execution environments: one process a concurrent invocation, kept warm, as AWS runs functions.

A process sees the function's zip and the interpreter's site-packages, and an environment of AWS's
variables and the function's own; nothing of the machine's environment or of this repository.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

import copy
import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.emulator.authority import account_and_region
from local.emulator.upstream import module

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_HEAD = struct.Struct("!cI")
_INIT_SECONDS = 10.0
_IDLE_SECONDS = 300.0

endpoint = "http://127.0.0.1:4566"
"""Where functions find AWS; the server sets it to its own address."""

scratch = Path(tempfile.gettempdir())
"""Where zips are unpacked; the server sets it to a folder of its own state."""


@dataclass
class Outcome:
    """What became of one invocation.

    `status`: `ok`, `error` (the handler raised), `timeout`, `exit` (the process died) or `init`
    (the handler could not be loaded). `payload` is the JSON that the function returned or the error
    document. `lines` are the log lines with their moment in epoch milliseconds.
    """

    status: str
    payload: bytes
    lines: list[tuple[int, str]] = field(default_factory=list)
    duration_ms: float = 0.0
    init_ms: float | None = None
    began_ms: int = field(default_factory=lambda: int(time.time() * 1000))


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class Environment:
    """One process that serves one invocation at a time."""

    def __init__(self, config: dict[str, Any], code: bytes) -> None:
        self.config = copy.deepcopy(config)
        self.edition = edition(config)
        self.stream = time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + uuid.uuid4().hex
        self.idle_since = time.monotonic()
        self._lines: list[tuple[int, str]] = []
        self._init_ms: float | None = None
        self._folder = Path(tempfile.mkdtemp(prefix=f"{config['FunctionName']}-", dir=scratch))
        with zipfile.ZipFile(io.BytesIO(code)) as package:
            package.extractall(self._folder)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", str(_BOOTSTRAP), str(theirs.fileno())],
                cwd=self._folder,
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket = ours

    def _variables(self) -> dict[str, str]:
        config = self.config
        _, region = account_and_region(config["FunctionArn"])
        logging_config = config.get("LoggingConfig") or {}
        as_json = logging_config.get("LogFormat", "Text").upper() == "JSON"
        own = (config.get("Environment") or {}).get("Variables") or {}
        level = logging_config.get("ApplicationLogLevel", "INFO") if as_json else ""
        return {
            **own,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": config["Handler"],
            "LAMBDA_TASK_ROOT": str(self._folder),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": log_group(config),
            "AWS_LAMBDA_LOG_STREAM_NAME": self.stream,
            "AWS_LAMBDA_LOG_FORMAT": "JSON" if as_json else "Text",
            **({"AWS_LAMBDA_LOG_LEVEL": level} if level else {}),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": endpoint,
            **module("core.lambda_runtime").execution_credentials(config),
        }

    def _send(self, kind: bytes, content: bytes) -> None:
        self._socket.sendall(_HEAD.pack(kind, len(content)) + content)

    def _read(self, size: int, deadline: float) -> bytes:
        parts = []
        while size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            part = self._socket.recv(min(size, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _await(self, deadline: float) -> tuple[bytes, bytes]:
        """The next frame that is no log line."""
        while True:
            kind, length = _HEAD.unpack(self._read(_HEAD.size, deadline))
            content = self._read(length, deadline)
            if kind != b"L":
                return kind, content
            self._lines.append((int(time.time() * 1000), content.decode("utf-8", "replace")))

    def start(self) -> Outcome | None:
        """Wait until the handler is loaded; the outcome of the invocation when it cannot be."""
        began = time.monotonic()
        try:
            kind, content = self._await(began + _INIT_SECONDS)
        except TimeoutError:
            return Outcome("init", _error("Sandbox.Timedout", "Init phase timed out"), self._take())
        except (EOFError, OSError):
            return Outcome("init", self._exit_document(""), self._take())
        self._init_ms = (time.monotonic() - began) * 1000
        return None if kind == b"Y" else Outcome("init", content, self._take())

    def invoke(self, request_id: str, arn: str, event: bytes) -> Outcome:
        """Run one invocation with the function's own time limit."""
        seconds = float(self.config.get("Timeout", 3))
        began = time.monotonic()
        began_ms = int(time.time() * 1000)
        header = {
            "request_id": request_id,
            "arn": arn,
            "deadline_ms": int((time.time() + seconds) * 1000),
        }
        try:
            self._socket.settimeout(seconds)
            self._send(b"I", json.dumps(header).encode())
            self._send(b"E", event)
            kind, payload = self._await(began + seconds)
            status = "ok" if kind == b"R" else "error"
        except TimeoutError:
            status = "timeout"
            payload = _error(
                "Sandbox.Timedout",
                f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
            )
        except (EOFError, OSError):
            status, payload = "exit", self._exit_document(request_id)
        duration = (time.monotonic() - began) * 1000
        init, self._init_ms = self._init_ms, None
        return Outcome(status, payload, self._take(), duration, init, began_ms)

    def _take(self) -> list[tuple[int, str]]:
        lines, self._lines = self._lines, []
        return lines

    def _exit_document(self, request_id: str) -> bytes:
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = -1
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        who = f"RequestId: {request_id} " if request_id else ""
        return _error("Runtime.ExitError", f"{who}Error: Runtime exited with error: {how}")

    def close(self) -> None:
        """End the process and forget its files."""
        self._socket.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def process_id(self) -> int:
        """The process, for those who measure or kill it."""
        return self._process.pid

    @property
    def peak_memory_mb(self) -> int:
        """The most memory the process has had resident, in MB; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0
        peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "0 0 kB")
        return int(peak.split()[1]) // 1024


def log_group(config: dict[str, Any]) -> str:
    """The log group that the function's logging configuration names, else Lambda's default."""
    chosen = (config.get("LoggingConfig") or {}).get("LogGroup")
    return chosen or f"/aws/lambda/{config['FunctionName']}"


def edition(config: dict[str, Any]) -> str:
    """What an environment was made from; a changed code or configuration needs a new one."""
    parts = ("Handler", "Role", "Timeout", "Environment", "LoggingConfig", "MemorySize")
    role = config.get("Role", "")
    account, _ = account_and_region(config["FunctionArn"])
    record = module("services.iam")._roles.get_scoped(account, None, role.rsplit("/", 1)[-1]) or {}
    made_of = [
        config.get("CodeSha256"),
        record.get("RoleId"),
        *(config.get(part) for part in parts),
    ]
    return json.dumps(made_of, sort_keys=True, default=str)


class Pool:
    """The warm environments of every function, by function and edition."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[Environment]] = {}
        self._busy: dict[str, list[Environment]] = {}

    def take(self, config: dict[str, Any], code: bytes) -> tuple[Environment, Outcome | None]:
        """A free environment of the function, started if need be, and the failure to start it."""
        key, wanted = config["FunctionArn"], edition(config)
        with self._lock:
            waiting = self._idle.pop(key, [])
            fit = [environment for environment in waiting if environment.edition == wanted]
            stale = [environment for environment in waiting if environment.edition != wanted]
            chosen = fit.pop() if fit else None
            if fit:
                self._idle[key] = fit
            if chosen:
                self._busy.setdefault(key, []).append(chosen)
        for environment in stale:
            environment.close()
        if chosen:
            return chosen, None
        made = Environment(config, code)
        with self._lock:
            self._busy.setdefault(key, []).append(made)
        return made, made.start()

    def give_back(self, environment: Environment, *, usable: bool) -> None:
        """Keep an environment warm, or end it."""
        key = environment.config["FunctionArn"]
        with self._lock:
            self._busy[key].remove(environment)
            if usable:
                environment.idle_since = time.monotonic()
                self._idle.setdefault(key, []).append(environment)
        if not usable:
            environment.close()

    def forget(self, name: str) -> None:
        """End the idle environments of a function that was changed or deleted."""
        with self._lock:
            keys = [key for key in self._idle if key.split(":")[6] == name]
            gone = [environment for key in keys for environment in self._idle.pop(key)]
        for environment in gone:
            environment.close()

    def reap(self) -> None:
        """End what has been idle for long, but the last one of a function."""
        limit = time.monotonic() - _IDLE_SECONDS
        gone = []
        with self._lock:
            for key, entries in self._idle.items():
                old = [environment for environment in entries[1:] if environment.idle_since < limit]
                self._idle[key] = [environment for environment in entries if environment not in old]
                gone += old
        for environment in gone:
            environment.close()

    def processes(self) -> dict[str, list[int]]:
        """Process ids by function name, busy ones first."""
        found: dict[str, list[int]] = {}
        with self._lock:
            for key, busy in self._busy.items():
                found.setdefault(key.split(":")[6], []).extend(one.process_id for one in busy)
            for key, idle in self._idle.items():
                found.setdefault(key.split(":")[6], []).extend(one.process_id for one in idle)
        return found

    def close(self) -> None:
        """End every process."""
        with self._lock:
            gone = [environment for idle in self._idle.values() for environment in idle]
            gone += [environment for busy in self._busy.values() for environment in busy]
            self._idle.clear()
        for environment in gone:
            environment.close()


def machine_threads() -> int:
    """How many invocations may run at once when no function reserves less."""
    return max(8, 8 * (os.cpu_count() or 1))


POOL = Pool()
