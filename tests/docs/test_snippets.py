"""Runs every snippet of the README and the docs, page by page, in an empty folder.

Libraries for this (sybil, mktestdocs, …) run Python blocks; none runs a shell session with files and elided output,
which is most of what these pages show. So markdown-it-py, which rich brings along, finds the blocks, and this runs them:

- `python` blocks, in order, in one namespace; a `text` block right after one is what it prints;
- `console` blocks: lines after `$ ` are run by bash; what follows is their output; `…` stands for anything;
  a comment `# exit status 2` says how the call ends, else 0;
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

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REMARK = re.compile(r"<!-- (file|not run|needs): (.+?) -->")
INERT = {"mermaid", "toml"}


def blocks(page):
    """Each block's language, text and remark, such as ("file", "log.jsonl")."""
    remark = None
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type == "fence":
            yield token.info.strip(), token.content, remark
        found = REMARK.search(token.content) if token.type == "html_block" else None
        remark = found.groups() if found else None


def matches(output, shown):
    """Whether output is as shown; a line `…` is any number of lines."""
    pattern = "\n".join(re.escape(line.rstrip()).replace("…", ".*") for line in shown.rstrip().splitlines())
    pattern = re.sub(r"^\.\*$", r"(?s:.*)", pattern, flags=re.MULTILINE)
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in output.rstrip().splitlines())) is not None


def check(output, shown, what):
    if not matches(output, shown):
        pytest.fail(f"{what}\n--- shown\n{shown}\n--- but prints\n{output}", pytrace=False)


def session(text, env):
    for call in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = call.splitlines()
        end = next(i for i, line in enumerate(lines) if not line.endswith("\\")) + 1
        command, shown = "\n".join(lines[:end]), "\n".join(lines[end:])
        done = subprocess.run(["bash", "-c", command], capture_output=True, env=env, timeout=120)
        check((done.stdout + done.stderr).decode(), shown, f"$ {command}")
        status = re.search(r"# exit status (\d+)", command)
        assert done.returncode == int(status[1] if status else 0), command


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_snippet_of_a_page_does_what_the_page_says(page, tmp_path, monkeypatch):
    env = {key: value for key, value in os.environ.items() if not key.startswith("ORDERTRAIL_")}
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}", "PYTHONIOENCODING": "utf-8"}
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    namespace, printed = {"__name__": "__main__"}, None
    with contextlib.ExitStack() as stack:
        if "<!-- needs: postgresql -->" in page.read_text("utf-8"):
            env["ORDERTRAIL_STORE"] = stack.enter_context(fresh_schema())
            monkeypatch.setenv("ORDERTRAIL_STORE", env["ORDERTRAIL_STORE"])
        for language, text, (verb, about) in ((lang, text, remark or ("", "")) for lang, text, remark in blocks(page)):
            if printed and language != "text":
                pytest.fail(f"printed, but not shown: {printed}", pytrace=False)
            if verb == "not run":
                continue
            if verb == "file":
                Path(about).write_text(text, "utf-8")
            elif language == "python":
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    exec(compile(text, f"{page.name}, a snippet", "exec"), namespace)
                printed = out.getvalue()
            elif language == "text":
                check(printed or "", text, "the Python above")
                printed = None
            elif language == "console":
                session(text, env)
            elif language == "json":
                json.loads(text)
            else:
                assert language in INERT, f"a block of {language or 'no language'} that nothing runs"
        assert not printed, f"printed, but not shown: {printed}"
