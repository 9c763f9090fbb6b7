"""Runs every snippet of the README and the docs, page by page, in an empty folder.

Libraries for this (sybil, mktestdocs, …) run Python blocks; none runs a shell session with files and elided output,
which is most of these pages. So markdown-it-py finds the blocks, and this runs them:

- `python` blocks, in order, in one namespace; a `text` block right after one is what it prints;
- `console` blocks: lines after `$ ` are run by bash; what follows is their output; `…` stands for anything, runs of
  blanks count as one; a comment `# exit status 2` says how the call ends, else 0;
- any block after `<!-- file: NAME -->` is written there; `json` blocks are valid; `<!-- not run: WHY -->` excuses one.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from postgres import fresh_schema

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page):
    """Each block's language, text and remark, such as ("file", "log.jsonl")."""
    remark = ("", "")
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type == "fence":
            yield token.info.strip(), token.content, *remark
        found = re.search(r"<!-- (file|not run): (.+?) -->", token.content) if token.type == "html_block" else None
        remark = found.groups() if found else ("", "")


def check(output, shown, what):
    """Output is as shown; a line `…` is any number of lines."""
    lines = ["(?s:.*)" if line == "…" else re.escape(line).replace("…", ".*") for line in plain(shown).splitlines()]
    if not re.fullmatch("\n".join(lines), plain(output)):
        pytest.fail(f"{what}\n--- shown\n{shown}\n--- but prints\n{output}", pytrace=False)


def plain(text):
    """Without what is no promise: how wide columns are."""
    return "\n".join(re.sub(" +", " ", re.sub("─+", "─", line)).strip() for line in text.strip().splitlines())


def session(text):
    for call in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, shown = re.fullmatch(r"((?:.*\\\n)*.*)\n?([\s\S]*)", call).groups()
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=120)
        check((done.stdout + done.stderr).decode(), shown, f"$ {command}")
        status = re.search(r"# exit status (\d+)", command)
        assert done.returncode == int(status[1] if status else 0), command


def perform(language, text, verb, about, namespace):
    """Do what a block is for; what Python prints, else None."""
    if verb == "file":
        Path(about).write_text(text, "utf-8")
    elif language == "console":
        session(text)
    elif language == "json":
        json.loads(text)
    elif language == "python":
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(text, "a snippet", "exec"), namespace)
        return out.getvalue()
    else:
        assert verb == "not run" or language in ("text", "mermaid", "toml"), f"nothing runs a block of {language!r}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_snippet_of_a_page_does_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # where a page's files are, as for who tries it
    monkeypatch.delenv("ORDERTRAIL_STORE", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    namespace, printed = {"__name__": "__main__"}, None
    with contextlib.ExitStack() as stack:
        if "<!-- needs: postgresql -->" in page.read_text("utf-8"):
            monkeypatch.setenv("ORDERTRAIL_STORE", stack.enter_context(fresh_schema()))
        for language, text, verb, about in [*blocks(page), ("text", "", "", "")]:
            if printed is not None:
                check(printed, text if language == "text" else "", "the Python above")
            printed = perform(language, text, verb, about, namespace)
