"""What a fleet declares of a service: where it runs, which env files it reads, how it is restarted, when it is healthy."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mycoops.source import Mistake

Reader = Literal[
    "systemd",
    "bash",
    "dash",
    "python-dotenv",
    "python-dotenv-literal",
    "django-environ",
    "compose",
    "docker",
    "podman",
    "node",
    "starlette",
    "decouple",
    "split",
]
"""The parsers that the host side knows, by the names it knows them under."""


MODE = re.compile(r"^0[0-7]{3}$")
WIDEST = 0o640
UNIT = re.compile(r"^[A-Za-z0-9:_.@\\-]+\.(service|socket|timer)$")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
UNQUOTED = re.compile(r"[\s\"'\\]")
"""What hosts take, and what they refuse: the program of the delivery says the same there."""


def one_of(*keys: str) -> dict[str, Any]:
    """What the JSON Schema says of keys of which exactly one is given."""
    return {"oneOf": [{"required": [key]} for key in keys]}


class Declared(BaseModel):
    """Base of all declarations: unknown keys are errors; the text under a field is its help in an editor."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EnvFile(Declared):
    """One env file on a host and the programs that read it."""

    path: str
    """Absolute path on the host."""
    readers: tuple[Reader, ...] = Field(json_schema_extra={"minItems": 1})
    """Every parser that reads the file; a value is written so that all of them read it alike, or refused."""
    owner: str = "root"
    """Account the file belongs to on the host."""
    group: str = "root"
    """Group the file belongs to on the host."""
    mode: str = Field(default="0600", json_schema_extra={"pattern": MODE.pattern})
    """Octal, in quotes, at most 0640."""
    variables: tuple[str, ...] = ()
    """In an extra env file: the variables that live here and not in env_file."""
    reload: bool = False
    """The program reads the file itself, so that a reload is enough."""

    @field_validator("readers")
    @classmethod
    def _read(cls, readers: tuple[Reader, ...]) -> tuple[Reader, ...]:
        if not readers:
            raise Mistake("nobody reads this file", "Name every parser that reads it: readers: [systemd].")
        return readers

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not path.startswith("/") or "~" in path:
            raise Mistake("an env file needs an absolute path: nothing reads ~/.env", "Write the path that the unit reads.")
        if ".." in PurePosixPath(path).parts or path.endswith("/") or CONTROL.search(path):
            raise Mistake(
                "a host refuses a path with .. or control characters, and one that is no file", "Write where the file lies."
            )
        return path

    @field_validator("mode")
    @classmethod
    def _narrow(cls, mode: str) -> str:
        if not MODE.fullmatch(mode):
            raise Mistake("not a mode of a file", 'Four octal digits in quotes: "0600".')
        if int(mode, 8) & ~WIDEST:
            raise Mistake(f"{mode} is wider than 0640: a host refuses to write a secret like that", 'Write "0600", or "0640".')
        return mode


class Health(Declared):
    """An assertion on what a service answers, not only on its status code."""

    url: str
    """Asked on the service's own host."""
    status: int = 200
    json_: dict[str, str | int | bool] = Field(default_factory=dict, alias="json")
    """What has to stand where in the answer: `db: ok`, or `"components[name=db].status": ok`."""
    timeout_seconds: int = Field(default=30, ge=1)
    """Longest wait for a healthy answer after a restart."""

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        fix = 'Write it out: "http://127.0.0.1:8000/health".'
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Mistake("not a URL with a port from 1 to 65535", fix) from None
        if not url.startswith(("http://", "https://")) or not parts.hostname or CONTROL.search(url) or " " in url:
            raise Mistake("not an HTTP URL: a host asks nothing else", fix)
        if port == 0:
            raise Mistake("not a URL with a port from 1 to 65535", fix)
        return url

    @field_validator("status")
    @classmethod
    def _answer(cls, status: int) -> int:
        if not 100 <= status <= 599:
            raise Mistake("not a status of HTTP", "One from 100 to 599.")
        return status


class Container(Declared):
    """A container consumer: always recreated, because a plain restart keeps the old environment."""

    name: str
    engine: Literal["podman", "docker"] = "podman"
    image: str
    arguments: tuple[str, ...] = ()
    """Of `run`, besides name, env file and image."""
    command: tuple[str, ...] = ()


class Service(Declared):
    """One running instance on one host."""

    model_config = ConfigDict(json_schema_extra=one_of("unit", "container"))

    host: str
    """A host of the inventory."""
    unit: str = ""
    """The systemd unit, with its suffix."""
    container: Container | None = None
    group: str = ""
    """Instances of one group are never switched together."""
    reads: tuple[str, ...]
    """Every variable the program reads; a delivered variable without a reader is an error."""
    env_file: EnvFile
    extra_env_files: tuple[EnvFile, ...] = ()
    """Further files, each with the variables that live there."""
    apply: Literal["restart", "recreate", "none"] | None = None
    """How the running process gets new values; by default a unit restarts and a container is recreated."""
    drop_in: bool = True
    """Whether mycoops writes the drop-in with EnvironmentFile=, or the unit names the file already."""
    health: Health | None = None

    @model_validator(mode="after")
    def _shape(self) -> Service:
        if bool(self.unit) == bool(self.container):
            raise Mistake("not exactly one of unit, container", "Give the one that runs the program.")
        if self.unit and not UNIT.fullmatch(self.unit):
            raise Mistake(
                f"{self.unit!r} is not the name of a unit", "With its suffix: api.service, or .socket, or .timer.", "unit"
            )
        if self.unit and self.drop_in:
            for key, file in [("env_file", self.env_file), *(("extra_env_files", one) for one in self.extra_env_files)]:
                if UNQUOTED.search(file.path):
                    raise Mistake(f"{file.path}: a unit's path has no blank, quote or backslash", "Choose another path.", key)
        if self.container and self.apply == "restart":
            problem = "a container keeps its old environment over a plain restart"
            raise Mistake(problem, "Use apply: recreate, or leave it out.", "apply")
        if self.unit and self.apply == "recreate":
            raise Mistake("only a container is recreated", "Use apply: restart, or leave it out.", "apply")
        return self

    @property
    def applies(self) -> str:
        """The verb that makes the running process read its env file again."""
        return self.apply or ("recreate" if self.container else "restart")

    def file_of(self, variable: str) -> EnvFile:
        """The env file a variable of this service lives in."""
        return next((file for file in self.extra_env_files if variable in file.variables), self.env_file)
