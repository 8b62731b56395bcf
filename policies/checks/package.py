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
import stat
import struct
import zipfile
import zlib

from policies.model.stack import Given, Resource, Stack, UnresolvedError
from policies.model.wiring import function_name
from policies.offer import offer
from policies.policy import Policy, Problem, require_absent, shown

MAXIMUM_BYTES = 5_000_000
# What reading a zip, or parsing a source, raises when it is not what it should be.
UNUSABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError),
    *(SyntaxError, RuntimeError, MemoryError),
)
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
SOURCES = Path(__file__).resolve().parents[2] / "lambdas"


class Package(Policy):
    """The hash stands in the document, so a zip that was changed afterwards does not fit it."""

    id = "CKV_PRICE_41"
    name = "Each package fits its hash and holds exactly the Python sources its handler imports"
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
    sources: dict[str, bytes] = {}
    if content[:4] not in (b"PK\3\4", b"PK\5\6"):
        faults.append("something stands before the zip")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAXIMUM_BYTES:
                return (f"the zip unpacks to more than {MAXIMUM_BYTES} bytes",)
            faults.extend(_laid_out(content, archive))
            for entry in entries:
                parts = entry.filename.split("/")
                if not entry.filename.endswith(".py") or parts[0] != "lambdas" or ".." in parts:
                    faults.append(f"the zip holds {entry.filename}, no Python source of lambdas/")
                else:
                    source = archive.read(entry)
                    ast.parse(source)
                    sources[entry.filename] = source
                    faults.extend(_compared(entry.filename, source))
                mode = entry.external_attr >> 16
                if not stat.S_ISREG(mode) or mode & 0o444 != 0o444:
                    faults.append(f"{entry.filename} is no file that Lambda's user can read")
    except UNUSABLE as error:
        return (f"the zip cannot be used: {error}",)
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        faults.append("the zip holds a name twice")
    needed = _needed(f"lambdas.{module}.handler", sources)
    faults.extend(f"the zip lacks {name}" for name in sorted(needed - set(names)))
    faults.extend(
        f"the zip holds {name}, which the handler never imports"
        for name in sorted(set(sources) - needed)
    )
    return tuple(faults)


def _laid_out(content: bytes, archive: zipfile.ZipFile) -> Iterator[str]:
    """What of the zip belongs to no entry, or is said of one in two ways.

    A program that unpacks by the entries' own headers would find other files than one that reads
    the directory at the end, as the gate does.
    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section 4.3)
    """
    at = directory = 0
    for entry in sorted(archive.infolist(), key=lambda e: e.header_offset):
        name = entry.orig_filename.encode()
        if entry.extra or entry.comment or entry.compress_type not in PACKED:
            yield f"{entry.filename} has a field or a packing that no entry needs"
        wanted = (
            *(b"PK\3\4", entry.flag_bits, entry.compress_type, entry.CRC),
            *(entry.compress_size, entry.file_size, len(name), 0, name),
        )
        header = struct.unpack_from("<4s2x2H4x3L2H", content, at)
        found = (*header, content[at + 30 : at + 30 + len(name)])
        if entry.header_offset != at or found != wanted:
            yield f"{entry.filename} does not begin where, or as, the zip's directory says"
            return
        at += 30 + len(name) + entry.compress_size
        directory += 46 + len(name)
    if at != archive.start_dir or len(content) != at + directory + 22:
        yield "the zip holds something that belongs to no entry"


def _needed(handler: str, sources: dict[str, bytes]) -> set[str]:
    """The files that importing the handler loads, as the sources in the zip say."""
    needed: set[str] = set()
    waiting = [handler]
    while waiting:
        name = waiting.pop()
        parent = name.rpartition(".")[0]
        if parent:
            waiting.append(parent)
        file = _file_of(name, sources)
        # What is in neither zip nor project is a name that its package defines.
        if file is None and name != handler:
            continue
        file = file or f"{name.replace('.', '/')}.py"
        if file not in needed:
            needed.add(file)
            waiting.extend(_imports(sources.get(file, b""), name, file))
    return needed


def _file_of(name: str, sources: dict[str, bytes]) -> str | None:
    stem = name.replace(".", "/")
    for file in (f"{stem}/__init__.py", f"{stem}.py"):
        if file in sources or (SOURCES.parent / file).is_file():
            return file
    return None


def _imports(source: bytes, name: str, file: str) -> Iterator[str]:
    """Every module of ``lambdas`` that a source may import when it runs."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        waiting.extend(ast.iter_child_nodes(node))
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            steps = name.split(".") if node.level else []
            above = len(steps) - node.level + file.endswith("/__init__.py")
            base = ".".join([*steps[:above], *([node.module] if node.module else [])])
            modules = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (m for m in modules if m.split(".")[0] == "lambdas")


offer(Package, __name__)
