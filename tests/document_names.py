"""What the documentation names exists: files, headings, modules, variables, places; and nothing in it is of one machine only."""

from __future__ import annotations

import importlib
import re
import tomllib
from functools import cache
from pathlib import Path

from tests.documents import LINK, ROOT, SPAN, Documents, anchors, spans, table

MACHINE = re.compile(r"(?<![\w.~<-])(/work|/root|/home|/tmp|/Users|[A-Z]:\\[A-Za-z])(?![\w-])")
"""Paths of somebody's machine: what belongs to an account, or does not last."""
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)+/?|[\w.*-]+/|[\w-]+\.(?:md|toml|ya?ml|json|cfg|lock|sh|py)")
FLEET = {"known_hosts", "roles/", "pending/", "journal/", "group_vars/all/vault.yml", "docs/SECRET_ROTATION_LOG.md"}
"""What may lie in a fleet directory beside what the lab's has."""
SOURCES = ("mycoops/**/*.py", "plugins/**/*.py", "roles/**/*.py", "roles/**/*.yml", "playbooks/*.yml", "inventory/lab/**/[ch]*.yml")


@cache
def _sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for pattern in SOURCES for path in ROOT.glob(pattern))


def _exists(path: str, name: str) -> bool:
    """Whether a path is there, seen from the root, the document, a fleet or a role; a name alone may be one the code gives."""
    places = [ROOT, (ROOT / name).parent, ROOT / "inventory" / "lab"]
    places += [*ROOT.glob("roles/kind_*"), *ROOT.glob("tests/fixtures/kind_*")]
    known = path in FLEET or ("/" not in path and path in _sources())
    return known or any(next(place.glob(path.rstrip("/")), None) for place in places)


def paths(documents: Documents) -> list[str]:
    """Every file, folder and link named exists, with its heading where one is named."""
    wrong = []
    for name, text in documents.items():
        for link in LINK.findall(text):
            path, _, anchor = link.partition("#")
            target = (ROOT / name).parent / path if path else ROOT / name
            if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target.read_text()))):
                wrong.append(f"{name}: the link {link} leads nowhere")
        wrong += [f"{name}: there is no {span}" for span in spans(text) if PATH.fullmatch(span) and not _exists(span, name)]
    return wrong


def machine_paths(documents: Documents) -> list[str]:
    """No line names a path of somebody's machine."""
    here = (str(ROOT), str(Path.home()))
    numbered = [(f"{name}:{number}", line) for name, text in documents.items() for number, line in enumerate(text.splitlines(), 1)]
    return [place for place, line in numbered if MACHINE.search(line) or any(path in line for path in here if path != "/")]


def names_in_code(documents: Documents) -> list[str]:
    """Modules named can be imported, other names of ours are in the sources, and so are the places SECURITY.md lists."""
    wrong = []
    for name, text in documents.items():
        for span in spans(text):
            if re.fullmatch(r"mycoops(\.\w+)+", span):
                module, _, attribute = span.rpartition(".")
                wrong += [] if hasattr(importlib.import_module(module), attribute) else [f"{name}: there is no {span}"]
            elif re.fullmatch(r"(mycoops|lab)_\w+(\.\w+)*", span):
                wrong += [f"{name}: nothing is called {part}" for part in span.split(".") if part not in _sources()]
    rows = [row for heading in ("On the control node", "On a host") for row in table(documents["SECURITY.md"], heading)]
    places = [word for place, form, _ in rows for word in SPAN.findall(place + form)]
    return wrong + [
        f"SECURITY.md: nothing is kept in {word}" for word in places if word.strip("/").split("/")[-1] not in _sources()
    ]


def version(documents: Documents) -> list[str]:
    """The newest entry of the changelog is the package's version."""
    told = re.findall(r"^## (\S+)", documents["CHANGELOG.md"], re.MULTILINE)[:1]
    true = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return [] if told == [true] else [f"CHANGELOG.md: the newest version is {told}, the package's is {true}"]
