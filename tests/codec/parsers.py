"""The real parsers: each takes many written values at once and says what it reads of each, None where it or a neighbour is lost."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from tests.codec import systemd_reader

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
MEMORY = Path("/dev/shm")
MADE = ROOT / ".cache" / "codec"
LINES = b"BEFORE='1'\nSECOND=\"2\"\nPROBE=%s\nAFTER='3'\nTHEN=\"4\"\nLAST=`5`\n"
"""Where a value stands in a file: between others that hold every quote there is."""
Values = dict[str, str]
Read = Callable[[Sequence[bytes]], list[Values | None]]


class Parser(NamedTuple):
    """A program, the reader it is declared as in a catalogue, its version, and what it reads in many files."""

    name: str
    reader: str
    version: Callable[[], str]
    read: Read
    """Contents of files in, what each of them means out; None where the program refuses the file."""
    numbered: bool = False
    """Whether it is started for each file, so that values are tried in one file, numbered."""

    def values(self, written: Sequence[bytes]) -> list[str | None]:
        """What it reads of each written value; None where the value, or another line of the file, is lost."""
        tried = [b"x", *written]
        if not self.numbered:
            control, *found = [values or {} for values in self.read([LINES % one for one in tried])]
            return [values.get("PROBE") if values.keys() == control.keys() and _kept(values, control) else None for values in found]
        lines = b"".join(_numbered(number) % one for number, one in enumerate(tried))
        (everything,) = self.read([lines])
        control, *found = [_of(everything or {}, number) for number in range(len(tried))]
        return [values.get("PROBE") if _kept(values, control) else None for values in found]


def _numbered(number: int) -> bytes:
    return re.sub(rb"(?m)^(\w+)=", rb"\1_%d=" % number, LINES)


def _of(values: Values, number: int) -> Values:
    names = (b.decode() for b in re.findall(rb"(?m)^(\w+)=", LINES))
    return {name: values[f"{name}_{number}"] for name in names if f"{name}_{number}" in values}


def _kept(values: Values, control: Values) -> bool:
    return {**values, "PROBE": "x"} == control


@contextmanager
def folder(written: Sequence[bytes]) -> Iterator[Path]:
    """A directory with all these files, 0.env first."""
    with tempfile.TemporaryDirectory(prefix="codec-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        for number, one in enumerate(written):
            Path(place, f"{number}.env").write_bytes(one)
        yield Path(place)


def called(argv: Sequence[str], **options: Any) -> bytes:
    """What a program prints; its complaints are dropped, because they hold values."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True, **options)
    return bytes(done.stdout)


def program(*argv: str) -> Read:
    """A program that is given a directory and a count, and prints a JSON list."""

    def read(written: Sequence[bytes]) -> list[Values | None]:
        with folder(written) as place:
            told = called(
                [*argv, str(place), str(len(written))], env={"PATH": os.defpath, "NODE_PATH": f"{MADE}/node/node_modules"}
            )
        return list(json.loads(told))

    return read


SOURCE = """
n=0
while [ $n -lt {count} ]; do
    (. ./$n.env >/dev/null 2>&1; exec >"$n.out"; {shows})
    n=$((n+1))
done
"""
SHOW = """[ "${{{0}+x}}" ] && printf '%s\\0' "{0}=${0}";"""
NAMES = re.compile(rb"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=", re.MULTILINE)
NOBODY = 65534


def shell(name: str) -> Read:
    """A shell that sources each file in a subshell; without rights or commands, since a naive file may hold any command."""

    def read(written: Sequence[bytes]) -> list[Values | None]:
        names = sorted({found.decode() for one in written for found in NAMES.findall(one)})
        script = SOURCE.format(count=len(written), shows="".join(SHOW.format(name) for name in names))
        with folder(written) as place:
            powerless: dict[str, Any] = {}
            if os.geteuid() == 0:
                powerless = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
                os.chown(place, NOBODY, NOBODY)
            called([f"/bin/{name}", "-c", script], cwd=place, env={"PATH": "/nowhere"}, **powerless)
            return [_sourced(place / f"{number}.out") for number in range(len(written))]

    return read


def _sourced(path: Path) -> Values | None:
    if not path.exists():
        return None
    pairs = path.read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
    return dict(pair.split("=", 1) for pair in pairs)


def each(read: Callable[[Path], Values]) -> Read:
    """A parser that is asked file by file."""

    def read_all(written: Sequence[bytes]) -> list[Values | None]:
        with folder(written) as place:
            return [_or_none(read, place / f"{number}.env") for number in range(len(written))]

    return read_all


def _or_none(read: Callable[[Path], Values], path: Path) -> Values | None:
    try:
        return read(path)
    except (ValueError, subprocess.CalledProcessError):
        return None


def _node(path: Path) -> Values:
    argv = [str(BIN / "node"), f"--env-file={path}", "-p", "JSON.stringify(process.env)"]
    return dict(json.loads(called(argv, env={})))


def _podman(path: Path) -> Values:
    """`podman create --env-file` in a storage of its own; the container is never started."""
    with tempfile.TemporaryDirectory(prefix="codec-") as place:
        Path(place, "root").mkdir()
        engine = ["podman", "--root", f"{place}/storage", "--runroot", f"{place}/run", "--storage-driver", "vfs"]
        called([*engine, "create", "--name", "probe", "--env-file", str(path), "--rootfs", f"{place}/root", "/probe"])
        pairs = json.loads(called([*engine, "inspect", "probe", "--format", "{{json .Config.Env}}"]))
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs) if name not in {"PATH", "TERM", "container"}}


def _dotenv(interpolate: bool) -> Callable[[Path], Values]:
    def values(path: Path) -> Values:
        import dotenv

        return {name: value or "" for name, value in dotenv.dotenv_values(path, interpolate=interpolate).items()}

    return values


def _environ(path: Path) -> Values:
    """What a settings module gets from `env("NAME")`, with the library's defaults."""
    import environ

    class Env(environ.Env):  # type: ignore[misc]
        ENVIRON: Values = {}  # noqa: RUF012

    Env.read_env(io.StringIO(path.read_text(encoding="utf8")))
    env = Env()
    values = {}
    for name in Env.ENVIRON:
        with suppress(environ.ImproperlyConfigured, RecursionError):
            values[name] = env(name)
    return values


def _starlette(path: Path) -> Values:
    from starlette.config import Config

    config = Config(path, environ={})
    return {name: config(name) for name in config.file_values}


def _decouple(path: Path) -> Values:
    from decouple import Config, RepositoryEnv

    repository = RepositoryEnv(path)
    return {name: Config(repository)(name) for name in repository.data}


def _split(path: Path) -> Values:
    """The loader that people write themselves."""
    values = {}
    with path.open(encoding="utf-8") as lines:
        for line in map(str.strip, lines):
            if line and not line.startswith("#") and "=" in line:
                name, value = line.split("=", 1)
                values[name.strip()] = value.strip()
    return values


def _first_number(*argv: str) -> Callable[[], str]:
    return lambda: (re.search(rb"\d+(\.\d+)*", called(argv)) or [b"?"])[0].decode()


def _package(name: str) -> Callable[[], str]:
    return lambda: metadata.version(name)


def _npm(name: str) -> Callable[[], str]:
    return lambda: json.loads((MADE / "node/node_modules" / name / "package.json").read_text())["version"]


def _module(name: str) -> Callable[[], str]:
    return lambda: re.findall(rf"{name}\S* v([\d.]+)", (HERE / "containers" / "go.mod").read_text())[0]


def _dpkg(name: str) -> Callable[[], str]:
    return lambda: called(["dpkg-query", "-W", "-f", "${Version}", name]).decode()


NODE = (str(BIN / "node"), f"{HERE}/node/read.js")
NODE_VERSION = _first_number(str(BIN / "node"), "--version")
CONTAINERS = str(MADE / "containers")
PARSERS = (
    Parser("systemd", "systemd", _dpkg("libsystemd-shared"), program(sys.executable, "-I", systemd_reader.__file__)),
    Parser("bash", "bash", _dpkg("bash"), shell("bash")),
    Parser("dash", "dash", _dpkg("dash"), shell("dash")),
    Parser("python-dotenv", "python-dotenv", _package("python-dotenv"), each(_dotenv(True))),
    Parser("python-dotenv, interpolate=False", "python-dotenv-literal", _package("python-dotenv"), each(_dotenv(False))),
    Parser("django-environ", "django-environ", _package("django-environ"), each(_environ)),
    Parser("starlette", "starlette", _package("starlette"), each(_starlette)),
    Parser("python-decouple", "decouple", _package("python-decouple"), each(_decouple)),
    Parser("split", "split", platform.python_version, each(_split)),
    Parser("compose-go", "compose", _module("compose-go"), program(CONTAINERS, "compose")),
    Parser("docker kvfile", "docker", _module("docker/cli"), program(CONTAINERS, "docker")),
    Parser("podman --env-file", "podman", _first_number("podman", "--version"), each(_podman), numbered=True),
    Parser("node --env-file", "node", NODE_VERSION, each(_node), numbered=True),
    Parser("node util.parseEnv", "node", NODE_VERSION, program(*NODE, "node-parseEnv")),
    Parser("dotenv", "node", _npm("dotenv"), program(*NODE, "dotenv")),
    Parser("dotenv, fast", "node", _npm("dotenv"), program(*NODE, "dotenv-fast")),
    Parser("dotenv", "node", _npm("dotenv16"), program(*NODE, "dotenv16")),
)
"""Every parser that a reader of a catalogue stands for."""
