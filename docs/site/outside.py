"""Brings into the site what its pages link to outside of docs/.

`README.md` is the first page and `plugins/README.md` a page of its own. Any other file that is linked, and each file
of a linked folder, becomes a page below `files/` that shows it; a link to a folder leads to a list of them. A link
within the repository works here as it does where the repository is read.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"README.md": "index.md", "plugins/README.md": "plugins.md"}
OURS = ("site.css", "vendored/iframe-worker.min.js")
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_ROW_CODE = re.compile(r"(?<=[^`\n])`[^`\n]*\\\|[^`\n]*`")
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".toml": "toml", ".md": "markdown", ".conf": "ini"}


def on_files(files: Files, config: Any) -> Files:
    """Adds a page for all that is linked, and for what those link to."""
    for name in OURS:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / "docs" / "site" / name)))
    pending = [f"docs/{file.src_uri}" for file in files.documentation_pages()] + list(PAGES)
    done: set[str] = set()
    while pending:
        path = pending.pop()
        if path in done:
            continue
        done.add(path)
        text = (ROOT / path).read_text("utf-8") if (ROOT / path).is_file() else _listing(path)
        if path.endswith(".md") or (ROOT / path).is_dir():
            pending += [there for there in _linked(path, text) if not _in_site(there)]
        if not _in_site(path):
            files.append(File.generated(config, _page(path), content=_content(path, text)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Points what leads out of docs/ to the pages that were added."""
    return markdown if page.file.generated_by else _rewritten(f"docs/{page.file.src_uri}", markdown)


def _content(path: str, text: str) -> str:
    if path.endswith(".md") or (ROOT / path).is_dir():
        return _rewritten(path, text)
    fence = "`" * 4
    return f"# {path}\n\n{fence}{_LANGUAGES.get(Path(path).suffix, 'text')}\n{text}\n{fence}\n"


def _listing(path: str) -> str:
    """A page for a folder: the files in it, without what tools have made there."""
    made = re.compile(r"__pycache__|\.egg-info|/build/")
    there = sorted(str(file.relative_to(ROOT)) for file in (ROOT / path).rglob("*") if file.is_file())
    names = [name for name in there if not made.search(name)]
    return f"# {path}\n\n" + "".join(f"- [{name}]({posixpath.relpath(name, path)})\n" for name in names)


def _rewritten(path: str, text: str) -> str:
    """The page at `path` of the repository, with links from where it has its place in the site."""
    here = posixpath.dirname(_page(path))

    def link(found: re.Match[str]) -> str:
        there = _target(path, found[2])
        if there is None or (_in_site(path) and _in_site(there)):
            return found[0]
        return found[1] + posixpath.relpath(_page(there), here or ".") + found[3]

    pieces, at = [], 0
    for block in _BLOCK.finditer(text):
        pieces += [_LINK.sub(link, _bars(text[at : block.start()])), block[0]]
        at = block.end()
    return "".join([*pieces, _LINK.sub(link, _bars(text[at:]))])


def _bars(text: str) -> str:
    """Bars in the code of a table: escaped elsewhere, and as they are to this Markdown."""
    return _ROW_CODE.sub(lambda found: found[0].replace("\\|", "|"), text)


def _linked(path: str, text: str) -> list[str]:
    targets = (_target(path, found[2]) for found in _LINK.finditer(_BLOCK.sub("", text)))
    return [there for there in targets if there is not None and (ROOT / there).exists()]


def _target(path: str, link: str) -> str | None:
    """Where in the repository a link of the page at `path` leads; None for what leads elsewhere."""
    if "://" in link or link.startswith("/"):
        return None
    folder = path if (ROOT / path).is_dir() else posixpath.dirname(path)
    return posixpath.normpath(posixpath.join(folder, link))


def _in_site(path: str) -> bool:
    return path.startswith("docs/") and (ROOT / path).is_file()


def _page(path: str) -> str:
    """Where a file of the repository has its place in the site."""
    if _in_site(path):
        return path.removeprefix("docs/")
    return PAGES.get(path) or f"files/{path}" + ("" if path.endswith(".md") else ".md")
