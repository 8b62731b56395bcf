"""Zips: the import closure of a handler, and the same bytes every time."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.machinery
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.packaging import PackagingError, closure, package
from tests.stack.synthesis import ROOT, Synthesized

HANDLERS = ("webhook_processor", "price_enricher", "error_notifier")
HANDLER = "lambdas.fn.handler"


def tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write a `lambdas` package: module path below it -> source."""
    for name, source in {"__init__.py": "", "fn/__init__.py": "", **files}.items():
        file = root / "lambdas" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    return root


def test_the_closure_follows_every_form_of_import(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "fn/handler.py": (
                "import json, lambdas.a\n"
                "from lambdas import b\n"
                "from lambdas.c import thing\n"
                "from . import beside\n"
                "from ..d import deeper as renamed\n"
                "def handle(event, context):\n    import lambdas.late\n"
            ),
            "fn/beside.py": "",
            "a.py": "import botocore.session",
            "b.py": "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    import lambdas.types_only\n",
            "c/__init__.py": "from lambdas.c.inner import thing",
            "c/inner.py": "thing = 1",
            "c/unused.py": "",
            "d/__init__.py": "",
            "d/deeper.py": "import lambdas.fn.handler",
            "late.py": "",
            "types_only.py": "",
            "unused.py": "",
        },
    )
    assert sorted(closure(root, HANDLER)) == [
        "lambdas",
        "lambdas.a",
        "lambdas.b",
        "lambdas.c",
        "lambdas.c.inner",
        "lambdas.d",
        "lambdas.d.deeper",
        "lambdas.fn",
        "lambdas.fn.beside",
        "lambdas.fn.handler",
        "lambdas.late",
    ]


@given(edges=st.lists(st.sets(st.integers(0, 7)), min_size=8, max_size=8))
def test_the_closure_is_what_can_be_reached(
    tmp_path_factory: pytest.TempPathFactory, edges: list[set[int]]
) -> None:
    sources = {
        f"m{at}.py": "".join(f"import lambdas.m{to}\n" for to in sorted(targets))
        for at, targets in enumerate(edges)
    }
    root = tree(
        tmp_path_factory.mktemp("tree"), {"fn/handler.py": "import lambdas.m0\n", **sources}
    )
    reached, waiting = set(), {0}
    while waiting:
        at = waiting.pop()
        reached.add(at)
        waiting |= edges[at] - reached
    expected = {"lambdas", "lambdas.fn", HANDLER} | {f"lambdas.m{at}" for at in reached}
    assert set(closure(root, HANDLER)) == expected


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import numpy", r"handler\.py:1 imports numpy"),
        ("x = 1\nfrom requests import get", r"handler\.py:2 imports requests"),
        ("import telnetlib", "telnetlib"),
        ("import lambdas.missing", r"handler\.py:1 needs the module lambdas\.missing"),
        ("from lambdas.missing import x", r"lambdas\.missing"),
        ("import stack.settings", r"imports stack\.settings"),
        ("from .... import x", "leading dots"),
        ("import importlib\nimportlib.import_module('json')", "computed name"),
        ("__import__('json')", "computed name"),
        ("def handle(:", "not valid Python"),
    ],
)
def test_an_import_that_would_fail_in_aws_is_refused(
    tmp_path: Path, source: str, complaint: str
) -> None:
    root = tree(tmp_path, {"fn/handler.py": source})
    with pytest.raises(PackagingError, match=complaint):
        package(root, "fn")


def test_a_missing_handler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match=r"lambdas/fn/handler\.py"):
        package(tree(tmp_path, {}), "fn")


def test_a_zip_does_not_depend_on_place_time_mode_or_order(tmp_path: Path) -> None:
    sources = {"fn/handler.py": "import lambdas.a, lambdas.b", "a.py": "A = 1", "b.py": "B = 2"}
    one = tree(tmp_path / "one", sources)
    other = tree(tmp_path / "other place", dict(reversed(sources.items())))
    for file in other.rglob("*.py"):
        file.chmod(0o755)
        os.utime(file, (1, 1))
    assert package(one, "fn") == package(other, "fn")


def test_a_zip_is_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    lines = "".join(f"price_{at} = {at * at}  # of tick {at % 7}\n" for at in range(200))
    made = package(tree(tmp_path, {"fn/handler.py": lines}), "fn")
    assert len(made.archive) < len(lines) / 2
    # Written down once: another compressor, or another release of it, would change it.
    assert made.source_code_hash == "/A2oIT0JYTkz0idjYQdCNCMo7NvZr9dBQE6QWUG0xnQ="


@given(content=st.binary(max_size=50).filter(lambda text: b"#" not in text))
def test_a_zip_holds_the_sources_and_its_hash_is_of_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    root = tree(tmp_path_factory.mktemp("tree"), {"fn/handler.py": ""})
    source = f"# {content!r}\n".encode()
    (root / "lambdas/fn/handler.py").write_bytes(source)
    made = package(root, "fn")
    with zipfile.ZipFile(BytesIO(made.archive)) as archive:
        assert archive.testzip() is None
        assert archive.read("lambdas/fn/handler.py") == source
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    assert base64.b64decode(made.source_code_hash) == hashlib.sha256(made.archive).digest()


@pytest.mark.parametrize("id_", HANDLERS)
def test_the_zip_in_the_stack_folder_is_the_one_that_is_declared(
    synthesized: Synthesized, id_: str
) -> None:
    function = synthesized.one("aws_lambda_function", f"{id_}_function")
    archive = (synthesized.folder / function["filename"]).read_bytes()
    assert function["source_code_hash"] == base64.b64encode(
        hashlib.sha256(archive).digest()
    ).decode("ascii")


@pytest.mark.parametrize("id_", HANDLERS)
def test_a_zip_alone_can_be_imported(synthesized: Synthesized, id_: str) -> None:
    function = synthesized.one("aws_lambda_function", f"{id_}_function")
    module, _, name = function["handler"].rpartition(".")
    archive = synthesized.folder / function["filename"]
    # -I: neither this repository nor the current folder is on the path.
    program = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        f"import importlib; module = importlib.import_module({module!r})\n"
        f"assert callable(module.{name}) and {str(archive)!r} in module.__file__"
    )
    subprocess.run([sys.executable, "-I", "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("id_", HANDLERS)
def test_a_zip_is_code_and_only_what_its_function_needs(synthesized: Synthesized, id_: str) -> None:
    function = synthesized.one("aws_lambda_function", f"{id_}_function")
    with zipfile.ZipFile(synthesized.folder / function["filename"]) as archive:
        listed = archive.namelist()
    assert listed == sorted(listed)
    assert all(name.startswith("lambdas/") and name.endswith(".py") for name in listed)
    strangers = [other for other in HANDLERS if other != id_]
    assert not [name for name in listed for other in strangers if f"/{other}/" in name]


COMPILED_SUFFIXES = (
    *importlib.machinery.EXTENSION_SUFFIXES,
    *importlib.machinery.BYTECODE_SUFFIXES,
    *(".so", ".pyd", ".dll", ".dylib", ".o", ".a", ".whl"),
)


def compiled(archive: zipfile.ZipFile) -> list[str]:
    """Entries that are not Python source: by their name, or by their bytes whatever their name."""
    found = []
    for name in archive.namelist():
        content = archive.read(name)
        try:
            ast.parse(content.decode("utf-8"), name)
        except (UnicodeDecodeError, SyntaxError, ValueError):
            found.append(name)
        else:
            if not name.endswith(".py") or name.endswith(COMPILED_SUFFIXES):
                found.append(name)
    return found


@pytest.mark.parametrize("id_", HANDLERS)
def test_an_arm64_function_carries_no_compiled_code(synthesized: Synthesized, id_: str) -> None:
    """What was compiled on one processor does not start on another; sources run on any.

    https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html
    """
    function = synthesized.one("aws_lambda_function", f"{id_}_function")
    assert function["architectures"] == ["arm64"]
    assert "layers" not in function
    with zipfile.ZipFile(synthesized.folder / function["filename"]) as archive:
        assert archive.namelist()
        assert compiled(archive) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("fast.cpython-312-x86_64-linux-gnu.so", b"\x7fELF\x02\x01\x01"),
        ("fast.py", b"\x7fELF\x02\x01\x01"),
        ("__pycache__/fast.cpython-312.pyc", b"\xcb\r\r\n\0\0\0\0"),
        ("data.json", b"{}"),
    ],
)
def test_compiled_code_in_a_zip_would_be_seen(name: str, content: bytes) -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("lambdas/fn/handler.py", "def handle(event, context): ...")
        archive.writestr(f"lambdas/fn/{name}", content)
    with zipfile.ZipFile(made) as archive:
        assert compiled(archive) == [f"lambdas/fn/{name}"]


def test_a_compiled_module_is_neither_packed_nor_imported(tmp_path: Path) -> None:
    root = tree(tmp_path, {"fn/handler.py": "import json"})
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (root / f"lambdas/fn/fast{suffix}").write_bytes(b"\x7fELF")
    with zipfile.ZipFile(BytesIO(package(root, "fn").archive)) as archive:
        assert compiled(archive) == []
    (root / "lambdas/fn/handler.py").write_text("import lambdas.fn.fast")
    with pytest.raises(PackagingError, match=r"needs the module lambdas\.fn\.fast"):
        package(root, "fn")


def test_a_venues_parser_is_part_of_one_function_only(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "lambdas", tmp_path / "lambdas", ignore=shutil.ignore_patterns("__pycache__")
    )

    def hashes() -> dict[str, str]:
        return {id_: package(tmp_path, id_).source_code_hash for id_ in HANDLERS}

    before = hashes()
    with (tmp_path / "lambdas/exchanges/binance.py").open("a") as parser:
        parser.write("# changed\n")
    changed = {id_ for id_, after in hashes().items() if after != before[id_]}
    assert changed == {"webhook_processor"}
