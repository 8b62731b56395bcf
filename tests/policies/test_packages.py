"""The zip handed over is the one that was built."""

from __future__ import annotations

import base64
import copy
import hashlib
import io
import json
import os
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from policies.gate import judge
from policies.policy import Verdict
from tests.policies.documents import Document, Pipeline, named, refused, told


@pytest.fixture
def stack(pipeline: Pipeline, tmp_path: Path) -> tuple[Path, Document]:
    """A stack folder that may be changed, and its document."""
    shutil.copytree(pipeline.folder / "assets", tmp_path / "assets")
    document = copy.deepcopy(pipeline.document)
    (tmp_path / "cdk.tf.json").write_text(json.dumps(document))
    return tmp_path, document


def repacked(folder: Path, document: Document, change: Callable[[zipfile.ZipFile], object]) -> None:
    """Change the notifier's zip and put the new hash into the document."""
    function = named(document, "aws_lambda_function", "error-notifier")
    path = folder / function["filename"]
    buffer = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(buffer, "a") as archive:
        change(archive)
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).digest()
    function["source_code_hash"] = base64.b64encode(digest).decode()
    (folder / "cdk.tf.json").write_text(json.dumps(document))


CHANGES: dict[str, Callable[[zipfile.ZipFile], object]] = {
    "compiled code": lambda z: z.writestr("lambdas/fast.so", b"\x7fELF"),
    "bytecode": lambda z: z.writestr("lambdas/__pycache__/x.pyc", b"x"),
    "a module that is not the project's": lambda z: z.writestr("lambdas/rogue.py", "x = 1\n"),
    "a module beside lambdas": lambda z: z.writestr("boto3.py", "x = 1\n"),
    "a way out": lambda z: z.writestr("lambdas/../../x.py", "x = 1\n"),
    "no Python": lambda z: z.writestr("lambdas/x.py", "def:\n"),
}


def rebuilt(
    folder: Path,
    document: Document,
    change: Callable[[dict[str, bytes]], object],
    mode: int = stat.S_IFREG | 0o644,
    before: bytes = b"",
) -> None:
    """Build the notifier's zip from changed entries, and put the new hash into the document."""
    function = named(document, "aws_lambda_function", "error-notifier")
    path = folder / function["filename"]
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    change(entries)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    content = before + buffer.getvalue()
    path.write_bytes(content)
    function["source_code_hash"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
    (folder / "cdk.tf.json").write_text(json.dumps(document))


def keep_the_handler(entries: dict[str, bytes]) -> None:
    for name in [n for n in entries if not n.endswith("error_notifier/handler.py")]:
        del entries[name]


def add_a_module_of_another_function(entries: dict[str, bytes]) -> None:
    name = "lambdas/price_enricher/handler.py"
    entries[name] = (Path(__file__).resolve().parents[2] / name).read_bytes()


ENTRIES: dict[str, Callable[[dict[str, bytes]], object]] = {
    "nothing": lambda e: e.clear(),
    "the handler alone": keep_the_handler,
    "no __init__.py": lambda e: e.pop("lambdas/__init__.py"),
    "a module that is imported is missing": lambda e: e.pop("lambdas/adapters/notices.py"),
    "a module that is not imported": add_a_module_of_another_function,
}


@pytest.mark.parametrize("what", ENTRIES)
def test_a_zip_holds_what_its_handler_imports(what: str, stack: tuple[Path, Document]) -> None:
    folder, document = stack
    rebuilt(folder, document, ENTRIES[what])
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41", "aws_lambda_function.error_notifier_function")


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFREG | 0o600, stat.S_IFREG])
def test_entries_are_files_that_lambda_can_read(mode: int, stack: tuple[Path, Document]) -> None:
    folder, document = stack
    rebuilt(folder, document, dict, mode)
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41", "aws_lambda_function.error_notifier_function")


def test_nothing_stands_before_a_zip(stack: tuple[Path, Document]) -> None:
    folder, document = stack
    rebuilt(folder, document, dict, before=b"#!/bin/sh\n")
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41", "aws_lambda_function.error_notifier_function")


def test_a_zip_that_was_only_packed_anew_passes(stack: tuple[Path, Document]) -> None:
    folder, document = stack
    rebuilt(folder, document, dict)
    (judgement,) = judge([folder])
    assert judgement.verdict is Verdict.PASSED, told(judgement)


def test_assets_hold_the_packages_alone(stack: tuple[Path, Document]) -> None:
    folder, _ = stack
    (folder / "assets" / "spare.zip").write_bytes(b"")
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_24", "file.assets/spare.zip")


@pytest.mark.parametrize("name", ["assets/error_notifier.zip", "assets", "cdk.tf.json"])
def test_no_part_of_the_stack_is_a_link(
    name: str, stack: tuple[Path, Document], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, _ = stack
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "target"
    shutil.move(folder / name, elsewhere)
    (folder / name).symlink_to(elsewhere)
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_24", f"file.{name}"), told(judgement)


def hidden_before(content: bytes) -> bytes:
    """Put an entry in front that only a program without use for the directory finds."""
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 4, 4, 5, 0) + b"x.pysudo"
    return moved(local + content, len(local))


def hidden_between(content: bytes) -> bytes:
    """Put bytes between the entries and the directory."""
    at = directory_of(content)
    end = content[:-6] + struct.pack("<L", at + 4) + content[-2:]
    return end[:at] + b"\0\0\0\0" + end[at:]


def directory_of(content: bytes) -> int:
    return int(struct.unpack("<L", content[-6:-2])[0])


def moved(content: bytes, by: int) -> bytes:
    """Let the directory say that every entry begins so much later."""
    at = directory_of(content) + by
    body = bytearray(content)
    struct.pack_into("<L", body, len(body) - 6, at)
    while body[at : at + 4] == b"PK\1\2":
        (offset,) = struct.unpack_from("<L", body, at + 42)
        struct.pack_into("<L", body, at + 42, offset + by)
        at += 46 + sum(struct.unpack_from("<3H", body, at + 28))
    return bytes(body)


def renamed_in_front(content: bytes) -> bytes:
    """Call the first entry otherwise in its own header."""
    return content.replace(b"lambdas/__init__.py", b"lambdas/__evil__.py", 1)


def otherwise_in_front(content: bytes) -> bytes:
    """Give the first entry another size in its own header."""
    return content[:22] + struct.pack("<L", 7) + content[26:]


def commented(content: bytes) -> bytes:
    return content[:-2] + struct.pack("<H", 4) + b"sudo"


TRICKS = [
    hidden_before, hidden_between, renamed_in_front, otherwise_in_front, commented,
    lambda c: c + b"\0", lambda c: c + c, lambda c: c[:-1], lambda c: c[:60],
    lambda c: c[: directory_of(c)], lambda c: b"PK\5\6" + b"\0" * 18,
    lambda c: c[:50] + b"\xff" * 20 + c[70:],
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_a_zip_is_one_to_every_reader(
    trick: Callable[[bytes], bytes], stack: tuple[Path, Document]
) -> None:
    """GIVEN a zip that another program unpacks otherwise THEN its hash does not make it right."""
    folder, document = stack
    function = named(document, "aws_lambda_function", "error-notifier")
    path = folder / function["filename"]
    content = trick(path.read_bytes())
    path.write_bytes(content)
    function["source_code_hash"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
    (folder / "cdk.tf.json").write_text(json.dumps(document))
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41", "aws_lambda_function.error_notifier_function")
    assert "crashed" not in told(judgement)


def test_fields_of_an_entry_name_no_other_file(stack: tuple[Path, Document]) -> None:
    """GIVEN Info-ZIP's Unicode path THEN a program that heeds it would write another file."""
    folder, document = stack

    def add_field(archive: zipfile.ZipFile) -> None:
        entry = archive.infolist()[0]
        entry.extra = struct.pack("<2HBL", 0x7075, 9, 1, 0) + b"x.py"
        archive._didModify = True  # type: ignore[attr-defined]

    repacked(folder, document, add_field)
    assert refused(judge([folder])[0], "CKV_PRICE_41")


@pytest.mark.parametrize(
    "source",
    [b"(" * 5000 + b")" * 5000, b"-" * 200_000 + b"1", b"\0", b"\xff"],
    ids=["brackets", "signs", "nothing", "no text"],
)
def test_a_source_that_breaks_the_parser_is_refused(
    source: bytes, stack: tuple[Path, Document]
) -> None:
    folder, document = stack
    rebuilt(folder, document, lambda e: e.update({"lambdas/error_notifier/handler.py": source}))
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41"), told(judgement)
    assert "crashed" not in told(judgement)


@pytest.mark.parametrize("what", CHANGES)
def test_what_does_not_belong_into_a_zip_is_refused(
    what: str, stack: tuple[Path, Document]
) -> None:
    folder, document = stack
    repacked(folder, document, CHANGES[what])
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41", "aws_lambda_function.error_notifier_function")


def test_a_zip_changed_after_synthesis_is_refused(stack: tuple[Path, Document]) -> None:
    folder, document = stack
    path = folder / named(document, "aws_lambda_function", "price-enricher")["filename"]
    path.write_bytes(path.read_bytes() + b"x")
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41", "aws_lambda_function.price_enricher_function")


def test_a_source_changed_after_synthesis_is_noticed(stack: tuple[Path, Document]) -> None:
    folder, document = stack

    def change(archive: zipfile.ZipFile) -> None:
        name = next(n for n in archive.namelist() if n.endswith("handler.py"))
        archive.writestr(name, archive.read(name) + b"\n# more\n")

    with pytest.warns(UserWarning, match="Duplicate name"):
        repacked(folder, document, change)
    (judgement,) = judge([folder])
    assert refused(judgement, "CKV_PRICE_41"), told(judgement)


@pytest.mark.parametrize("damage", [os.unlink, lambda p: Path(p).write_bytes(b"")])
def test_a_zip_that_is_not_there_is_no_pass(
    damage: Callable[[Path], object], stack: tuple[Path, Document]
) -> None:
    folder, document = stack
    damage(folder / named(document, "aws_lambda_function", "webhook-processor")["filename"])
    for path in (folder, folder / "cdk.tf.json"):
        assert judge([path])[0].verdict is not Verdict.PASSED
