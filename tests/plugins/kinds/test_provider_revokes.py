"""The two kinds whose old value mycoops ends itself, at the provider server: never before the new one works."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from provider_cases import BY_KIND, anthropic, ask, github, github_second

from tests.providers.server import Providers


def outcome(kind: str, providers: Providers, value: str) -> str:
    return str(ask(kind, "probe", BY_KIND[kind].declared(providers.url), value=value)["outcome"])


class TestGitHub:
    def revoke(self, providers: Providers, old: str, new: str, **more: Any) -> dict[str, Any]:
        options = {**BY_KIND["github_pat"].declared(providers.url), "revoke_seconds": 6, **more}
        reply = ask("github_pat", "revoke", options, "github_revoke", value=new, previous_value=old)
        assert old not in str(reply)
        return reply

    def test_it_is_waited_until_github_has_done_it(self, providers: Providers) -> None:
        old, new = github(providers)["value"], github_second(providers)["value"]
        reply = self.revoke(providers, old, new)
        assert (reply["done"], reply["changed"], reply["evidence"]) == (True, True, {"revoked": "202", "old": "refused"})
        assert [outcome("github_pat", providers, value) for value in (old, new)] == ["refused", "accepted"]
        assert self.revoke(providers, old, new)["changed"] is False

    def test_nothing_is_sent_while_the_new_one_is_not_accepted(self, providers: Providers) -> None:
        old = github(providers)["value"]
        reply = self.revoke(providers, old, BY_KIND["github_pat"].random(old))
        assert reply["error"]["code"] == "new_not_accepted"
        assert outcome("github_pat", providers, old) == "accepted"
        assert not [call for call in providers.calls("github") if call["path"] == "/credentials/revoke"]

    @pytest.mark.parametrize("fault", [("lost_reply", {"seconds": 0.1}), ("error", {"status": 502})])
    def test_a_reply_that_is_lost_leaves_the_token_to_be_looked_at(
        self, providers: Providers, fault: tuple[str, dict[str, Any]]
    ) -> None:
        old, new = github(providers)["value"], github_second(providers)["value"]
        providers.switch("github", fault[0], path="revoke", **fault[1])
        reply = self.revoke(providers, old, new)
        if fault[0] == "lost_reply":
            assert reply["evidence"] == {"revoked": "RemoteDisconnected", "old": "refused"}
        else:
            assert reply["error"]["code"] == "not_revoked"
            assert outcome("github_pat", providers, old) == "accepted"

    def test_what_is_still_valid_at_the_end_is_not_called_done(self, providers: Providers) -> None:
        old, new = github(providers)["value"], github_second(providers)["value"]
        providers.settings("github", revocation_seconds=600)
        reply = self.revoke(providers, old, new, revoke_seconds=1)
        assert (reply["error"]["code"], reply["error"]["outcome"]) == ("still_valid", "accepted")
        providers.later(601)
        assert self.revoke(providers, old, new)["done"] is True

    def test_the_limit_for_an_address_is_told(self, providers: Providers) -> None:
        old, new = github(providers)["value"], github_second(providers)["value"]
        providers.settings("github", unauthenticated_per_hour=0)
        reply = self.revoke(providers, old, new)
        assert reply["error"]["code"] == "throttled"
        assert reply["error"]["seconds"] > 3000

    def test_check_mode_sends_nothing(self, providers: Providers) -> None:
        old, new = github(providers)["value"], github_second(providers)["value"]
        options = BY_KIND["github_pat"].declared(providers.url)
        ask("github_pat", "revoke", options, "github_revoke", value=new, previous_value=old, check=True)
        providers.later(600)
        assert outcome("github_pat", providers, old) == "accepted"


class TestAnthropic:
    def call(self, providers: Providers, entry: str, old: dict[str, str], new: str, **more: Any) -> dict[str, Any]:
        options = {**BY_KIND["anthropic_key"].declared(providers.url), "revoke_seconds": 3}
        values = {"value": new, "previous_value": old["value"], "admin_value": old["admin"], **more}
        reply = ask("anthropic_key", entry, options, "anthropic_admin", **values)
        assert not [value for value in (old["value"], new, old["admin"]) if value in str(reply)]
        return reply

    def status(self, providers: Providers, old: dict[str, str]) -> str:
        headers = {"x-api-key": old["admin"], "anthropic-version": "2023-06-01"}
        return str(providers.at("anthropic")("GET", f"/v1/organizations/api_keys/{old['id']}", headers).json["status"])

    def pair(self, providers: Providers) -> tuple[dict[str, str], str]:
        return anthropic(providers), str(providers.step("anthropic", "create_key", name="two")["value"])

    def test_the_old_key_is_archived_and_the_new_one_left_alone(self, providers: Providers) -> None:
        old, new = self.pair(providers)
        for number in range(130):
            providers.step("anthropic", "create_key", name=f"other {number}")
        assert self.call(providers, "preflight", old, new)["done"] is True
        assert self.call(providers, "persist", old, new)["persisted"] is False
        assert self.call(providers, "revoke", old, new)["evidence"] == {"key": old["id"], "was": "active", "is": "archived"}
        assert self.status(providers, old) == "archived"
        assert [outcome("anthropic_key", providers, value) for value in (old["value"], new)] == ["refused", "accepted"]
        assert self.call(providers, "persist", old, new) == {
            "done": True, "persisted": True, "evidence": {"old": "archived", "new": "active"},
        }  # fmt: skip
        assert self.call(providers, "revoke", old, new) == {"done": True, "changed": False, "evidence": {"was": "archived"}}

    def test_nothing_is_touched_while_the_new_key_is_not_accepted(self, providers: Providers) -> None:
        old, new = self.pair(providers)
        assert self.call(providers, "revoke", old, BY_KIND["anthropic_key"].random(new))["error"]["code"] == "new_not_accepted"
        assert self.status(providers, old) == "active"

    def test_an_inactive_key_that_still_works_is_not_archived(self, providers: Providers) -> None:
        old, new = self.pair(providers)
        providers.switch("anthropic", "propagation", old_seconds=600)
        assert self.call(providers, "revoke", old, new)["error"]["code"] == "still_valid"
        assert self.status(providers, old) == "inactive"
        providers.later(601)
        assert self.call(providers, "revoke", old, new)["evidence"]["was"] == "inactive"
        assert self.status(providers, old) == "archived"

    def test_the_old_key_comes_back_where_the_new_one_dies_with_it(self, providers: Providers) -> None:
        old = anthropic(providers)
        new = providers.step("anthropic", "create_key", name="two", expires_in=3600)
        # The new one expires between the two steps: three calls from one to the other.
        providers.switch("anthropic", "latency", seconds=0.6, path="/v1/models", times=1, skip=1)
        reply = self.expiring(providers, old, new["value"])
        assert reply["error"]["code"] == "taken_back"
        assert self.status(providers, old) == "active"
        assert outcome("anthropic_key", providers, old["value"]) == "accepted"

    def expiring(self, providers: Providers, old: dict[str, str], new: str) -> dict[str, Any]:
        """Revoke, and let the new key end while the old one is looked at."""
        timer = threading.Timer(0.3, lambda: providers.later(3601))
        timer.start()
        try:
            return self.call(providers, "revoke", old, new)
        finally:
            timer.join()

    @pytest.mark.parametrize("fault", ["lost_reply", "error"])
    def test_a_lost_reply_of_the_admin_api_is_looked_up(self, providers: Providers, fault: str) -> None:
        old, new = self.pair(providers)
        more = {"seconds": 0.1} if fault == "lost_reply" else {"status": 529, "after_effect": True}
        providers.switch("anthropic", fault, method="POST", **more)
        assert self.call(providers, "revoke", old, new)["done"] is True
        assert self.status(providers, old) == "archived"

    def test_a_change_that_was_not_made_is_told(self, providers: Providers) -> None:
        old, new = self.pair(providers)
        providers.switch("anthropic", "error", method="POST", status=529)
        assert self.call(providers, "revoke", old, new)["error"]["code"] == "not_changed"
        assert outcome("anthropic_key", providers, old["value"]) == "accepted"

    def test_without_an_administrator_it_says_what_is_missing(self, providers: Providers) -> None:
        old, new = self.pair(providers)
        assert self.call(providers, "preflight", old, new, admin_value=None)["error"]["code"] == "no_admin"
        assert self.call(providers, "preflight", old, new, admin_value=new)["error"]["code"] == "admin_refused"

    def test_a_key_that_the_console_has_deleted_is_gone(self, providers: Providers) -> None:
        old, new = self.pair(providers)
        providers.step("anthropic", "delete_key", key=old["id"])
        assert self.call(providers, "revoke", old, new)["evidence"] == {"was": "not listed"}
