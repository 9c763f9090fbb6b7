"""The pages are true to the code: generated sections, links, the tests that they name, the two commands."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
COMMANDS = [
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/ordertrail demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest",
]

spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)

IN_CHECKOUT = (ROOT / "LICENSE").exists()  # beside the built wheel, not every file that is linked to
every_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


def anchors(page):
    """What a link may name after `#`: headings as GitHub spells them, and explicit ids."""
    text = page.read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    spelled = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return spelled | set(re.findall(r'<a id="([^"]+)">', text))


@every_page
def test_generated_sections_are_up_to_date(page):
    text = page.read_text("utf-8")
    assert text == generate.generated(text), "run: python docs/generate.py"


def test_every_generated_section_is_on_a_page():
    shown = {name for page in PAGES for _, name, _ in generate.SECTION.findall(page.read_text("utf-8"))}
    assert shown == set(generate.SECTIONS)


@every_page
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists() or not IN_CHECKOUT, link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_every_test_that_a_page_names_exists(page):
    for file, name in TEST.findall(page.read_text("utf-8")):
        assert re.search(rf"^(def {name}\(|{name} = )", (ROOT / file).read_text("utf-8"), re.MULTILINE), (
            f"{file}::{name}"
        )


def test_every_guarantee_names_a_test():
    text = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| guarantee", "| ---"))
    ]
    assert rows
    assert [row for row in rows if not TEST.search(row)] == []


def test_the_readme_has_the_two_commands():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("python3 -m venv")] == COMMANDS


def test_a_read_model_of_ones_own_fits_in_forty_lines():
    page = (ROOT / "docs" / "how-to" / "read-models.md").read_text("utf-8")
    example = re.search(r"<!-- file: refusals\.py -->\n```python\n(.*?)```", page, re.DOTALL)
    assert example
    assert len(example[1].splitlines()) <= 40
