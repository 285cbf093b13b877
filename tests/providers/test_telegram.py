"""Telegram: the token is in the path, dies when it is revoked, and only one may poll with it."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.providers.server import Answer, Providers

POLL = 5


def call(providers: Providers, value: str, method: str = "getMe", **form: str) -> Answer:
    return providers.at("telegram")("POST" if form else "GET", f"/bot{value}/{method}", form=form or None)


@pytest.fixture
def bot(providers: Providers) -> dict[str, str]:
    found: dict[str, str] = providers.step("telegram", "create_bot", name="keeper")
    return found


def test_a_revoked_token_is_refused(providers: Providers, bot: dict[str, str]) -> None:
    assert re.fullmatch(r"\d{10}:[A-Za-z0-9_-]{35}", bot["value"])
    assert call(providers, bot["value"]).json["result"]["id"] == int(bot["id"])
    new = providers.step("telegram", "revoke_token", bot=bot["id"])
    told = call(providers, bot["value"])
    assert (told.status, told.json) == (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert call(providers, new["value"]).json["result"]["id"] == int(bot["id"])
    assert call(providers, bot["value"].replace(":", "%3A")).status == 401
    assert call(providers, new["value"].replace(":", "%3A")).status == 200


def test_what_is_no_token_is_not_found(providers: Providers, bot: dict[str, str]) -> None:
    assert call(providers, "nonsense").status == 404
    assert call(providers, bot["value"], "noMethod").status == 404


def test_a_throttled_reply_says_when_in_its_body(providers: Providers, bot: dict[str, str]) -> None:
    providers.switch("telegram", "throttle", retry_after=9)
    assert call(providers, bot["value"]).json["parameters"] == {"retry_after": 9}


def test_the_second_poller_ends_the_first(providers: Providers, bot: dict[str, str]) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(call, providers, bot["value"], "getUpdates", timeout=str(POLL))
        while not providers.ask("GET", "/telegram")["credentials"][0]["last_used"]:
            time.sleep(0.01)
        begun = time.monotonic()
        assert call(providers, bot["value"], "getUpdates", timeout="0").json == {"ok": True, "result": []}
        told = first.result()
    assert time.monotonic() - begun < POLL
    assert (told.status, told.json["description"].startswith("Conflict: terminated by other getUpdates request")) == (409, True)


def test_a_poll_holds_up_nobody_else(providers: Providers, bot: dict[str, str]) -> None:
    thread = threading.Thread(target=call, args=(providers, bot["value"], "getUpdates"), kwargs={"timeout": "0.5"})
    thread.start()
    assert call(providers, bot["value"]).status == 200
    thread.join()


def test_a_revocation_ends_a_poll(providers: Providers, bot: dict[str, str]) -> None:
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(call, providers, bot["value"], "getUpdates", timeout=str(POLL))
        while not providers.ask("GET", "/telegram")["credentials"][0]["last_used"]:
            time.sleep(0.01)
        providers.step("telegram", "revoke_token", bot=bot["id"])
        assert poll.result().status == 401


def test_a_manager_replaces_the_token_of_its_bot_and_of_no_other(providers: Providers, bot: dict[str, str]) -> None:
    managed = providers.step("telegram", "create_bot", name="managed", manager=bot["id"])
    assert call(providers, bot["value"], "getManagedBotToken", user_id=managed["id"]).json["result"] == managed["value"]
    new = call(providers, bot["value"], "replaceManagedBotToken", user_id=managed["id"]).json["result"]
    assert (call(providers, managed["value"]).status, call(providers, new).status) == (401, 200)
    assert call(providers, new, "replaceManagedBotToken", user_id=bot["id"]).status == 400
    assert call(providers, bot["value"]).status == 200


def test_a_death_propagates(providers: Providers, bot: dict[str, str]) -> None:
    providers.switch("telegram", "propagation", old_seconds=5)
    providers.step("telegram", "revoke_token", bot=bot["id"])
    assert call(providers, bot["value"]).status == 200
    providers.later(6)
    assert call(providers, bot["value"]).status == 401
