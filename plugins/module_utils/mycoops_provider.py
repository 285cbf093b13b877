"""One HTTP client for whatever asks a service: it names how a call ended, and says nothing that a value could be in."""

from __future__ import annotations

import base64
import email.utils
import http.client
import json
import ssl
import time
import typing
import urllib.parse

from mycoops_health import LIMIT, look_up
from mycoops_reply import Refusal

Values = typing.Iterable[str]
Rule = typing.Union[int, typing.Mapping[str, typing.Any]]
Rules = typing.Union[Rule, typing.Sequence[Rule]]
RUN, LONGEST_TEXT = 6, 120
"""Characters: what has so many of a value in a row is not shown; nor is more than so many of what a service said."""
WORST = {"new": "refused", "old": "accepted", "random": "accepted"}
"""What the value of a subject counts as that some places accept and others refuse: the reading that claims least."""
WAIT_SECONDS, BUDGET = 5.0, 3
"""The longest Retry-After that is waited for, and how many calls a client makes unless it is told otherwise."""


class Answer:
    """How one call ended. `status` is 0 where no answer came; `error` is then the class of what came instead."""

    def __init__(self, status: int, headers: typing.Mapping[str, str], body: bytes, error: str = "") -> None:
        self.status, self.headers, self.body, self.error = status, headers, body, error

    @property
    def seen(self) -> str:
        """The status or the error class, for evidence: never a value."""
        return str(self.status) if self.status else self.error

    @property
    def data(self) -> typing.Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def find(self, path: str) -> typing.Any:
        """What stands at a path of the JSON body, as `result[0].id`; None where nothing does."""
        found = look_up(self.data, path)
        return found[0] if found else None

    @property
    def throttled(self) -> bool:
        """Whether it says "too many": some services say it with 403."""
        headers = self.headers
        return self.status == 429 or (
            self.status == 403 and ("retry-after" in headers or headers.get("x-ratelimit-remaining") == "0")
        )

    @property
    def retry_after(self) -> float:
        """The seconds it asks to wait, 0 where it does not say."""
        text = self.headers.get("retry-after", "").strip()
        try:
            return max(0.0, float(text))
        except ValueError:
            moment = email.utils.parsedate_tz(text)
            return max(0.0, email.utils.mktime_tz(moment) - time.time()) if moment else 0.0

    def matches(self, rule: Rule) -> bool:
        """Whether it is this status, or this status with these values at these paths of its JSON: {"status", "json"}."""
        if not isinstance(rule, typing.Mapping):
            return self.status == int(rule)
        return self.status == rule["status"] and all(self.find(path) == value for path, value in rule.get("json", {}).items())

    def outcome(self, accepted: Rules = 200, refused: Rules = 401) -> str:
        """`accepted`, `refused`, `forbidden`, `throttled`, and `unreachable` for all that says nothing about a credential."""
        if self.throttled:
            return "throttled"
        for name, rules in (("refused", refused), ("accepted", accepted)):
            if any(self.matches(rule) for rule in (rules if isinstance(rules, (list, tuple)) else [rules])):  # type: ignore[arg-type]
                return name
        return "forbidden" if self.status == 403 else "unreachable"


def send(
    method: str, url: str, headers: typing.Optional[typing.Mapping[str, str]] = None, body: typing.Optional[bytes] = None,
    *, ca_file: typing.Optional[str] = None, timeout: float = 15.0,
) -> Answer:  # fmt: skip
    """One request, without a proxy and without following anything. Raises Refusal `bad_value` for what cannot be sent."""
    try:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            link: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=timeout, context=context
            )
        else:
            link = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        try:
            link.request(method, urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, "")), body, dict(headers or {}))
            reply = link.getresponse()
            return Answer(reply.status, {name.lower(): text for name, text in reply.getheaders()}, reply.read(LIMIT))
        finally:
            link.close()
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, {}, b"", type(error).__name__)
    except ValueError:
        raise Refusal("bad_value", "the value cannot stand in a URL or a header") from None


class Client:
    """Calls below one base URL, no more of them than the budget. A Retry-After is waited for while it is short."""

    def __init__(self, options: typing.Mapping[str, typing.Any], base_url: str = "", budget: int = BUDGET) -> None:
        self.base = str(options.get("base_url") or base_url).rstrip("/")
        self.ca_file, self.timeout = options.get("ca_file"), float(options.get("timeout_seconds") or 8)
        self.longest_wait = float(options.get("retry_seconds", WAIT_SECONDS))
        self.left = budget

    def __call__(
        self, method: str, path: str, headers: typing.Optional[typing.Mapping[str, str]] = None,
        *, data: typing.Any = None, form: typing.Optional[typing.Mapping[str, str]] = None,
    ) -> Answer:  # fmt: skip
        """One call with a JSON body (`data`) or a form. Raises Refusal `no_budget` where there were too many before it."""
        sent, body = {"User-Agent": "mycoops", "Accept": "application/json", **(headers or {})}, None
        if form is not None:
            sent["Content-Type"], body = "application/x-www-form-urlencoded", urllib.parse.urlencode(form).encode()
        elif data is not None:
            sent["Content-Type"], body = "application/json", json.dumps(data).encode()
        while True:
            if self.left <= 0:
                raise Refusal("no_budget", "this needs more calls of the provider than it may make")
            self.left -= 1
            answer = send(method, self.base + path, sent, body, ca_file=self.ca_file, timeout=self.timeout)
            seconds = answer.retry_after
            if not (answer.throttled and self.left > 0 and 0 < seconds <= self.longest_wait):
                return answer
            time.sleep(seconds)


def in_path(value: str) -> str:
    """A value as a part of a URL."""
    return urllib.parse.quote(value, safe=":")


def harmless(text: typing.Any, values: Values) -> str:
    """What a service said, if it is short and has no part of a value in it, in whatever form; else nothing."""
    said = str(text or "")
    if not said.isprintable() or len(said) > LONGEST_TEXT:
        return ""
    for value in values:
        forms = [value, value[::-1], urllib.parse.quote(value, safe=""), base64.b64encode(value.encode()).decode()]
        for form in (one.lower() for one in forms):
            if any(form[at : at + RUN] in said.lower() for at in range(max(1, len(form) - RUN + 1))):
                return ""
    return said


def together(outcomes: typing.Sequence[str], worst: str) -> str:
    """One outcome of several calls: `worst` if seen anywhere, else whatever is no answer, else the one they share."""
    unclear = [outcome for outcome in outcomes if outcome not in ("accepted", "refused")]
    return worst if worst in outcomes else (unclear or list(outcomes))[0]
