"""What a fleet declares: credentials, services, policy; every error names file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mycoops.checklist import CATEGORIES, ITEMS
from mycoops.errors import ConfigurationError
from mycoops.values import form_error

Reader = Literal[
    "systemd",
    "bash",
    "python-dotenv",
    "compose",
    "docker",
    "podman",
    "node-dotenv",
    "node",
    "starlette",
    "decouple",
    "django-environ",
]
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Declared(BaseModel):
    """Base of all declarations: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VaultPassword(Declared):
    """Where the vault password comes from; never an environment value."""

    file: str = ""
    script: str = ""
    prompt: bool = False

    @model_validator(mode="after")
    def _one(self) -> VaultPassword:
        if sum((bool(self.file), bool(self.script), self.prompt)) != 1:
            raise ValueError("give exactly one of file, script, prompt")
        return self


class Fleet(Declared):
    """Settings of the whole fleet."""

    name: str
    owner: str
    vault_password: VaultPassword
    host_order: tuple[str, ...] = ()
    soak_seconds: int = Field(default=0, ge=0)
    wave: int = Field(default=1, ge=1, description="Hosts switched at once; never two of one service group.")
    forks: int = Field(default=10, ge=1, le=50)
    window_days: int = Field(default=7, ge=1, le=28)
    roles_path: tuple[str, ...] = ()

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            raise ValueError("use lower-case letters, digits, - and _")
        return name


class EnvFile(Declared):
    """One env file on a host and the programs that read it."""

    path: str
    readers: tuple[Reader, ...] = Field(min_length=1)
    owner: str = "root"
    group: str = "root"
    mode: str = Field(default="0600", pattern=r"^0[0-7]{3}$")
    variables: tuple[str, ...] = ()
    reload: bool = False

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not path.startswith("/") or "~" in path:
            raise ValueError("an env file needs an absolute path: nothing reads ~/.env")
        return path


class Health(Declared):
    """An assertion on what a service answers, not only on its status code."""

    url: str
    status: int = 200
    json_: dict[str, str | int | bool] = Field(default_factory=dict, alias="json")
    timeout_seconds: int = Field(default=30, ge=1)


class Container(Declared):
    """A container consumer: always recreated, because a plain restart keeps the old environment."""

    name: str
    engine: Literal["podman", "docker"] = "podman"
    image: str
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


class Service(Declared):
    """One running instance on one host."""

    host: str
    unit: str = ""
    container: Container | None = None
    group: str = ""
    reads: tuple[str, ...]
    env_file: EnvFile
    extra_env_files: tuple[EnvFile, ...] = ()
    apply: Literal["restart", "recreate", "none"] | None = None
    drop_in: bool = True
    health: Health | None = None

    @model_validator(mode="after")
    def _shape(self) -> Service:
        if bool(self.unit) == bool(self.container):
            raise ValueError("give exactly one of unit, container")
        if self.container and self.apply == "restart":
            raise ValueError("a container keeps its old environment over a plain restart: use apply: recreate")
        if self.unit and self.apply == "recreate":
            raise ValueError("apply: recreate is for containers; a unit restarts")
        return self

    @property
    def applies(self) -> str:
        """The verb that makes the running process read its env file again."""
        return self.apply or ("recreate" if self.container else "restart")

    def file_of(self, variable: str) -> EnvFile:
        """The env file a variable of this service lives in."""
        return next((file for file in self.extra_env_files if variable in file.variables), self.env_file)


class Consumer(Declared):
    """One use of a credential: a service's variables, or the rotator itself."""

    service: str = ""
    env: dict[str, str] = Field(default_factory=dict)
    rotator: bool = False

    @model_validator(mode="after")
    def _shape(self) -> Consumer:
        if bool(self.service) == self.rotator:
            raise ValueError("give exactly one of service, rotator: true")
        if self.service and not self.env:
            raise ValueError("name the variables: env: {NAME: <value>}")
        return self

    @field_validator("env")
    @classmethod
    def _forms(cls, env: dict[str, str]) -> dict[str, str]:
        return _checked_forms(env)


class Authority(Declared):
    """Whatever accepts or refuses a credential."""

    host: str = ""
    hosts: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    admin: str = ""
    accepts: dict[str, str] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("accepts")
    @classmethod
    def _forms(cls, accepts: dict[str, str]) -> dict[str, str]:
        return _checked_forms(accepts)

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """The hosts on which its entry points run."""
        return (self.host,) if self.host else self.hosts


class Credential(Declared):
    """One declared secret."""

    kind: str
    category: str
    item: str = ""
    purpose: Literal["auth", "sign", "encrypt"] = "auth"
    principal: str = ""
    cadence_days: int = Field(default=92, ge=1)
    authority: Authority
    consumers: tuple[Consumer, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _listed(self) -> Credential:
        if self.category not in CATEGORIES:
            raise ValueError(f"unknown category {self.category}; one of {', '.join(CATEGORIES)}")
        if self.item and ITEMS.get(self.item, ("",))[0] != self.category:
            raise ValueError(f"{self.item} is not an item of {self.category} on the checklist")
        return self

    @property
    def services(self) -> tuple[Consumer, ...]:
        """The consumers that are services, in order."""
        return tuple(consumer for consumer in self.consumers if consumer.service)


class Catalogue(Declared):
    """The whole declaration of a fleet, as in group_vars/all/catalogue.yml."""

    mycoops_fleet: Fleet
    mycoops_services: dict[str, Service] = Field(default_factory=dict)
    mycoops_credentials: dict[str, Credential] = Field(default_factory=dict)
    mycoops_not_applicable: dict[str, str] = Field(default_factory=dict)

    @field_validator("mycoops_credentials")
    @classmethod
    def _ids(cls, credentials: dict[str, Credential]) -> dict[str, Credential]:
        for name in credentials:
            if not IDENTIFIER.fullmatch(name):
                raise ValueError(f"credential id {name!r}: use lower-case letters, digits and _")
        return credentials

    @property
    def fleet(self) -> Fleet:
        """Fleet-wide settings."""
        return self.mycoops_fleet

    @property
    def services(self) -> dict[str, Service]:
        """Services by name."""
        return self.mycoops_services

    @property
    def credentials(self) -> dict[str, Credential]:
        """Credentials by id."""
        return self.mycoops_credentials


def _checked_forms(env: dict[str, str]) -> dict[str, str]:
    for name, form in env.items():
        if not VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is not a variable name")
        if error := form_error(form):
            raise ValueError(f"{name}: {error}")
    return env


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a catalogue with the line of every key, for errors."""

    path: Path
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    def at(self, *place: str | int) -> str:
        """`file:line` of the nearest key that exists on the way to `place`."""
        keys = tuple(str(part) for part in place)
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path}:{self.lines.get(keys, 1)}"


def catalogue_path(fleet: Path) -> Path:
    """Where the catalogue of a fleet directory lies."""
    return fleet / "group_vars" / "all" / "catalogue.yml"


def load(fleet: Path) -> tuple[Catalogue, Source]:
    """Read and validate the catalogue of a fleet directory. Raises ConfigurationError with file, line and what to do."""
    path = catalogue_path(fleet)
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist", hint="Is this a fleet directory? `mycoops init DIR` makes one.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}:1: not UTF-8 text", hint="Save it as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: not YAML: {error.problem}") from None
    source = Source(path)
    if root is not None:
        _index(root, (), source.lines)
    try:
        return Catalogue.model_validate(data or {}), source
    except ValidationError as error:
        raise ConfigurationError(_explain(error, source), hint="Run `mycoops check` again when it is mended.") from None


def _index(node: yaml.Node, place: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            lines[inner] = key.start_mark.line + 1
            _index(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _index(value, (*place, str(number)), lines)


def _explain(error: ValidationError, source: Source) -> str:
    problems = []
    for problem in error.errors(include_input=False, include_url=False):
        place = [part for part in problem["loc"] if part != "[key]"]
        problems.append(
            f"{source.at(*place)}: {'.'.join(str(part) for part in place)}: {problem['msg'].removeprefix('Value error, ')}"
        )
    return "\n".join(problems)
