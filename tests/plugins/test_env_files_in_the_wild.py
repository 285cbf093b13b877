"""Files as people leave them keep every byte that is not asked for, and the real parsers read the update."""

from __future__ import annotations

import secrets
from pathlib import Path

import mycoops_delivery_files as delivery_files
import mycoops_envfile as envfile
import pytest
from mycoops_delivery_files import merge
from mycoops_reply import Refusal

from tests.codec.parsers import PARSERS, Parser

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "env"
FILES = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.env"))}
ACCEPTED = {name: raw for name, raw in FILES.items() if not name.startswith("refused_")}
NAMES = {
    "fleet.env": [
        "PUBLIC_URL", "EMPTY", "NODE_ENV", "HOST", "DSN", "FALLBACK", "SPACED", "HASH", "COMMENTED", "SINGLE", "DOUBLE",
        "QUOTED_COMMENT", "API_KEYS", "HEADERS", "EQUALS", "WINDOWS", "TWICE", "UTF8", "TWICE", "LAST",
    ],
    "key.env": ["BEFORE", "SIGNING_KEY", "AFTER"],
    "latin1.env": ["APP_TOKEN", "APP_PORT"],
    "plain.env": ["APP_PORT", "APP_HOST", "APP_TOKEN", "APP_URL", "APP_EMPTY"],
    "shell.env": ["A", "B", "C", "D"],
    "windows.env": ["APP_PORT", "APP_TOKEN", "APP_NAME", "APP_LAST"],
}  # fmt: skip
REFUSED = {
    "refused_bare_token.env": 3,
    "refused_conflict.env": 2,
    "refused_open_quote.env": 2,
    "refused_utf16.env": 1,
    "refused_yaml.env": 2,
}
PYTHON = ("python-dotenv", "python-dotenv-literal", "django-environ", "starlette", "decouple", "split")
LINES_OF_A_READER = {
    **{("fleet.env", shell): 2 for shell in ("bash", "dash")},
    **{("fleet.env", engine): 6 for engine in ("docker", "podman")},
    **{("key.env", reader): 3 for reader in ("docker", "podman", "django-environ", "starlette", "decouple", "split")},
    **{("latin1.env", reader): 1 for reader in (*PYTHON, "docker")},
    **{("shell.env", reader): 1 for reader in ("compose", "docker", "podman")},
    **{("windows.env", reader): 1 for reader in ("bash", "dash", "compose", "podman")},
}
"""Where a file that is well formed in itself has a line that a declared reader would not take."""


def test_every_file_is_accounted_for() -> None:
    assert FILES.keys() == NAMES.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_gives_back_its_bytes_and_names(name: str) -> None:
    parsed = envfile.parse(FILES[name])
    assert parsed.raw == FILES[name]
    assert [line.name for line in parsed.lines if line.name] == NAMES[name]
    assert parsed.duplicates() == ({"TWICE": [21, 23]} if name == "fleet.env" else {})


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_update_leaves_all_else_where_and_as_it_is(name: str) -> None:
    parsed = envfile.parse(FILES[name])
    for chosen in NAMES[name]:
        new = secrets.token_urlsafe(24).encode()
        after = envfile.parse(parsed.upsert({chosen: new}))
        assert [line.name for line in after.lines] == [line.name for line in parsed.lines]
        for old, now in zip(parsed.lines, after.lines, strict=True):
            assert now.raw == (old._replace(value=new).raw if old.name == chosen else old.raw)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_new_variable_goes_to_the_end_on_a_line_of_its_own(name: str) -> None:
    raw = FILES[name]
    ending = b"\r\n" if name == "windows.env" else b"\n"
    glue = b"" if raw.endswith(b"\n") else ending
    assert envfile.parse(raw).upsert({"NEW": b"x"}) == raw + glue + b"NEW=x" + ending


@pytest.mark.parametrize(("name", "line"), REFUSED.items())
def test_what_cannot_be_understood_is_refused_by_its_line(name: str, line: int) -> None:
    with pytest.raises(Refusal) as caught:
        envfile.parse(FILES[name])
    assert caught.value.code == "malformed_env_file"
    assert caught.value.facts == {"line": line}
    assert "placeholder" not in str(caught.value.error())


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: f"{parser.name} {parser.version()}")
def test_the_real_parser_reads_the_update_and_the_rest_as_before(name: str, parser: Parser) -> None:
    raw, reader = FILES[name], parser.reader
    line = LINES_OF_A_READER.get((name, reader))
    if line is not None:
        with pytest.raises(Refusal) as caught:
            envfile.parse(raw, [reader])
        assert caught.value.facts == {"line": line}
        return
    chosen, value = NAMES[name][-1], secrets.token_urlsafe(24)
    merged, changed = merge(raw, {chosen: value, "MYCOOPS_NEW": value}, [reader])
    assert changed == (chosen, "MYCOOPS_NEW")
    before, after = parser.read([raw, merged])
    assert before is not None
    assert after == {**before, chosen: value, "MYCOOPS_NEW": value}
    assert envfile.read_as(reader, raw).items() <= before.items()


def test_an_update_that_a_reader_would_not_see_is_refused() -> None:
    """A blank after `=` makes node take the next line for the value."""
    assert merge(b"A=\nB=2\n", {"B": "new"}, ["node"])[0] == b"A=\nB=new\n"
    with pytest.raises(Refusal) as caught:
        merge(b"A= \nB=2\n", {"B": "new"}, ["node"])
    assert caught.value.error() == {
        "code": "misread", "message": "node would not read B as it is meant", "reader": "node", "name": "B"
    }  # fmt: skip


def test_an_update_that_changes_another_variable_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        delivery_files._read_back(b"A=2\nB=3\n", {"B": "3"}, {"systemd": {"A": "1"}})
    assert caught.value.message == "systemd would read another variable differently"
    delivery_files._read_back(b"A=1\nB=3\n", {"B": "3"}, {"systemd": {"A": "1"}})


@pytest.mark.parametrize(
    ("raw", "reader", "line"),
    [
        (b"A=1\n# caf\xe9\nB=2\n", "starlette", 2),
        (b"A=1\n# caf\xe9\nB=2\n", "docker", 2),
        (b"A=1\r\nB=2\r\n", "bash", 1),
        (b"\xef\xbb\xbfA=1\n", "podman", 1),
        (b"A=1\nB='x'y\n", "compose", 2),
    ],
)
def test_the_real_parser_loses_what_is_refused(raw: bytes, reader: str, line: int) -> None:
    """What the strict parser refuses for a reader is no prejudice: the real one loses the file, or a part of it."""
    with pytest.raises(Refusal) as caught:
        envfile.parse(raw, [reader])
    assert caught.value.facts == {"line": line}
    (real,) = next(parser for parser in PARSERS if parser.reader == reader).read([raw])
    assert real is None or {name: value for name, value in real.items() if value in ("1", "2")}.keys() != {"A", "B"}
