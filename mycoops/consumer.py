"""What a fleet declares of one use of a credential: a service, the rotator, or a place outside the hosts."""

from __future__ import annotations

import re

from pydantic import ConfigDict, Field, field_validator, model_validator

from mycoops.outside import GithubSecret
from mycoops.services import Declared, Reader, one_of
from mycoops.source import Mistake
from mycoops.values import form_error

ENTRY = re.compile(r"""[^\s"'=]+""")
"""What may be called so in some file; whether its own file takes it, is checked with the file."""
DEVELOPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
USERS = ("service", "rotator", "github", "developer", "manual")
"""What a consumer can be."""
ROTATOR = "rotator"
"""The name under which the control node itself is a consumer."""


class Consumer(Declared):
    """One use of a credential: a service's variables, the rotator itself, or a place outside the hosts."""

    model_config = ConfigDict(json_schema_extra=one_of(*USERS))

    service: str = ""
    """A name under mycoops_services."""
    env: dict[str, str] = Field(default_factory=dict)
    """Every variable that holds the value, with its form: `<value>`, `<value|url>`, `<principal>` and text around them."""
    next: dict[str, str] = Field(default_factory=dict)
    """Of a credential with one slot: the variables in which the service reads the next value too, empty but around a cut."""
    rotator: bool = False
    """mycoops itself is the user, and no other."""
    github: GithubSecret | None = None
    """A secret of GitHub Actions."""
    developer: str = ""
    """Somebody who fetches the value with `mycoops pull` into an env file of a machine that mycoops does not reach."""
    path: str = ".env"
    """Of a developer: the env file, relative to where `mycoops pull` is told to write."""
    readers: tuple[Reader, ...] = ("python-dotenv", "node")
    """Of a developer: every parser that reads the env file."""
    manual: str = ""
    """A store inside another system, in a few words: a person puts the value there, and says so with `mycoops acknowledge`."""
    page: str = ""
    """Of a manual consumer: where that is done."""
    check: str = ""
    """Of a manual consumer: what the person looks at before saying so."""
    within_days: int = Field(default=7, ge=1)
    """By when a person has to acknowledge; afterwards the rotation is stopped and not only waits."""

    @property
    def name(self) -> str:
        """How journal, log and commands name it."""
        if self.github:
            return self.github.name
        if self.developer:
            return f"developer:{self.developer}" + (f":{self.path}" if self.path != ".env" else "")
        return f"manual:{self.manual}" if self.manual else self.service or ROTATOR

    @property
    def outside(self) -> bool:
        """Whether it is neither a service of ours nor the rotator."""
        return bool(self.github or self.developer or self.manual)

    @model_validator(mode="after")
    def _shape(self) -> Consumer:
        if sum(bool(getattr(self, name)) for name in USERS) != 1:
            raise Mistake(f"not exactly one of {', '.join(USERS)}", "Name the service, or say rotator: true.")
        user = self.service or self.developer
        if user and not self.env:
            raise Mistake(
                f"{user} gets no variable", "Name them: env: {NAME: <value>}.", "service" if self.service else "developer"
            )
        if self.developer and not DEVELOPER.fullmatch(self.developer):
            raise Mistake(f"{self.developer!r} is not the name of a developer", "Letters, digits, ., - and _.", "developer")
        if self.developer and not _below(self.path):
            fix = "Write it with /, relative to where `mycoops pull` writes; on Windows run that in WSL."
            raise Mistake(f"{self.path!r} is not a path below a directory", fix, "path")
        if self.env and not user:
            raise Mistake(f"{self.name} reads no variables", "Take env out.", "env")
        if self.next and not self.service:
            who = "the rotator reads no variables" if self.rotator else f"{self.name} reads no next value"
            raise Mistake(who, "Take next out: only a service tries both values, and the rotator by itself.", "next")
        if both := sorted(self.env.keys() & self.next.keys()):
            raise Mistake(f"{both[0]} holds the present value and the next one", "Use another variable for the next value.", "next")
        return self

    @field_validator("env")
    @classmethod
    def _forms(cls, env: dict[str, str]) -> dict[str, str]:
        return checked_forms(env)

    @field_validator("next")
    @classmethod
    def _next_forms(cls, following: dict[str, str]) -> dict[str, str]:
        for name, form in checked_forms(following).items():
            if "<value" not in form:
                raise Mistake(
                    f"{name} does not hold the next value", "Write <value> or <value|url>, with any text around it.", name
                )
        return following


def _below(path: str) -> bool:
    """Whether a path stays below the directory it is relative to, here and on Windows."""
    parts = path.split("/")
    return bool(path) and "\\" not in path and ":" not in path and not {"", ".", ".."} & set(parts)


def checked_forms(env: dict[str, str]) -> dict[str, str]:
    """Variables with their forms, as they are. Raises Mistake for one that cannot be."""
    for name, form in env.items():
        if not ENTRY.fullmatch(name):
            raise Mistake(f"{name!r} is not the name of a variable or an entry", "No blanks, quotes, = or line breaks.", name)
        if error := form_error(form):
            raise Mistake(
                f"{name}: {error}", "Write <value>, <value|url>, <principal> or <accepted|csv>, with any text around it.", name
            )
    return env
