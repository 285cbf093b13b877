"""What a fleet declares: credentials, services, policy; every error names file and line."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from mycoops import source as source_file
from mycoops.checklist import CATEGORIES, ITEMS, POLICY, QUARTER_MONTH, Windows, quarter_of
from mycoops.consumer import Consumer, checked_forms
from mycoops.errors import ConfigurationError
from mycoops.reminders import Reminders
from mycoops.services import Declared, Service, one_of
from mycoops.source import Mistake, Source

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
ORDINARY_YEAR = 2001
"""One without a 29th of February."""


class VaultPassword(Declared):
    """Where the vault password comes from; never an environment value."""

    model_config = ConfigDict(json_schema_extra=one_of("file", "script", "prompt"))

    file: str = ""
    """A file that holds it, mode 0600; a relative path is below this control node's state directory."""
    script: str = ""
    """A program that prints it; a relative path is below this control node's state directory."""
    prompt: bool = False
    """Ask for it on the terminal."""

    @model_validator(mode="after")
    def _one(self) -> VaultPassword:
        if sum((bool(self.file), bool(self.script), self.prompt)) != 1:
            raise Mistake("not exactly one source of the vault password", "Give one of file, script, prompt: true.")
        return self


class Approval(Declared):
    """Whether one person is enough."""

    required: bool = False
    """A second person approves the plan before the first step without a way back: `mycoops approve`."""


class Fleet(Declared):
    """Settings of the whole fleet."""

    name: str
    """Lower-case letters, digits, - and _; names this control node's state directory."""
    owner: str
    """Who answers for the rotation windows, and for every credential that names nobody else."""
    vault_password: VaultPassword
    host_order: tuple[str, ...] = ()
    """The order in which hosts are switched, the canary first; others follow by name."""
    soak_seconds: int = Field(default=0, ge=0)
    """How long nobody may use an old value before it is revoked."""
    wave: int = Field(default=1, ge=1)
    """Hosts switched at once; never two of one service group."""
    forks: int = Field(default=10, ge=1, le=50)
    """Hosts spoken to at once; each costs about 20 MB."""
    window_days: int = Field(default=7, ge=1, le=28)
    """Length of a rotation window, from its first day on."""
    window_opens: tuple[str, ...] = Field(default=POLICY.opens, json_schema_extra={"minItems": 4, "maxItems": 4})
    """The first day of the rotation window of each quarter, as MM-DD in quotes; a window lies within its quarter."""
    person_days: int = Field(default=7, ge=1)
    """How long a person may take for a step of a rotation, before it counts as overdue."""
    roles_path: tuple[str, ...] = ()
    """Folders with kinds of your own, relative to the fleet directory."""
    approval: Approval = Field(default_factory=Approval)
    """Of every credential that does not say otherwise itself."""
    reminders: Reminders = Field(default_factory=Reminders)
    """Who is told what is due, overdue or waiting."""

    @field_validator("host_order")
    @classmethod
    def _once(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [host for host, number in Counter(hosts).items() if number > 1]:
            raise Mistake(f"{', '.join(twice)} stands here more than once", "Name each host once.")
        return hosts

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            raise Mistake("not a name of a fleet", "Use lower-case letters, digits, - and _.")
        return name

    @model_validator(mode="after")
    def _windows(self) -> Fleet:
        if len(self.window_opens) != len(QUARTER_MONTH):
            raise Mistake("not four windows", "Give the first day of each quarter's, from January on.", "window_opens")
        for name, text in zip(QUARTER_MONTH, self.window_opens, strict=True):
            try:
                opens = datetime.strptime(f"{ORDINARY_YEAR}-{text}", "%Y-%m-%d").date()
            except ValueError:
                raise Mistake(f"{text!r} is not a day of every year", 'Write "MM-DD".', "window_opens") from None
            if {quarter_of(opens).name, quarter_of(opens + timedelta(days=self.window_days - 1)).name} != {name}:
                raise Mistake(f"a window of {self.window_days} days from {text} is not within {name}", "Move it.", "window_opens")
        return self

    @property
    def windows(self) -> Windows:
        """When rotations are due."""
        return Windows(self.window_days, self.window_opens)


class Authority(Declared):
    """Whatever accepts or refuses a credential."""

    host: str = ""
    """Where the entry points of the kind run."""
    hosts: tuple[str, ...] = ()
    """In place of host: several, all of which accept the same value."""
    services: tuple[str, ...] = ()
    """In place of host: the services that verify by a list of values in their env file."""
    admin: str = ""
    """The credential that may change others at this authority."""
    accepts: dict[str, str] = Field(default_factory=dict)
    """The variables that hold the list: `<accepted|csv>` or `<accepted|json>`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the kind asks for; the README of its role lists it."""

    @field_validator("accepts")
    @classmethod
    def _forms(cls, accepts: dict[str, str]) -> dict[str, str]:
        return checked_forms(accepts)

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """The hosts on which its entry points run."""
        return (self.host,) if self.host else self.hosts


class Credential(Declared):
    """One declared secret."""

    kind: str
    """The role kind_<name> that knows how it is made valid, tried and revoked."""
    category: str = Field(json_schema_extra={"enum": [*CATEGORIES]})
    """Its category on the rotation checklist."""
    item: str = Field(default="", json_schema_extra={"enum": ["", *ITEMS]})
    """The item of the checklist it answers, if it is on it."""
    purpose: Literal["auth", "sign", "encrypt"] = "auth"
    """What encrypts is refused: replacing such a key destroys data."""
    principal: str = ""
    """The login it belongs to, without the suffix of a slot."""
    owner: str = ""
    """Who answers for its rotation, and does a person's steps of it; left out, the owner of the fleet."""
    person_days: int | None = Field(default=None, ge=1)
    """How long a person may take for such a step; left out, it is as the fleet says."""
    cadence_days: int | None = Field(default=None, ge=1)
    """How old a value may become, where that is less than from one window to the next: it is due then, window or not."""
    approval: bool | None = None
    """Whether a second person approves its rotation; left out, it is as the fleet says."""
    authority: Authority
    consumers: tuple[Consumer, ...] = Field(json_schema_extra={"minItems": 1})
    """Everyone who uses the value."""

    @field_validator("consumers")
    @classmethod
    def _used(cls, consumers: tuple[Consumer, ...]) -> tuple[Consumer, ...]:
        if not consumers:
            raise Mistake("a credential without a consumer", "Name who uses it: a service, or rotator: true.")
        return consumers

    @model_validator(mode="after")
    def _listed(self) -> Credential:
        if self.category not in CATEGORIES:
            raise Mistake(f"unknown category {self.category}", f"One of: {', '.join(CATEGORIES)}.", "category")
        if self.item and ITEMS.get(self.item, ("",))[0] != self.category:
            items = ", ".join(item for item, (category, _) in ITEMS.items() if category == self.category)
            raise Mistake(f"{self.item} is not an item of {self.category}", f"One of: {items}.", "item")
        return self

    @property
    def services(self) -> tuple[Consumer, ...]:
        """The consumers that are services, in order."""
        return tuple(consumer for consumer in self.consumers if consumer.service)

    @property
    def outside(self) -> tuple[Consumer, ...]:
        """The consumers outside the hosts, in order."""
        return tuple(consumer for consumer in self.consumers if consumer.outside)

    @property
    def ahead(self) -> tuple[str, ...]:
        """The services that read a next value, in order."""
        return tuple(consumer.service for consumer in self.consumers if consumer.next)


class Catalogue(Declared):
    """The whole declaration of a fleet, as in group_vars/all/catalogue.yml."""

    mycoops_fleet: Fleet
    mycoops_services: dict[str, Service] = Field(default_factory=dict)
    mycoops_credentials: dict[str, Credential] = Field(default_factory=dict)
    mycoops_not_applicable: dict[str, str] = Field(default_factory=dict, json_schema_extra={"propertyNames": {"enum": [*ITEMS]}})
    """Items of the checklist that no credential answers, each with its reason."""

    @field_validator("mycoops_credentials")
    @classmethod
    def _ids(cls, credentials: dict[str, Credential]) -> dict[str, Credential]:
        for name in credentials:
            if not IDENTIFIER.fullmatch(name):
                raise Mistake(f"{name!r} is not the id of a credential", "Use lower-case letters, digits and _.", name)
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

    def owner_of(self, credential: str) -> str:
        """Who answers for the rotation of a credential."""
        return self.credentials[credential].owner or self.fleet.owner

    def needs_approval(self, credential: str) -> bool:
        """Whether a second person has to approve before the old value of a credential is ended."""
        own = self.credentials[credential].approval
        return self.fleet.approval.required if own is None else own

    def owner(self, credential: str) -> str:
        """Who does a person's steps of a credential's rotation."""
        return self.credentials[credential].owner or self.fleet.owner

    def person_days(self, credential: str) -> int:
        """How many days a person may take for a step of a credential's rotation."""
        return self.credentials[credential].person_days or self.fleet.person_days

    def readers(self, host: str, path: str) -> list[str]:
        """Every parser that reads an env file on a host, whichever service declares it."""
        services = [service for service in self.services.values() if service.host == host]
        files = [file for service in services for file in service.all_files if file.path == path]
        return list(dict.fromkeys(reader for file in files for reader in file.readers))


def catalogue_path(fleet: Path) -> Path:
    """Where the catalogue of a fleet directory lies."""
    return fleet / "group_vars" / "all" / "catalogue.yml"


def load(fleet: Path) -> tuple[Catalogue, Source]:
    """Read and validate the catalogue of a fleet directory. Raises ConfigurationError with file, line and what to do."""
    path = catalogue_path(fleet)
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist", hint="Is this a fleet directory? `mycoops init DIR` makes one.")
    data, source = source_file.read(path)
    return source_file.validated(Catalogue, data, source, "`mycoops check --schema` says what may stand here."), source
