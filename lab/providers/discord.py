"""Discord: the one token of a bot, reset by a person; webhooks, which a bot makes and ends, each with a token in its URL.

Documented at docs.discord.com:
  "Webhook Resource", /developers/resources/webhook: POST and GET /channels/{id}/webhooks, GET and DELETE /webhooks/{id}, and
  the same with the token in the path and without authentication; executing one by POST answers 204, or the message where
  `wait` is true
  "User Resource", /developers/resources/user: GET /users/@me; "Gateway", /developers/events/gateway: GET /gateway/bot with
  `session_start_limit`
  "API Reference", /developers/reference: `Authorization: Bot TOKEN`, errors with `code` and `message`; "Opcodes and Status
  Codes", /developers/topics/…: 10003, 10015, 50013, 50027
  "Rate Limits", /developers/topics/rate-limits: 429 with `retry_after`, `global`, `Retry-After`, `X-RateLimit-…`; 50 a second
  for a bot; 10,000 invalid requests in ten minutes end in a ban of the address
(not verified): the parts of a token, 26, 6 and 38 characters; 401 or 404 for a webhook with a wrong token: 401 with 50027
here.
"""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from credentials import URLSAFE, Credential, digits, pick
from limits import Window
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

BASE = "/api/v10"
CODES = {401: 0, 403: 50013, 404: 0, 405: 0}


class Discord(Provider):
    """Bots in guilds, and channels with webhooks."""

    NAME = "discord"
    HOSTS = ("discord.com",)
    SETTINGS: ClassVar[dict[str, Any]] = {"calls_per_second": 50, "logins_per_day": 1000}

    def begin(self) -> None:
        self.channels: dict[str, str] = {}
        self.window = Window()

    def error(self, status: int, message: str, code: int | None = None) -> Reply:
        words = f"{status}: {message}" if status in (401, 404, 405) and code is None else message
        return Reply(status, {"message": words, "code": CODES.get(status, 0) if code is None else code})

    def forbidden(self) -> Reply:
        return self.error(403, "Missing Permissions")

    def throttled(self, seconds: int) -> Reply:
        body = {"message": "You are being rate limited.", "retry_after": float(seconds), "global": True}
        headers = {"Retry-After": str(seconds), "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
        return Reply(429, body, headers)

    def presented(self, request: Request) -> str:
        return request.bearer("Bot") or request.path.partition("/webhooks/")[2].partition("/")[2]

    def caller(self, request: Request, channel: str = "") -> Credential:
        found = self.keys.working(request.bearer("Bot"))
        bot = self.admitted(request, found if found and "bot" in found.about else None, self.error(401, "Unauthorized"))
        _, wait = self.window.take(bot.id, self.clock.now(), self.settings["calls_per_second"], 1)
        if wait:
            raise Refused(self.throttled(wait))
        if channel and channel not in self.channels:
            raise Refused(self.error(404, "Unknown Channel", 10003))
        return bot

    # The bot.

    @route("GET", f"{BASE}/users/@me")
    def me(self, request: Request) -> Reply:
        bot = self.caller(request)
        return Reply(200, {"id": bot.id, "username": bot.name, "discriminator": "0000", "bot": True})

    @route("GET", f"{BASE}/gateway/bot")
    def gateway(self, request: Request) -> Reply:
        used, total = self.caller(request).about["logins"], self.settings["logins_per_day"]
        limit = {"total": total, "remaining": max(0, total - used), "reset_after": 86400000, "max_concurrency": 1}
        return Reply(200, {"url": "wss://gateway.example.org", "shards": 1, "session_start_limit": limit})

    # Webhooks.

    def _public(self, webhook: Credential) -> dict[str, Any]:
        url = f"https://discord.com/api/webhooks/{webhook.id}/{webhook.value}"
        return {
            "id": webhook.id, "type": 1, "name": webhook.name, "channel_id": webhook.about["channel"], "guild_id": "1",
            "application_id": webhook.about["application"], "token": webhook.value, "url": url, "avatar": None,
        }  # fmt: skip

    def _webhook(self, identity: str, token: str | None = None) -> Credential:
        """A webhook by its id, and by its token where the path holds one."""
        found = self.keys.by_id(identity)
        if found is None or "channel" not in found.about:
            raise Refused(self.error(404, "Unknown Webhook", 10015))
        if token is not None and self.keys.working(token) is not found:
            raise Refused(self.error(401, "Invalid Webhook Token", 50027))
        return found

    def _make(self, channel: str, name: str, application: str | None) -> Credential:
        about = {"channel": channel, "application": application}
        return self.keys.add(Credential(digits(19), pick(URLSAFE, 68), name, self.clock.now(), about=about))

    @route("POST", f"{BASE}/channels/{{channel}}/webhooks")
    def create_webhook(self, request: Request, channel: str) -> Reply:
        bot, name = self.caller(request, channel), str(request.json().get("name") or "")
        if not 0 < len(name) <= 80 or "discord" in name.lower() or "clyde" in name.lower():
            raise Refused(self.error(400, "Invalid Form Body", 50035))
        return Reply(200, self._public(self._make(channel, name, bot.id)))

    @route("GET", f"{BASE}/channels/{{channel}}/webhooks")
    def list_webhooks(self, request: Request, channel: str) -> Reply:
        self.caller(request, channel)
        return Reply(200, [self._public(one) for one in self.keys.listed() if one.about.get("channel") == channel])

    @route("GET", f"{BASE}/webhooks/{{webhook}}")
    def get_webhook(self, request: Request, webhook: str) -> Reply:
        self.caller(request)
        return Reply(200, self._public(self._webhook(webhook)))

    @route("DELETE", f"{BASE}/webhooks/{{webhook}}")
    def delete_webhook(self, request: Request, webhook: str) -> Reply:
        self.caller(request)
        self.keys.end(self._webhook(webhook))
        return Reply(204)

    @route("GET", f"{BASE}/webhooks/{{webhook}}/{{token}}")
    def get_webhook_with_token(self, request: Request, webhook: str, token: str) -> Reply:
        return Reply(200, self._public(self._used(request, webhook, token)))

    @route("DELETE", f"{BASE}/webhooks/{{webhook}}/{{token}}")
    def delete_webhook_with_token(self, request: Request, webhook: str, token: str) -> Reply:
        self.keys.end(self._used(request, webhook, token))
        return Reply(204)

    @route("POST", f"{BASE}/webhooks/{{webhook}}/{{token}}")
    def execute_webhook(self, request: Request, webhook: str, token: str) -> Reply:
        found, content = self._used(request, webhook, token), request.json().get("content")
        if not content:
            raise Refused(self.error(400, "Cannot send an empty message", 50006))
        found.about["messages"] = found.about.get("messages", 0) + 1
        message = {"id": digits(19), "channel_id": found.about["channel"], "content": content, "webhook_id": found.id}
        return Reply(200, message) if request.query.get("wait") == "true" else Reply(204)

    def _used(self, request: Request, webhook: str, token: str) -> Credential:
        found = self._webhook(webhook, token)
        return self.admitted(request, found, self.error(401, "Invalid Webhook Token", 50027))

    # What a person does.

    def _token(self, identity: str) -> str:
        first = base64.urlsafe_b64encode(identity.encode()).rstrip(b"=").decode()
        return f"{first}.{pick(URLSAFE, 6)}.{pick(URLSAFE, 38)}"

    @console
    def create_bot(self, name: str) -> dict[str, str]:
        """Developer portal, New application, Bot; the token is shown once."""
        identity = digits(19)
        about = {"bot": True, "logins": 0}
        bot = self.keys.add(Credential(identity, self._token(identity), name, self.clock.now(), about=about))
        return {"id": bot.id, "value": bot.value}

    @console
    def reset_token(self, bot: str) -> dict[str, str]:
        """Developer portal, Bot, Reset Token: the one before ends."""
        old = self.listed(bot)
        self.keys.end(old)
        new = self.keys.add(Credential(old.id, self._token(old.id), old.name, old.created, about=old.about))
        return {"id": new.id, "value": new.value}

    @console
    def log_in(self, bot: str, times: int = 1) -> dict[str, Any]:
        """What a bot does that starts: as often as its budget lasts; beyond that the token is reset, as documented."""
        found = self.listed(bot)
        found.about["logins"] += times
        if found.about["logins"] > self.settings["logins_per_day"]:
            self.reset_token(bot)
            return {"reset": True}
        return {"reset": False}

    @console
    def create_channel(self, name: str) -> dict[str, str]:
        identity = digits(19)
        self.channels[identity] = name
        return {"id": identity}

    @console
    def create_webhook_by_hand(self, channel: str, name: str) -> dict[str, str]:
        """Settings of a channel, Integrations, New webhook."""
        if channel not in self.channels:
            raise BadStep(f"there is no channel {channel}")
        made = self._make(channel, name, None)
        return {"id": made.id, "value": made.value}
