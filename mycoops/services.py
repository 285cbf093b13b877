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


Format = Literal["pgpass", "cifs", "mosquitto", "pgbouncer", "whole"]
"""The formats of files that are no env files, by the names the host side knows them under."""
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


class Delivered(Declared):
    """A file that mycoops writes on a host."""

    path: str
    """Absolute path on the host."""
    owner: str = "root"
    """Account the file belongs to on the host."""
    group: str = "root"
    """Group the file belongs to on the host."""
    mode: str = Field(default="0600", json_schema_extra={"pattern": MODE.pattern})
    """Octal, in quotes, at most 0640."""
    variables: tuple[str, ...] = ()
    """In an extra env file: the variables that live here and not in env_file. In another file: its entries."""
    reload: bool = False
    """The program reads the file itself, so that a reload is enough."""

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


class EnvFile(Delivered):
    """One env file on a host and the programs that read it."""

    readers: tuple[Reader, ...] = Field(json_schema_extra={"minItems": 1})
    """Every parser that reads the file; a value is written so that all of them read it alike, or refused."""

    @field_validator("readers")
    @classmethod
    def _read(cls, readers: tuple[Reader, ...]) -> tuple[Reader, ...]:
        if not readers:
            raise Mistake("nobody reads this file", "Name every parser that reads it: readers: [systemd].")
        return readers


class SecretFile(Delivered):
    """A file that is no env file: entries in the format of one program, or a whole content."""

    format: Format
    """The program whose format it is: libpq's password file, a credentials file of mount.cifs, Mosquitto's password file,
    PgBouncer's userlist.txt, or one value as the whole content."""
    variables: tuple[str, ...] = Field(json_schema_extra={"minItems": 1})
    """Its entries: host:port:database:user, a key of mount.cifs, a user, or a name for the whole content."""
    credential: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]*$")
    """The name by which systemd hands a copy of the whole content to the unit: LoadCredential=."""

    @model_validator(mode="after")
    def _shape(self) -> SecretFile:
        if self.format == "whole" and len(self.variables) != 1:
            raise Mistake("a whole content is one entry", "Give one name: variables: [TOKEN].", "variables")
        if self.format == "pgpass" and int(self.mode, 8) & 0o077:
            raise Mistake("libpq ignores a password file that others may read", 'Write mode: "0600".', "mode")
        if self.credential and self.reload:
            raise Mistake("systemd copies a credential when the unit starts, and never on a reload", "Take one out.", "reload")
        return self

    @property
    def readers(self) -> tuple[str, ...]:
        """Who reads it: the one program whose format it is."""
        return (self.format,)


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


class Job(Declared):
    """A consumer without a process of its own: a file that people or programs open, or what cron starts."""

    program: str = ""
    """Absolute path of the program that cron or a timer starts: a run from before the change is waited for."""
    command: tuple[str, ...] = ()
    """What makes the new content count, such as `mount -o remount /srv/share`: run after a change, until it has worked."""
    timeout_seconds: int = Field(default=30, ge=1)
    """Longest wait for a run from before the change."""

    @field_validator("program")
    @classmethod
    def _absolute(cls, program: str) -> str:
        if program and not program.startswith("/"):
            raise Mistake("the program needs its absolute path", "Write what cron starts, as in /usr/local/bin/report.")
        return program


AnyFile = EnvFile | SecretFile


class Service(Declared):
    """One running instance on one host."""

    model_config = ConfigDict(json_schema_extra=one_of("unit", "container", "job"))

    host: str
    """A host of the inventory."""
    unit: str = ""
    """The systemd unit, with its suffix."""
    container: Container | None = None
    job: Job | None = None
    """In place of both, where nothing runs all the time: who opens the file next reads the new value."""
    group: str = ""
    """Instances of one group are never switched together."""
    reads: tuple[str, ...]
    """Every variable the program reads; a delivered variable without a reader is an error."""
    first_of: tuple[tuple[str, ...], ...] = ()
    """Groups of variables of which the program takes the first that is not empty, in its order: such names move together."""
    env_file: EnvFile | None = None
    """The env file of its variables; it may be left out where there are files."""
    extra_env_files: tuple[EnvFile, ...] = ()
    """Further files, each with the variables that live there."""
    files: tuple[SecretFile, ...] = ()
    """Files that are no env files, each with its format and the entries that live there."""
    apply: Literal["restart", "recreate", "next-run", "none"] | None = None
    """How the running process gets new values; by default a unit restarts and a container is recreated. A oneshot unit, which a
    timer starts, gets them at its next run."""
    drop_in: bool = True
    """Whether mycoops writes the drop-in with EnvironmentFile=, or the unit names the file already."""
    health: Health | None = None

    def _quotable(self) -> None:
        """A drop-in names these files, and a unit has no way to write every path."""
        if not (self.unit and self.drop_in):
            return
        for key, file in [("env_file", self.env_file), *(("extra_env_files", one) for one in self.extra_env_files)]:
            if file and UNQUOTED.search(file.path):
                raise Mistake(f"{file.path}: a unit's path has no blank, quote or backslash", "Choose another path.", key)

    @model_validator(mode="after")
    def _shape(self) -> Service:
        if sum((bool(self.unit), bool(self.container), bool(self.job))) != 1:
            raise Mistake("not exactly one of unit, container, job", "Give the one that runs the program.")
        if self.unit and not UNIT.fullmatch(self.unit):
            raise Mistake(
                f"{self.unit!r} is not the name of a unit", "With its suffix: api.service, or .socket, or .timer.", "unit"
            )
        if not (self.env_file or self.files):
            raise Mistake("it reads no file", "Give it env_file or files.", "env_file")
        if self.extra_env_files and not self.env_file:
            raise Mistake("extra_env_files without env_file", "Name the first one env_file.", "extra_env_files")
        if self.job and self.apply not in (None, "next-run"):
            raise Mistake("a job has no process to restart", "Take apply out.", "apply")
        if any(file.credential for file in self.files) and not (self.unit and self.drop_in):
            raise Mistake("only systemd hands over a credential, by a drop-in", "Take credential out.", "files")
        self._quotable()
        if self.container and self.apply == "restart":
            problem = "a container keeps its old environment over a plain restart"
            raise Mistake(problem, "Use apply: recreate, or leave it out.", "apply")
        if self.unit and self.apply == "recreate":
            raise Mistake("only a container is recreated", "Use apply: restart, or leave it out.", "apply")
        if self.container and self.apply == "next-run":
            raise Mistake("a container is recreated", "Leave apply out.", "apply")
        return self

    @property
    def applies(self) -> str:
        """The verb that makes the running process read its env file again."""
        if self.job:
            return "reload" if self.job.command else "next-run"
        return self.apply or ("recreate" if self.container else "restart")

    @property
    def env_files(self) -> tuple[EnvFile, ...]:
        """Its env files, the first one first."""
        return (*([self.env_file] if self.env_file else []), *self.extra_env_files)

    @property
    def all_files(self) -> tuple[AnyFile, ...]:
        """Every file of it that mycoops writes."""
        return (*self.env_files, *self.files)

    def file_of(self, variable: str) -> AnyFile:
        """The file a variable of this service lives in."""
        others: tuple[AnyFile, ...] = (*self.extra_env_files, *self.files)
        return next((file for file in others if variable in file.variables), self.all_files[0])
