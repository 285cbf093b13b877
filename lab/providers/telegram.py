"""Telegram: the one token of a bot, in the path of every call; one poller at a time; a manager replaces those of its bots.

Documented at core.telegram.org:
  "Telegram Bot API", /bots/api: /bot<token>/METHOD, GET or POST; `{"ok": true, "result"}` and `{"ok": false, "error_code",
  "description", "parameters"}`; getMe, getUpdates, getManagedBotToken, replaceManagedBotToken; `retry_after` of
  ResponseParameters
  "From BotFather to 'Hello World'", /bots/tutorial: the form NUMBER:TEXT; /revoke and /token of BotFather, after which the
  token before is invalid
  "Bots FAQ", /bots/faq: about 30 messages a second, no number for other calls
Seen in public reports, not documented: 401 "Unauthorized", 404 "Not Found" for a token of no such form or a method that does
not exist, 409 "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
`Retry-After` in the header as well.
(not verified): 35 characters behind the colon; who may replace a managed bot's token: the bot that is its manager.
"""

from __future__ import annotations

import re
import time
from typing import Any

from credentials import URLSAFE, Credential, digits, pick
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

TOKEN = re.compile(r"\d{6,}:[A-Za-z0-9_-]{30,}")
LONGEST_POLL = 50.0
STEP = 0.02


def seconds(text: object) -> float:
    """A number in a parameter; nothing where it is none."""
    return float(str(text)) if re.fullmatch(r"\d+(\.\d+)?", str(text)) else 0.0


class Telegram(Provider):
    """Bots, each with its token and with who polls it."""

    NAME = "telegram"
    HOSTS = ("api.telegram.org",)

    def begin(self) -> None:
        self.polls: dict[str, int] = {}

    def error(self, status: int, message: str) -> Reply:
        return Reply(status, {"ok": False, "error_code": status, "description": message})

    def forbidden(self) -> Reply:
        return self.error(403, "Forbidden: bot was blocked by the user")

    def throttled(self, seconds: int) -> Reply:
        reply = self.error(429, f"Too Many Requests: retry after {seconds}")
        reply.body["parameters"] = {"retry_after": seconds}
        reply.headers["Retry-After"] = str(seconds)
        return reply

    def presented(self, request: Request) -> str:
        return request.path.removeprefix("/bot").partition("/")[0].replace("%3A", ":")

    def caller(self, request: Request, token: str) -> Credential:
        if not TOKEN.fullmatch(token):
            raise Refused(self.error(404, "Not Found"))
        return self.admitted(request, self.keys.working(token), self.error(401, "Unauthorized"))

    def result(self, found: Any) -> Reply:
        return Reply(200, {"ok": True, "result": found})

    @route("GET", "/bot{token}/getMe")
    @route("POST", "/bot{token}/getMe")
    def get_me(self, request: Request, token: str) -> Reply:
        bot = self.caller(request, token)
        return self.result({"id": int(bot.id), "is_bot": True, "first_name": bot.name, "username": f"{bot.name}_bot"})

    @route("GET", "/bot{token}/getUpdates", waits=True)
    @route("POST", "/bot{token}/getUpdates", waits=True)
    def get_updates(self, request: Request, token: str) -> Reply:
        """A long poll: a later one ends it, and it says so."""
        with self.lock:
            bot = self.caller(request, token)
            mine = self.polls[bot.id] = self.polls.get(bot.id, 0) + 1
        given = {**request.query, **request.fields()}
        until = time.monotonic() + min(seconds(given.get("timeout", "0")), LONGEST_POLL)
        while time.monotonic() < until:
            if self.polls.get(bot.id) != mine:
                words = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
                raise Refused(self.error(409, words))
            if self.keys.working(token) is None:
                raise Refused(self.error(401, "Unauthorized"))
            time.sleep(STEP)
        return self.result([])

    # Managed bots.

    def _managed(self, request: Request, token: str) -> Credential:
        manager, given = self.caller(request, token), {**request.query, **request.fields()}
        found = self.keys.by_id(str(given.get("user_id", "")))
        if found is None or found.about["manager"] != manager.id:
            raise Refused(self.error(400, "Bad Request: BOT_INVALID"))
        return found

    @route("POST", "/bot{token}/getManagedBotToken")
    def get_managed_bot_token(self, request: Request, token: str) -> Reply:
        return self.result(self._managed(request, token).value)

    @route("POST", "/bot{token}/replaceManagedBotToken")
    def replace_managed_bot_token(self, request: Request, token: str) -> Reply:
        return self.result(self._replaced(self._managed(request, token)).value)

    def _make(self, identity: str, name: str, manager: str | None) -> Credential:
        value = f"{identity}:{pick(URLSAFE, 35)}"
        return self.keys.add(Credential(identity, value, name, self.clock.now(), about={"manager": manager}))

    def _replaced(self, old: Credential) -> Credential:
        self.keys.end(old)
        return self._make(old.id, old.name, old.about["manager"])

    # What a person does.

    @console
    def create_bot(self, name: str, manager: str | None = None) -> dict[str, str]:
        """BotFather, /newbot; or a bot that another one manages."""
        if manager is not None and not self.keys.by_id(manager):
            raise BadStep(f"there is no bot {manager}")
        bot = self._make(digits(10), name, manager)
        return {"id": bot.id, "value": bot.value}

    @console
    def revoke_token(self, bot: str) -> dict[str, str]:
        """BotFather, /revoke: the bot gets another token, the one before ends."""
        new = self._replaced(self.listed(bot))
        return {"id": new.id, "value": new.value}
