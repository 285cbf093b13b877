"""Discord: one token for a bot, which a reset ends; webhooks beside it, made and ended by API, several at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.server import Answer, Lost, Providers, bearer

TAG = "mycoops/alerts/g2/r1"


class Guild:
    """A bot, and a channel."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("discord")
        self.bot = providers.step("discord", "create_bot", name="keeper")
        self.channel = providers.step("discord", "create_channel", name="alerts")["id"]

    def __call__(self, method: str, path: str, body: Any = None, value: str = "") -> Answer:
        return self.ask(method, f"/api/v10{path}", bearer(value or self.bot["value"], "Bot"), body=body)

    def bare(self, method: str, path: str, body: Any = None) -> Answer:
        """Without authentication: the token is in the path."""
        return self.ask(method, f"/api/v10{path}", body=body)

    def webhook(self, name: str = TAG) -> str:
        made = self("POST", f"/channels/{self.channel}/webhooks", {"name": name}).json
        return f"/webhooks/{made['id']}/{made['token']}"

    def named(self, name: str) -> list[str]:
        found = self("GET", f"/channels/{self.channel}/webhooks").json
        return [webhook["id"] for webhook in found if webhook["name"] == name]


@pytest.fixture
def guild(providers: Providers) -> Guild:
    return Guild(providers)


def test_a_reset_ends_the_token_before(guild: Guild) -> None:
    assert guild("GET", "/users/@me").json["id"] == guild.bot["id"]
    new = guild.providers.step("discord", "reset_token", bot=guild.bot["id"])
    told = guild("GET", "/users/@me")
    assert (told.status, told.json) == (401, {"message": "401: Unauthorized", "code": 0})
    assert guild("GET", "/users/@me", value=new["value"]).json["id"] == guild.bot["id"]
    assert guild.ask("GET", "/api/v10/users/@me", bearer(new["value"])).status == 401, "only behind the word Bot"


def test_logins_have_a_budget_and_beyond_it_the_token_is_reset(guild: Guild) -> None:
    assert guild("GET", "/gateway/bot").json["session_start_limit"]["remaining"] == 1000
    assert guild.providers.step("discord", "log_in", bot=guild.bot["id"], times=1000) == {"reset": False}
    assert guild("GET", "/gateway/bot").json["session_start_limit"]["remaining"] == 0
    assert guild.providers.step("discord", "log_in", bot=guild.bot["id"]) == {"reset": True}
    assert guild("GET", "/users/@me").status == 401


def test_two_webhooks_at_a_time_and_one_is_deleted(guild: Guild) -> None:
    old, new = guild.webhook("mycoops/alerts/g1/r1"), guild.webhook()
    assert [guild.bare("GET", path).status for path in (old, new)] == [200, 200]
    assert guild.bare("POST", new, {"content": "hello"}).status == 204
    assert guild.bare("POST", f"{new}?wait=true", {"content": "hello"}).json["content"] == "hello"
    assert guild.bare("DELETE", old).status == 204
    told = guild.bare("GET", old)
    assert (told.status, told.json["code"]) == (404, 10015)
    assert guild.bare("POST", old, {"content": "hello"}).status == 404
    assert guild.bare("GET", new).status == 200


def test_a_webhook_is_found_by_its_tag_and_deleted_by_the_bot(guild: Guild) -> None:
    guild.webhook()
    (found,) = guild.named(TAG)
    assert guild.named("another") == []
    assert guild("GET", f"/webhooks/{found}").json["channel_id"] == guild.channel
    assert guild("DELETE", f"/webhooks/{found}").status == 204
    assert guild.named(TAG) == []
    assert guild("DELETE", f"/webhooks/{found}").status == 404


def test_refusals_of_a_webhook(guild: Guild) -> None:
    path = guild.webhook()
    told = guild.bare("GET", path[:-4] + "0000")
    assert (told.status, told.json["code"]) == (401, 50027)
    assert guild.bare("GET", path.rpartition("/")[0]).status == 401
    assert guild.bare("POST", path, {"content": ""}).status == 400
    assert guild("POST", "/channels/0/webhooks", {"name": "x"}).json["code"] == 10003
    assert guild("POST", f"/channels/{guild.channel}/webhooks", {"name": "my discord"}).status == 400
    assert guild("GET", "/users/@me", value=path.rpartition("/")[2]).status == 401, "a webhook's token opens no bot"


def test_a_webhook_made_by_hand_is_listed_too(guild: Guild) -> None:
    made = guild.providers.step("discord", "create_webhook_by_hand", channel=guild.channel, name="old one")
    assert guild.named("old one") == [made["id"]]
    assert guild.bare("POST", f"/webhooks/{made['id']}/{made['value']}", {"content": "x"}).status == 204


def test_a_lost_reply_leaves_a_webhook_that_is_found_and_deleted(guild: Guild) -> None:
    guild.providers.switch("discord", "lost_reply", method="POST")
    with pytest.raises(Lost):
        guild.webhook()
    (orphan,) = guild.named(TAG)
    guild("DELETE", f"/webhooks/{orphan}")
    assert guild.named(TAG) == []


def test_echo_and_forbid_at_a_webhook(guild: Guild) -> None:
    path = guild.webhook()
    token = path.rpartition("/")[2]
    guild.providers.switch("discord", "forbid")
    assert guild.bare("GET", path).status == 403
    guild.providers.switch("discord", "error")
    assert token not in guild.bare("GET", path).text
    guild.providers.switch("discord", "error")
    guild.providers.switch("discord", "echo")
    assert token in guild.bare("GET", path).text


def test_a_global_limit(guild: Guild) -> None:
    guild.providers.settings("discord", calls_per_second=0)
    told = guild("GET", "/users/@me")
    assert (told.status, told.json["global"], told.json["retry_after"]) == (429, True, float(told.headers["retry-after"]))


def test_a_death_propagates(guild: Guild) -> None:
    guild.providers.switch("discord", "propagation", old_seconds=5)
    guild.providers.step("discord", "reset_token", bot=guild.bot["id"])
    assert guild("GET", "/users/@me").status == 200
    guild.providers.later(6)
    assert guild("GET", "/users/@me").status == 401
