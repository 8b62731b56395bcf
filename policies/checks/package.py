"""The zip handed over is the one that was built, and holds the project's Python alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import ast
import base64
import hashlib
import io
import zipfile

from policies.model.stack import Given, Resource, Stack, UnresolvedError
from policies.model.wiring import function_name
from policies.offer import offer
from policies.policy import Policy, Problem, require_absent, shown

MAXIMUM_BYTES = 5_000_000
SOURCES = Path(__file__).resolve().parents[2] / "lambdas"


class Package(Policy):
    """The hash stands in the document, so a zip that was changed afterwards does not fit it."""

    id = "CKV_PRICE_41"
    name = "Each package is beside the document, fits its hash, and holds only Python sources"
    severity = "CRITICAL"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/python-package.html"
    fix = "Synthesize again; keep filename in assets/ and source_code_hash the zip's own."
    applies_to = ("aws_lambda_function",)
    guards = ("filename", "source_code_hash", "handler")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Open the zip and look at what is in it."""
        body = resource.body
        for name in ("s3_bucket", "s3_key", "source_kms_key_arn", "code_sha256"):
            yield from require_absent(body, name, "the code is a file beside the document")
        filename, digest = body.literal("filename"), body.literal("source_code_hash")
        module = (function_name(resource) or "").replace("-", "_")
        handler = f"lambdas.{module}.handler.handle"
        if body.literal("handler") != handler:
            yield Problem(f"handler is {shown(body.literal('handler'))}", expected=handler)
        if not isinstance(filename, str) or not isinstance(digest, str):
            yield Problem(f"filename is {shown(filename)}, source_code_hash {shown(digest)}")
            return
        parts = filename.split("/")
        if parts[0] != "assets" or ".." in parts or not filename.endswith(".zip"):
            yield Problem(f"filename is {filename}", filename, "assets/….zip")
            return
        try:
            decoded = base64.b64decode(digest, validate=True)
        except ValueError:
            decoded = b""
        if len(decoded) != hashlib.sha256().digest_size:
            yield Problem(f"source_code_hash is {shown(digest)}", digest, "base64 of a SHA-256")
        if stack.given in (Given.BARE, Given.ALONE):
            return  # the same document in its folder is judged with its packages
        path = stack.folder / filename
        if not path.is_file():
            raise UnresolvedError(f"{filename} is not beside the document: synthesize again")
        if path.stat().st_size > MAXIMUM_BYTES:
            raise UnresolvedError(f"{filename} is larger than {MAXIMUM_BYTES} bytes")
        content = path.read_bytes()
        found = base64.b64encode(hashlib.sha256(content).digest()).decode()
        if found != digest:
            yield Problem(f"{filename} has the hash {found}, not {digest}", found, digest)
        for message in _look_into(content, module):
            yield Problem(message)


def _compared(name: str, source: bytes) -> Iterator[str]:
    """Compare a packaged module with the project's own."""
    if not SOURCES.is_dir():
        return
    own = SOURCES.parent / name
    if not own.is_file() or own.read_bytes() != source:
        yield f"the zip's {name} is not the project's: synthesize again"


@lru_cache(maxsize=32)
def _look_into(content: bytes, module: str) -> tuple[str, ...]:
    """What is wrong with the zip's entries; cached, since many documents share their zips."""
    faults = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            for entry in entries:
                parts = entry.filename.split("/")
                if not entry.filename.endswith(".py") or parts[0] != "lambdas" or ".." in parts:
                    faults.append(f"the zip holds {entry.filename}, no Python source of lambdas/")
                elif entry.file_size > MAXIMUM_BYTES:
                    faults.append(f"{entry.filename} is larger than {MAXIMUM_BYTES} bytes")
                else:
                    source = archive.read(entry)
                    ast.parse(source)
                    faults.extend(_compared(entry.filename, source))
    except (zipfile.BadZipFile, SyntaxError, OSError, ValueError, RuntimeError) as error:
        return (f"the zip cannot be used: {error}",)
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        faults.append("the zip holds a name twice")
    if f"lambdas/{module}/handler.py" not in names:
        faults.append(f"the zip lacks lambdas/{module}/handler.py")
    return tuple(faults)


offer(Package, __name__)
