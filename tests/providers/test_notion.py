"""Notion: a second integration sees nothing until pages are shared with it; one integration has one secret."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.server import Answer, Providers, bearer

VERSION = {"Notion-Version": "2022-06-28"}


class Workspace:
    """Three pages, of which an old integration sees two; and a new one."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("notion")
        self.pages = [providers.step("notion", "create_page", title=title)["id"] for title in ("runbook", "roster", "private")]
        self.old, self.new = (providers.step("notion", "create_integration", name=name) for name in ("g1", "g2"))
        for page in self.pages[:2]:
            self.share(page, self.old)

    def share(self, page: str, integration: dict[str, str]) -> None:
        self.providers.step("notion", "share_page", page=page, integration=integration["id"])

    def __call__(self, method: str, path: str, integration: dict[str, str], body: Any = None) -> Answer:
        return self.ask(method, path, {**VERSION, **bearer(integration["value"])}, body=body)

    def seen(self, integration: dict[str, str]) -> set[str]:
        """The pages by search, as many calls as it takes."""
        found: set[str] = set()
        body: dict[str, Any] = {"page_size": 1}
        while True:
            told = self("POST", "/v1/search", integration, body).json
            found |= {page["id"] for page in told["results"]}
            if not told["has_more"]:
                return found
            body["start_cursor"] = told["next_cursor"]


@pytest.fixture
def workspace(providers: Providers) -> Workspace:
    return Workspace(providers)


def test_a_new_integration_sees_nothing(workspace: Workspace) -> None:
    assert workspace.seen(workspace.old) == set(workspace.pages[:2])
    assert workspace.seen(workspace.new) == set()
    told = workspace("GET", "/v1/users/me", workspace.new).json
    assert (told["object"], told["type"], told["name"]) == ("user", "bot", "g2")


def test_pages_are_equal_once_all_are_shared(workspace: Workspace) -> None:
    workspace.share(workspace.pages[0], workspace.new)
    assert workspace.seen(workspace.new) < workspace.seen(workspace.old)
    workspace.share(workspace.pages[1], workspace.new)
    assert workspace.seen(workspace.new) == workspace.seen(workspace.old)


def test_what_is_not_shared_is_not_there(workspace: Workspace) -> None:
    assert workspace("GET", f"/v1/pages/{workspace.pages[0]}", workspace.old).status == 200
    told = workspace("GET", f"/v1/pages/{workspace.pages[2]}", workspace.old)
    assert (told.status, told.json["code"]) == (404, "object_not_found")


def test_search_by_title(workspace: Workspace) -> None:
    assert len(workspace("POST", "/v1/search", workspace.old, {"query": "ROST"}).json["results"]) == 1
    assert workspace("POST", "/v1/search", workspace.old, {"page_size": 101}).status == 400


def test_refusals(workspace: Workspace) -> None:
    told = workspace("GET", "/v1/users/me", {"value": "ntn_nobody"})
    assert (told.status, told.json["code"], told.json["message"]) == (401, "unauthorized", "API token is invalid.")
    told = workspace.ask("GET", "/v1/users/me", bearer(workspace.old["value"]))
    assert (told.status, told.json["code"]) == (400, "missing_version")


def test_a_refreshed_secret_ends_the_one_before_and_keeps_the_pages(workspace: Workspace) -> None:
    again = workspace.providers.step("notion", "refresh_secret", integration=workspace.old["id"])
    assert workspace("GET", "/v1/users/me", workspace.old).status == 401
    assert workspace.seen(again) == set(workspace.pages[:2])


def test_a_deleted_integration_is_refused_once_that_has_propagated(workspace: Workspace) -> None:
    workspace.providers.switch("notion", "propagation", old_seconds=5)
    workspace.providers.step("notion", "delete_integration", integration=workspace.old["id"])
    assert workspace("GET", "/v1/users/me", workspace.old).status == 200
    workspace.providers.later(6)
    assert workspace("GET", "/v1/users/me", workspace.old).status == 401
    assert workspace("GET", "/v1/users/me", workspace.new).status == 200


def test_a_limit_for_each_integration(workspace: Workspace) -> None:
    workspace.providers.settings("notion", calls_per_minute=1)
    assert workspace("GET", "/v1/users/me", workspace.old).status == 200
    told = workspace("GET", "/v1/users/me", workspace.old)
    assert (told.status, told.json["code"], told.headers["retry-after"].isdigit()) == (429, "rate_limited", True)
    assert workspace("GET", "/v1/users/me", workspace.new).status == 200
