"""What a fleet declares of a service: where it runs, which env files it reads, how it is restarted, when it is healthy."""

from __future__ import annotations

from typing import Any, Literal

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
    mode: str = Field(default="0600", pattern=r"^0[0-7]{3}$")
    """Octal, in quotes."""
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
        return path


class Health(Declared):
    """An assertion on what a service answers, not only on its status code."""

    url: str
    """Asked on the service's own host."""
    status: int = 200
    json_: dict[str, str | int | bool] = Field(default_factory=dict, alias="json")
    """What has to stand where in the answer: `db: ok`, or `"components[name=db].status": ok`."""
    timeout_seconds: int = Field(default=30, ge=1)
    """Longest wait for a healthy answer after a restart."""


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
    first_of: tuple[tuple[str, ...], ...] = ()
    """Groups of variables of which the program takes the first that is not empty, in its order: such names move together."""
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
