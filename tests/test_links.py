"""Every link inside the repository leads to a file, and to a heading of it, that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "cdktf.out" for part in page.relative_to(ROOT).parts)
)
DOCS = sorted((ROOT / "docs").glob("*.md"))


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def links(text: str) -> Iterator[str]:
    """Yield the targets of a page's links and images; what stands in code is none."""
    for token in parse(text):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target is not None:
                yield unquote(str(target))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page.

    Letters in lower case, digits, hyphens and underscores are kept and a space becomes a hyphen
    (https://docs.github.com/en/get-started/writing-on-github). A doubled heading gets `-1`, `-2` …
    """
    found: set[str] = set()
    tokens = parse(text)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            words = "".join(
                child.content
                for child in inline.children or ()
                if child.type in ("text", "code_inline")
            )
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            number, anchor = 0, slug
            while anchor in found:
                number += 1
                anchor = f"{slug}-{number}"
            found.add(anchor)
    return found


def broken(page: Path, root: Path = ROOT) -> Iterator[str]:
    """Yield each link of `page` that leads nowhere within `root`, and why."""
    for link in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif not target.is_relative_to(root):
            yield f"{link}: lies outside the repository"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text("utf-8")):
            yield f"{link}: {target.name} has no such heading"


def test_the_pages_are_found() -> None:
    assert ROOT / "README.md" in PAGES
    assert ROOT / "policies/README.md" in PAGES
    assert len(DOCS) >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_into_the_repository_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_readme_leads_to_every_page(page: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"docs/{page.name}" in {link.partition("#")[0] for link in links(readme)}


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`, c\n## Twice\n## Twice\n[x](#a-b-c) [x](#twice-1) [x](page.md#twice)\n"
        "[none](absent.md) [no heading](#thrice) [out](../..) `[code](absent)`\n",
        encoding="utf-8",
    )
    assert [reason.partition(":")[0] for reason in broken(page, tmp_path)] == [
        "absent.md",
        "#thrice",
        "../..",
    ]
