"""NCBI: one key of an account, replaced by a person; who sends none is served too, only slower.

Documented at ncbi.nlm.nih.gov, "A General Introduction to the E-utilities", /books/NBK25497/: /entrez/eutils/einfo.fcgi, GET
or POST, `api_key`, `retmode`; three calls a second for an address, ten with a key; `{"error": "API rate limit exceeded",
"count": "11"}`; and at support.nlm.nih.gov, KA-05317: one key in Account settings, API Key Management, which can be replaced
or deleted.
Seen in public reports, not documented: 400 `{"error": "API key invalid", "api-key": …, "type": "invalid", "status":
"unknown"}`, which quotes the key; in the 429 `api-key` is the key or, without one, the address; `Retry-After: 2`;
`X-RateLimit-Limit` and `X-RateLimit-Remaining`.
(not verified): that a replaced key is refused at once; that keys have 36 hexadecimal digits.
"""

from __future__ import annotations

from typing import Any, ClassVar

from credentials import Credential, digits, pick
from limits import Window
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request, one_each

DATABASES = ["pubmed", "protein", "nuccore", "taxonomy"]


class Ncbi(Provider):
    """Accounts with at most one key each."""

    NAME = "ncbi"
    HOSTS = ("eutils.ncbi.nlm.nih.gov",)
    SETTINGS: ClassVar[dict[str, Any]] = {"per_second": 3, "per_second_with_key": 10}

    def begin(self) -> None:
        self.window = Window()

    def error(self, status: int, message: str) -> Reply:
        return Reply(status, {"error": message})

    def throttled(self, seconds: int) -> Reply:
        limit = self.settings["per_second"]
        body = {"error": "API rate limit exceeded", "api-key": "", "count": str(limit + 1), "limit": str(limit)}
        return Reply(429, body, {"Retry-After": str(seconds)})

    def presented(self, request: Request) -> str:
        return one_each(request.body.decode(errors="replace")).get("api_key") or request.query.get("api_key", "")

    def caller(self, request: Request) -> dict[str, str]:
        """Count a call and return the headers of its answer; raises 400 for a key that is not valid, and 429."""
        value = self.presented(request)
        who, limit = request.client, self.settings["per_second"]
        if value:
            refusal = Reply(400, {"error": "API key invalid", "api-key": value, "type": "invalid", "status": "unknown"})
            who, limit = self.admitted(request, self.keys.working(value), refusal).id, self.settings["per_second_with_key"]
        left, wait = self.window.take(who, self.clock.now(), limit, 1)
        headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left)}
        if wait:
            body = {
                "error": "API rate limit exceeded",
                "api-key": value or request.client,
                "count": str(limit + 1),
                "limit": str(limit),
            }
            raise Refused(Reply(429, body, {**headers, "Retry-After": "2"}))
        return headers

    @route("GET", "/entrez/eutils/einfo.fcgi")
    @route("POST", "/entrez/eutils/einfo.fcgi")
    def einfo(self, request: Request) -> Reply:
        headers, given = self.caller(request), {**request.query, **request.form()}
        if given.get("retmode") == "json":
            return Reply(200, {"header": {"type": "einfo", "version": "0.3"}, "einforesult": {"dblist": DATABASES}}, headers)
        names = "".join(f"<DbName>{name}</DbName>" for name in DATABASES)
        return Reply(
            200, f"<eInfoResult><DbList>{names}</DbList></eInfoResult>", {**headers, "Content-Type": "text/xml; charset=UTF-8"}
        )

    # What a person does.

    @console
    def create_key(self, account: str) -> dict[str, Any]:
        """Account settings, API Key Management, Create an API Key."""
        if any(key.about["account"] == account for key in self.keys.listed()):
            raise BadStep(f"{account} has a key; replace it")
        key = Credential(digits(8), pick("0123456789abcdef", 36), account, self.clock.now(), about={"account": account})
        return {"id": self.keys.add(key).id, "value": key.value}

    @console
    def replace_key(self, account: str) -> dict[str, Any]:
        """The same page, Replace: the key before ends."""
        for key in [key for key in self.keys.listed() if key.about["account"] == account]:
            self.keys.end(key)
        return self.create_key(account)
