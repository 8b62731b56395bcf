"""Start the embedded AWS: `python -m local.emulator --port P --state DIR [--time-scale X]`."""

import argparse
import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

from local.emulator import ACCOUNT_ID, MINISTACK_VERSION, REGION, ROOT_SECRET_ACCESS_KEY, clock

_MODULES = (
    "alarms",
    "functions",
    "gateway",
    "invocations",
    "keys",
    "logs",
    "permissions",
    "streams",
    "tables",
    "topics",
    "server",
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (%(default)s)")
    parser.add_argument("--state", type=Path, required=True, help="folder of log and scratch files")
    parser.add_argument(
        "--time-scale",
        type=float,
        default=1.0,
        help="AWS waits pass this much faster (%(default)s)",
    )
    return parser.parse_args()


def _check_address(host: str, port: int) -> str | None:
    """Why the address cannot be served; None when it can."""
    if host not in ("127.0.0.1", "localhost"):
        return f"--host is {host}: expected a loopback address, the emulator is not for a network"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"port {port} of {host} cannot be used ({error.strerror}): choose another --port"
    return None


def _prepare(host: str, port: int, state: Path) -> None:
    """Set what MiniStack reads from the environment when it is imported."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MINISTACK_", "LAMBDA_", "LOCALSTACK_")):
            del os.environ[name]
    scratch = state / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        AUTH="true",
        GATEWAY_PORT=str(port),
        BIND_HOST=host,
        MINISTACK_HOST=host,
        MINISTACK_REGION=REGION,
        MINISTACK_ACCOUNT_ID=ACCOUNT_ID,
        MINISTACK_VERSION=MINISTACK_VERSION,
        AWS_ACCESS_KEY_ID=ACCOUNT_ID,
        AWS_SECRET_ACCESS_KEY=ROOT_SECRET_ACCESS_KEY,
        LOG_LEVEL="INFO",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        PERSIST_STATE="0",
        TMPDIR=str(scratch.resolve()),
        NO_PROXY="127.0.0.1,localhost",
    )
    logging.basicConfig(
        filename=state / "emulator.log",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s [%(name)s] %(message)s",
    )


def main() -> int:
    """Check, wrap, serve; returns the exit code."""
    arguments = _arguments()
    problem = _check_address(arguments.host, arguments.port)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    try:
        clock.set_scale(arguments.time_scale)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    arguments.state.mkdir(parents=True, exist_ok=True)
    _prepare(arguments.host, arguments.port, arguments.state)

    import importlib

    from local.emulator import environments, upstream

    for name in _MODULES:
        importlib.import_module(f"local.emulator.{name}")
    try:
        upstream.check()
    except upstream.UnfitMiniStack as error:
        print(error, file=sys.stderr)
        return 3
    upstream.install()
    # MiniStack would write every published message into the log file.
    logging.getLogger("sns").setLevel(logging.WARNING)
    environments.endpoint = f"http://{arguments.host}:{arguments.port}"
    environments.scratch = (arguments.state / "scratch").resolve()

    from local.emulator.server import serve

    asyncio.run(serve(arguments.host, arguments.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
