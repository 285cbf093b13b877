"""The kinds jwt_key and service_token against a real HTTP server: one that does not check is never taken for one that does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from kind_programs import calling, new_value
from kind_servers import WebServer, free_port

jwt = calling("kind_jwt_key", "jwt_probe")
token = calling("kind_service_token", "token_probe")
Answer = Callable[[dict[str, str]], int]


def ask(call: Any, web: WebServer, value: str, subject: str = "new", entry: str = "probe", **options: Any) -> dict[str, Any]:
    where = {"url": web.url, "verify_url": web.url}
    return dict(call({"id": "1", "entry": entry, "subject": subject, "value": value, "options": {**where, **options}}))


def verifying(*keys: str, allow_none: bool = False) -> Answer:
    """A service that verifies HS256 with a list of keys; careless ones also take `alg: none`."""

    def answer(headers: dict[str, str]) -> int:
        text = headers.get("Authorization", "").removeprefix("Bearer ")
        signed, _, signature = text.rpartition(".")
        head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
        if head["alg"] == "none":
            return 200 if allow_none else 401
        made = [base64.urlsafe_b64encode(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()) for key in keys]
        return 200 if signature.encode() in [one.rstrip(b"=") for one in made] and claims["exp"] > time.time() else 401

    return answer


def listing(*tokens: str) -> Answer:
    return lambda headers: 200 if headers.get("X-Service-Token") in tokens else 401


class TestJwt:
    def test_a_verifying_service_accepts_its_keys_and_nothing_else(self, web: WebServer) -> None:
        old, new = new_value(), new_value()
        web.answer = verifying(old, new)
        assert ask(jwt, web, new)["outcome"] == ask(jwt, web, old, "old")["outcome"] == "accepted"
        web.answer = verifying(new)
        assert ask(jwt, web, old, "old")["outcome"] == "refused"
        control = ask(jwt, web, new_value(), "random")
        assert control["outcome"] == "refused"
        assert (control["evidence"]["signed"], control["evidence"]["alg_none"]) == ("401", "401")

    def test_a_service_that_takes_alg_none_fails_the_control(self, web: WebServer) -> None:
        web.answer = verifying(new_value(), allow_none=True)
        assert ask(jwt, web, new_value(), "random")["outcome"] == "accepted"
        assert ask(jwt, web, new_value(), "random", "preflight")["error"]["code"] == "cannot_verify"

    def test_claims_of_the_option_are_in_the_token(self, web: WebServer) -> None:
        seen: list[dict[str, Any]] = []

        def answer(headers: dict[str, str]) -> int:
            seen.append(json.loads(base64.urlsafe_b64decode(headers["Authorization"].split(".")[1] + "==")))
            return 200

        web.answer = answer
        ask(jwt, web, new_value(), claims={"iss": "lab", "sub": "me"}, ttl_seconds=5)
        assert (seen[0]["iss"], seen[0]["sub"], seen[0]["exp"] - seen[0]["iat"]) == ("lab", "me", 5)

    def test_the_key_is_sent_to_nobody(self, web: WebServer) -> None:
        key = new_value()
        reply = ask(jwt, web, key)
        assert key not in str(web.seen) + str(reply)

    def test_instances_that_differ_count_for_the_worse(self, web: WebServer) -> None:
        other = WebServer()
        both, old, new = [web.url, other.url], new_value(), new_value()
        web.answer, other.answer = verifying(new), verifying(old)
        try:
            assert ask(jwt, web, new, verify_url=both)["outcome"] == "refused"
            assert ask(jwt, web, old, "old", verify_url=both)["outcome"] == "accepted"
        finally:
            other.stop()
        assert ask(jwt, web, new, verify_url=both)["outcome"] == "unreachable"


class TestServiceToken:
    def test_a_listed_token_is_accepted_and_a_dropped_one_refused(self, web: WebServer) -> None:
        old, new = new_value(), new_value()
        web.answer = listing(old, new)
        assert ask(token, web, new)["outcome"] == ask(token, web, old, "old")["outcome"] == "accepted"
        web.answer = listing(new)
        assert ask(token, web, old, "old")["outcome"] == "refused"
        assert ask(token, web, new_value(), "random")["outcome"] == "refused"
        assert ask(token, web, new_value(), "random", "preflight")["done"] is True

    @pytest.mark.parametrize(
        "open_to", [lambda headers: "X-Service-Token" not in headers, lambda headers: not headers.get("X-Service-Token")]
    )
    def test_a_service_that_fails_open_fails_the_control(self, web: WebServer, open_to: Callable[[dict[str, str]], bool]) -> None:
        web.answer = lambda headers: 200 if open_to(headers) else 401
        assert ask(token, web, new_value(), "random")["outcome"] == "accepted"
        assert ask(token, web, new_value(), "random", "preflight")["error"]["code"] == "cannot_verify"

    def test_header_and_prefix_are_options(self, web: WebServer) -> None:
        value = new_value()
        web.answer = lambda headers: 200 if headers.get("Authorization") == f"Bearer {value}" else 401
        assert ask(token, web, value, header="Authorization", prefix="Bearer ")["outcome"] == "accepted"

    def test_a_value_that_no_header_can_hold_is_named_without_it(self, web: WebServer) -> None:
        value = new_value() + "\nX-Other: 1"
        reply = ask(token, web, value)
        assert reply["error"]["code"] == "bad_value"
        assert value not in str(reply)


@pytest.mark.parametrize("call", [jwt, token])
class TestBoth:
    @pytest.mark.parametrize(
        ("status", "outcome"),
        [(403, "forbidden"), (429, "throttled"), (500, "unreachable"), (302, "unreachable"), (404, "unreachable")],
    )
    def test_other_statuses_prove_nothing(self, web: WebServer, call: Any, status: int, outcome: str) -> None:
        web.answer = lambda headers: status
        assert ask(call, web, new_value())["outcome"] == outcome
        assert len(web.seen) == 1, "a redirect is not followed"

    def test_statuses_can_be_declared(self, web: WebServer, call: Any) -> None:
        web.answer = lambda headers: 403
        assert ask(call, web, new_value(), refused_status=[403])["outcome"] == "refused"
        web.answer = lambda headers: 204
        assert ask(call, web, new_value(), accepted_status=[204])["outcome"] == "accepted"

    def test_nothing_listening_is_unreachable(self, web: WebServer, call: Any) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}/"
        assert ask(call, web, new_value(), url=nowhere, verify_url=nowhere)["outcome"] == "unreachable"
        reply = ask(call, web, new_value(), "random", "preflight", url=nowhere, verify_url=nowhere)
        assert reply["error"]["code"] == "unreachable"

    def test_a_proxy_of_the_environment_is_not_used(self, web: WebServer, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        web.answer = lambda headers: 200
        assert ask(call, web, new_value())["outcome"] == "accepted"
