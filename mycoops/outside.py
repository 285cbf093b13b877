"""What a fleet declares of consumers that are no services on its hosts: secrets of GitHub Actions."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from mycoops.services import Declared
from mycoops.source import Mistake

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
SECRET = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class GithubSecret(Declared):
    """One secret of GitHub Actions, of a repository, of one of its environments, or of an organisation."""

    repository: str = ""
    """OWNER/NAME."""
    environment: str = ""
    """An environment of the repository; left out, it is the repository's own secret."""
    organisation: str = ""
    """In place of repository: the organisation whose secret it is."""
    secret: str
    """Its name: capital letters, digits and _."""
    form: str = "<value>"
    """What it holds: `<value>`, `<value|url>`, `<principal>` and text around them."""
    token: str
    """The credential whose value may write it: a fine-grained token."""
    visibility: Literal["all", "private"] = "private"
    """Of an organisation's secret that is not there yet; one that is there keeps its own."""
    repositories: tuple[str, ...] = ()
    """Of an organisation's secret: who reads it. They are searched for a secret of the same name, which would hide it."""
    url: str = "https://api.github.com"
    """Where the API is."""
    ca_file: str = ""
    """A file with the authority that signed its certificate, where the system does not know it."""

    @model_validator(mode="after")
    def _scope(self) -> GithubSecret:
        if bool(self.repository) == bool(self.organisation):
            raise Mistake("not exactly one of repository, organisation", "Name whose secret it is.", "secret")
        if self.environment and not self.repository:
            raise Mistake("an environment belongs to a repository", "Name the repository too.", "environment")
        if self.repositories and not self.organisation:
            raise Mistake("only an organisation's secret has repositories", "Take repositories out.", "repositories")
        for name in filter(None, (self.repository, *self.repositories)):
            if not REPOSITORY.fullmatch(name):
                raise Mistake(f"{name!r} is not the name of a repository", "Write OWNER/NAME.")
        if self.organisation and not OWNER.fullmatch(self.organisation):
            raise Mistake(f"{self.organisation!r} is not the name of an organisation", "Letters, digits and -.", "organisation")
        return self

    @field_validator("secret")
    @classmethod
    def _named(cls, secret: str) -> str:
        if not SECRET.fullmatch(secret):
            raise Mistake(f"{secret!r} is not the name of a secret", "Capital letters, digits and _; no digit or GITHUB_ first.")
        return secret

    @field_validator("url")
    @classmethod
    def _guarded(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Mistake("the token would be sent in clear", "Use https; http is for this machine alone.")
        return url.rstrip("/")

    @property
    def name(self) -> str:
        """How journal, log and commands name it."""
        scope = "/".join(filter(None, (self.organisation or self.repository, self.environment)))
        return f"github:{scope}:{self.secret}"
