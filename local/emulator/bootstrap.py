"""What runs inside a function's process: loads the handler, serves invocations, writes log lines.

It stands for AWS's Python runtime (aws/aws-lambda-python-runtime-interface-client), on whose log
lines, error documents and context object functions and their readers depend. It runs as a script in
an isolated interpreter (`python -I`), so it imports the standard library only. The emulator talks
to it over one socket, whose descriptor is the first argument, in frames: one letter, the length,
the content.

    emulator -> function   I header (JSON), then E event (the payload's bytes)
    function -> emulator   Y ready, Z initialization failed (error document),
                           L log line, R result (JSON), X error document
"""

import importlib
import json
import logging
import os
import socket
import struct
import sys
import time
import traceback
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

_HEAD = struct.Struct("!cI")
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_NOT_EXTRA = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "aws_request_id"}
_LEVELS = {"TRACE": "DEBUG"}

request_id = ""


class Channel:
    """Frames over the socket that joins this process with the emulator."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._reader = self._socket.makefile("rb")

    def send(self, kind: bytes, content: bytes = b"") -> None:
        """Send one frame."""
        self._socket.sendall(_HEAD.pack(kind, len(content)) + content)

    def log(self, line: str) -> None:
        """Send a log line."""
        self.send(b"L", line.encode("utf-8", "replace"))

    def receive(self) -> tuple[bytes, bytes]:
        """The next frame's letter and content; `EOFError` when the emulator is gone."""
        head = self._reader.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise EOFError
        kind, length = _HEAD.unpack(head)
        return kind, self._reader.read(length)


class Lines:
    """Standard output and error: every finished line is a log line as it stands."""

    encoding = "utf-8"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._rest = ""

    def write(self, text: str) -> int:
        """Take text; what ends with a line feed is logged."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._channel.log(line)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Take several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Log what waits for its line feed."""
        if self._rest:
            self._channel.log(self._rest)
            self._rest = ""

    def isatty(self) -> bool:
        """Never a terminal."""
        return False


class JsonLines(logging.Formatter):
    """A record as the runtime's JSON mode writes it, extras at the top level."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        level = min(50, max(0, record.levelno)) // 10 * 10
        line: dict[str, Any] = {
            "timestamp": time.strftime(_TIME_FORMAT, time.gmtime(record.created)),
            "level": logging.getLevelName(level),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["stackTrace"] = traceback.format_tb(record.exc_info[2])
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = str(record.exc_info[1])
        line["requestId"] = request_id
        if record.exc_info:
            line["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        extras = {
            key: value
            for key, value in vars(record).items()
            if key not in _NOT_EXTRA and key not in line and value is not None
        }
        return json.dumps(line | extras, ensure_ascii=False)


class TextLines(logging.Formatter):
    """A record as the runtime's text mode writes it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"[{record.levelname}]\t{moment}.{int(record.msecs):03d}Z\t{request_id}\t{text}"


class ToChannel(logging.Handler):
    """Hands formatted records to the emulator."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record's line; what cannot be formatted raises, as in AWS's runtime."""
        self._channel.log(self.format(record))


def _error_document(error: BaseException, frames: list[str]) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": frames,
    }


def _frames(error: BaseException) -> list[str]:
    """The traceback without the frames of this file."""
    found = traceback.extract_tb(error.__traceback__)
    start = next((i for i, frame in enumerate(found) if frame.filename != __file__), len(found))
    return traceback.format_list(found[start:])


def _log_error(channel: Channel, document: dict[str, Any], as_json: bool) -> None:
    """The line of an unhandled exception: `log_level` instead of `level` in JSON mode."""
    if as_json:
        stamp = {"timestamp": time.strftime(_TIME_FORMAT, time.gmtime()), "log_level": "ERROR"}
        channel.log(json.dumps(stamp | document, ensure_ascii=False))
        return
    head = f"[ERROR] {document['errorType']}: {document['errorMessage']}"
    trace = "".join(document["stackTrace"])
    channel.log(f"{head}\rTraceback (most recent call last):\r{trace}".replace("\n", "\r"))


def _fault(kind: str, message: str) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": []}


def _load(name: str) -> Any:
    """The handler function, or the error document of what AWS calls the failure to load it."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        return _fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values")
    try:
        found = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        return _fault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        )
    except SyntaxError as error:
        return _fault(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}"
        )
    except BaseException as error:
        return _error_document(error, _frames(error))
    handler = getattr(found, function_name, None)
    if handler is None:
        return _fault(
            "Runtime.HandlerNotFound",
            f"Handler '{function_name}' missing on module '{module_name}'",
        )
    return handler


def _context(header: dict[str, Any]) -> SimpleNamespace:
    deadline_ms = header["deadline_ms"]
    return SimpleNamespace(
        aws_request_id=header["request_id"],
        invoked_function_arn=header["arn"],
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        function_version=os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        memory_limit_in_mb=os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        log_group_name=os.environ["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        identity=None,
        client_context=None,
        get_remaining_time_in_millis=lambda: max(0, int(deadline_ms - time.time() * 1000)),
    )


def main() -> None:
    """Serve invocations until the emulator closes the socket."""
    global request_id
    channel = Channel(int(sys.argv[1]))
    sys.argv = [sys.argv[0]]
    sys.stdout = sys.stderr = Lines(channel)
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    as_json = os.environ["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    root = logging.getLogger()
    handler = ToChannel(channel)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    if level:
        root.setLevel(_LEVELS.get(level, level))

    function = _load(os.environ["_HANDLER"])
    if isinstance(function, dict):
        _log_error(channel, function, as_json)
        channel.send(b"Z", json.dumps(function).encode())
        return
    channel.send(b"Y")
    while True:
        try:
            header = json.loads(channel.receive()[1])
            event = channel.receive()[1]
        except EOFError:
            return
        request_id = header["request_id"]
        try:
            result = function(json.loads(event), _context(header))
            answer = json.dumps(result, ensure_ascii=False).encode()
        except Exception as error:
            document = _error_document(error, _frames(error))
            if isinstance(error, TypeError) and "JSON serializable" in str(error):
                document["errorType"] = "Runtime.MarshalError"
            _log_error(channel, document, as_json)
            sys.stdout.flush()
            channel.send(b"X", json.dumps(document, ensure_ascii=False).encode())
        else:
            sys.stdout.flush()
            channel.send(b"R", answer)


if __name__ == "__main__":
    main()
