"""A function's code as a zip: the modules its handler needs, and the same bytes every time.

The modules are the import closure of the handler, read from the source without running it. So a
change of one venue's parser changes the hash of the one function that reads venues, and a function
cannot be deployed with an import that would fail in AWS.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import deflate

PACKAGE = "lambdas"

ASSETS = "assets"
"""The zips' folder, below the stack folder."""

PROVIDED_BY_RUNTIME = frozenset({"boto3", "botocore"})
"""What Lambda's Python runtimes bring beside the standard library.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
"""

# In the standard library of the Python that packages, perhaps, but not in that of python3.13.
# https://docs.python.org/3/whatsnew/3.12.html#removed https://peps.python.org/pep-0594/
_REMOVED = frozenset(
    (
        *("aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils"),
        *("imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev"),
        *("pipes", "smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "tkinter", "uu", "xdrlib"),
    )
)

# The earliest day a zip entry can bear, midnight; the real time would change with every checkout.
_TIME, _DATE = 0, 1 << 5 | 1

_LEVEL = 12  # libdeflate's best; a whole zip takes it some 50 ms
_DEFLATED, _UTF8_NAME, _VERSION, _UNIX, _MODE = 8, 1 << 11, 20, 3, 0o100644


class PackagingError(ValueError):
    """A handler's code cannot be packaged; the message names file, line and the remedy."""


@dataclass(frozen=True, slots=True)
class Code:
    """A function's code: the module of its handler, the zip, and where in the stack folder it lies.

    `modules` are the dotted names of all modules in the zip, sorted.
    """

    module: str
    archive: bytes
    modules: tuple[str, ...]
    path: str

    @property
    def source_code_hash(self) -> str:
        """The base64 SHA-256 of the zip, as Lambda's CodeSha256 and Terraform have it."""
        return base64.b64encode(hashlib.sha256(self.archive).digest()).decode("ascii")

    def write(self, stack_folder: Path) -> None:
        """Put the zip where Terraform will look for it."""
        file = stack_folder / self.path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(self.archive)


def package(root: Path, function: str) -> Code:
    """Package the function whose handler is the module `lambdas.{function}.handler`.

    `root` is the folder that holds the `lambdas` package. The zip's entries keep their path below
    `root`, sorted, and bear one fixed time and mode. Raises `PackagingError` when an import is
    neither a module of `lambdas`, nor of the standard library, nor of the runtime.
    """
    module = f"{PACKAGE}.{function}.handler"
    files = closure(root, module)
    archive = _zipped({f.relative_to(root).as_posix(): f.read_bytes() for f in files.values()})
    return Code(module, archive, tuple(sorted(files)), f"{ASSETS}/{function}.zip")


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    """Write a zip of files, name -> content: the same bytes on every machine.

    Python's zipfile compresses with whatever zlib the machine has, and these differ in what they
    write, so that each other machine would deploy every function anew. The pinned `deflate` brings
    its own libdeflate; zipfile cannot be given what is compressed already.
    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (sections 4.3 and 4.4)
    """
    entries, directory = bytearray(), bytearray()
    for name, content in sorted(contents.items()):
        packed, path = bytes(deflate.deflate_compress(content, _LEVEL)), name.encode()
        common = struct.pack(
            "<5H3L2H",
            *(_VERSION, _UTF8_NAME, _DEFLATED, _TIME, _DATE),
            *(zlib.crc32(content), len(packed), len(content)),
            *(len(path), 0),
        )
        made_by, attributes = _UNIX << 8 | _VERSION, _MODE << 16
        directory += b"PK\x01\x02" + struct.pack("<H", made_by) + common
        directory += struct.pack("<3H2L", 0, 0, 0, attributes, len(entries)) + path
        entries += b"PK\x03\x04" + common + path + packed
    count, end = len(contents), (len(directory), len(entries))
    return bytes(
        entries + directory + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, count, count, *end, 0)
    )


def closure(root: Path, module: str) -> dict[str, Path]:
    """Find the modules that importing `module` loads from `root`: dotted name -> file."""
    found: dict[str, Path] = {}
    waiting = [(module, "the stack")]
    while waiting:
        name, where = waiting.pop()
        if name in found:
            continue
        file = _file_of(root, name)
        if file is None:
            raise PackagingError(
                f"{where} needs the module {name}, which does not exist; expected "
                f"{name.replace('.', '/')}.py. Write it, or correct the import."
            )
        found[name] = file
        waiting.extend((parent, where) for parent in _parents(name))
        waiting.extend(_imports(root, name, file))
    return found


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _file_of(root: Path, name: str) -> Path | None:
    stem = root.joinpath(*name.split("."))
    candidates = (stem / "__init__.py", stem.with_name(stem.name + ".py"))
    return next((file for file in candidates if file.is_file()), None)


def _imports(root: Path, name: str, file: Path) -> Iterator[tuple[str, str]]:
    """Yield the modules of `lambdas` that a source file imports, and where; judge the others."""
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        raise PackagingError(
            f"{file}:{error.lineno} is not valid Python: {error.msg}; correct it"
        ) from error
    for node in _run_time_nodes(tree):
        where = f"{file.relative_to(root)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _resolve(alias.name, where)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, name, file, where)
            yield from _resolve(base, where)
            if _is_ours(base):
                # `from package import x` may name a module or something the package defines.
                names = (f"{base}.{alias.name}" for alias in node.names)
                yield from ((each, where) for each in names if _file_of(root, each) is not None)
        elif _is_dynamic_import(node):
            raise PackagingError(
                f"{where} imports by a computed name, so what it needs cannot be told from the "
                "source; write an import statement"
            )


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without the blocks under `if TYPE_CHECKING:`, which never run."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _is_dynamic_import(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in {"__import__", "import_module", "iter_modules", "walk_packages"}


def _absolute(node: ast.ImportFrom, name: str, file: Path, where: str) -> str:
    if node.level == 0:
        return node.module or ""
    package_of = name if file.name == "__init__.py" else name.rpartition(".")[0]
    parts = package_of.split(".")
    if node.level > len(parts):
        raise PackagingError(f"{where} imports from above {PACKAGE}; correct the leading dots")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)


def _is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _resolve(name: str, where: str) -> Iterator[tuple[str, str]]:
    top = name.partition(".")[0]
    if _is_ours(name):
        yield name, where
    elif top in _REMOVED or top not in (sys.stdlib_module_names | PROVIDED_BY_RUNTIME):
        raise PackagingError(
            f"{where} imports {name}, which will not be there in AWS; expected a module of "
            f"{PACKAGE}, of the standard library of python3.13, or of "
            f"{' or '.join(sorted(PROVIDED_BY_RUNTIME))}. Remove the import."
        )
