"""A rotation brings a new value to GitHub Actions: sealed, acknowledged by its time, and told where something hides it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from mycoops.catalogue import Catalogue
from mycoops.drill.bench import Bench
from mycoops.drill.stories import KINDS, Story, fleet, use
from mycoops.errors import StepFailed
from mycoops.github_secrets import Actions
from mycoops.outside import GithubSecret
from mycoops.places import Places
from mycoops.secret import Secret
from tests.providers.server import Providers
from tests.providers.test_github_secrets import ALL, ENVIRONMENT, ORGANIZATION, REPOSITORY, Forge
from tests.unit.rotation.conftest import MakeBench, bench

__all__ = ["bench"]
ACTIONS = {**ALL, "actions": "read"}


@pytest.fixture
def forge(providers: Providers) -> Forge:
    made = Forge(providers)
    made.value = made.token(ACTIONS)
    return made


def place(forge: Forge, **more: Any) -> GithubSecret:
    """A secret of the repository of the forge, or what is said instead."""
    where = {} if "organisation" in more else {"repository": "acme/app"}
    return GithubSecret(secret="KEY", token="pat", url=f"{forge.providers.url}/github", **where, **more)


def actions(forge: Forge, token: str = "", **more: Any) -> Actions:
    return Actions(place(forge, **more), Secret(token or forge.value))


@pytest.fixture
def text() -> Secret:
    return Secret(secrets.token_urlsafe(32))


@pytest.mark.parametrize(
    ("more", "environment"), [({}, ""), ({"environment": "production"}, "production"), ({"organisation": "acme"}, "")]
)
def test_a_job_finds_what_was_written_at_each_scope(forge: Forge, text: Secret, more: dict[str, str], environment: str) -> None:
    reached = actions(forge, **more).write(text)
    assert (reached.problem, reached.again, reached.person) == ("", False, False)
    assert forge.job(environment) == {"KEY": text.reveal()}
    assert reached.mark == reached.evidence["updated_at"]
    assert actions(forge, **more).look().mark == reached.mark
    assert text.reveal() not in repr(reached)


def test_a_secret_that_is_not_there_has_no_mark_and_is_not_made_by_looking(forge: Forge) -> None:
    seen = actions(forge).look()
    assert (seen.mark, seen.problem) == ("", "")
    assert forge.job() == {}


def test_a_value_of_every_shape_arrives_as_it_is(forge: Forge) -> None:
    for text in ("a" * 40, "line one\nline two\n", "quotes ' \" $ \\ `", "ключ-значение-🔑", " leading and trailing "):
        assert actions(forge).write(Secret(text)).problem == ""
        assert forge.job() == {"KEY": text}
    assert "longer than" in actions(forge).write(Secret("x" * 50_000)).problem


def test_what_is_sent_is_no_value_in_clear(forge: Forge, text: Secret) -> None:
    """The control: the same text, where it is sent as it is, is refused by the server, which opens sealed boxes alone."""
    assert actions(forge).write(text).problem == ""
    key = forge("GET", f"{REPOSITORY}/secrets/public-key").json
    assert forge("PUT", f"{REPOSITORY}/secrets/KEY", {"encrypted_value": text.reveal(), "key_id": key["key_id"]}).status == 422


def test_an_environment_that_hides_it_is_a_problem_unless_it_is_declared(forge: Forge, text: Secret) -> None:
    forge.put(ENVIRONMENT, "KEY", "stale")
    hidden = actions(forge).write(text)
    assert "hidden by github:acme/app/production:KEY" in hidden.problem
    assert forge.job("production") == {"KEY": "stale"}, "it is really hidden"
    assert actions(forge).write(text, ["github:acme/app/production:KEY"]).problem == ""


def test_a_repository_that_hides_an_organisations_secret_is_a_problem(forge: Forge, text: Secret) -> None:
    forge.put(REPOSITORY, "KEY", "stale")
    assert actions(forge, organisation="acme").write(text).problem == "", "nobody said who reads it"
    found = actions(forge, organisation="acme", repositories=("acme/app",)).write(text)
    assert "hidden by github:acme/app:KEY" in found.problem
    assert forge.job() == {"KEY": "stale"}


def test_what_may_not_be_searched_is_said(forge: Forge, text: Secret) -> None:
    token = forge.token({"secrets": "write"})
    reached = actions(forge, token).write(text)
    assert (reached.problem, reached.evidence["not_searched"]) == ("", "github:acme/app/*:KEY")


def test_an_organisations_secret_keeps_whom_it_is_shared_with(forge: Forge, text: Secret) -> None:
    forge.put(ORGANIZATION, "KEY", "before", visibility="selected", selected_repository_ids=[forge.id])
    assert actions(forge, organisation="acme").write(text).problem == ""
    assert forge.job() == {"KEY": text.reveal()}
    forge.providers.step("github", "create_repository", name="acme/site")
    assert forge.providers.step("github", "run_job", repository="acme/site") == {}
    assert forge("GET", f"{ORGANIZATION}/secrets/KEY").json["visibility"] == "selected"


@pytest.mark.parametrize(
    ("switch", "words", "again", "seconds"),
    [
        ({"switch": "throttle", "retry_after": 7}, "too many requests", True, 7.0),
        ({"switch": "error", "status": 503}, "answered 503", True, 0.0),
        ({"switch": "lost_reply", "method": "PUT", "seconds": 0.1}, "no answer", True, 0.0),
        ({"switch": "forbid", "method": "PUT"}, "may not do this", False, 0.0),
        ({"switch": "error", "status": 422, "method": "PUT"}, "did not take it", False, 0.0),
        ({"switch": "error", "status": 302, "method": "PUT"}, "answered 302", False, 0.0),
    ],
)
def test_every_failure_is_told_apart(
    forge: Forge, text: Secret, switch: dict[str, Any], words: str, again: bool, seconds: float
) -> None:
    forge.providers.ask("POST", "/github/switches", switch)
    reached = actions(forge).write(text)
    assert words in reached.problem
    assert (reached.again, reached.seconds, reached.mark) == (again, seconds, "")


def test_an_error_that_quotes_the_token_is_not_repeated(forge: Forge, text: Secret) -> None:
    forge.providers.ask("POST", "/github/switches", {"switch": "echo"})
    forge.providers.ask("POST", "/github/switches", {"switch": "error", "status": 400})
    assert not {forge.value, text.reveal()} & set(repr(actions(forge).write(text)).split())
    assert forge.value not in repr(actions(forge, "wrong" * 8).write(text))


def test_a_server_that_is_not_there_is_not_a_refusal(text: Secret) -> None:
    nowhere = GithubSecret(repository="acme/app", secret="KEY", token="pat", url="http://127.0.0.1:9")
    reached = Actions(nowhere, Secret("x" * 20)).write(text)
    assert (reached.again, "no answer" in reached.problem) == (True, True)


class Token:
    """The store of a bench, but for the token, which the provider has made."""

    def __init__(self, made: Bench, value: str) -> None:
        self._made, self._value = made, Secret(value)

    def secret(self, credential: str, generation: int) -> Secret:
        return self._value if credential == "pat" else self._made.store().secret(credential, generation)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made.store(), name)


def catalogue(forge: Forge) -> Catalogue:
    file = {"path": "/etc/api.env", "readers": ["systemd"]}
    services = {"api": {"host": "h1", "unit": "api.service", "reads": ["SECRET"], "env_file": file}}
    common = {"kind": "acl", "category": "api_keys", "authority": {"host": "h3"}}
    github = place(forge).model_dump(mode="json")
    github["form"] = "postgresql://app:<value|url>@db/app"
    credentials = {
        "it": {**common, "consumers": [use("api", "SECRET"), {"github": github}]},
        "pat": {**common, "consumers": [{"rotator": True}]},
    }
    return fleet(services, credentials)


def rotating(forge: Forge, bench: MakeBench) -> Bench:
    """A bench whose place outside is the server."""
    made = bench(Story("actions", catalogue(forge)))
    places = Places(made.fleet, made.catalogue, KINDS, Token(made, forge.value))  # type: ignore[arg-type]
    made.world.reach = places.__call__  # type: ignore[method-assign]
    made.world.places.clear()
    return made


def dsn(made: Bench, generation: int) -> dict[str, str]:
    return {"KEY": f"postgresql://app:{made.store().secret('it', generation).reveal()}@db/app"}


def test_a_rotation_writes_it_and_nothing_it_leaves_holds_the_value(forge: Forge, bench: MakeBench) -> None:
    made = rotating(forge, bench)
    assert made.walk() is None
    assert forge.job() == dsn(made, 2)
    made.over()
    record = next(r for r in made.records() if r["event"] == "consumer" and r.get("mark"))
    assert (record["service"], record["stage"]) == ("github:acme/app:KEY", "acknowledged")
    assert forge.value not in Path(made.path).read_text()


@pytest.mark.parametrize(
    "switch",
    [
        {"switch": "lost_reply", "method": "PUT", "seconds": 0.1},
        {"switch": "throttle", "retry_after": 3, "method": "PUT"},
        {"switch": "error", "status": 500, "method": "PUT", "after_effect": True},
    ],
)
def test_what_passes_is_asked_again_in_the_same_run(forge: Forge, bench: MakeBench, switch: dict[str, Any]) -> None:
    made = rotating(forge, bench)
    forge.providers.ask("POST", "/github/switches", {**switch, "skip": 0})
    assert made.walk() is None
    assert forge.job() == dsn(made, 2)
    assert max(made.slept) >= switch.get("retry_after", 1.0)
    made.over()


def test_a_failure_keeps_the_old_value_and_resume_goes_on(forge: Forge, bench: MakeBench) -> None:
    made = rotating(forge, bench)
    forge.providers.ask("POST", "/github/switches", {"switch": "forbid", "method": "PUT", "times": 1})
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert "may not do this" in error.message
    assert forge.job() == {}
    assert "revoke it h3" not in made.world.calls
    assert made.standing("it").state == "SWITCHING"
    made.finish()
    assert forge.job() == dsn(made, 2)


def test_killed_after_the_write_it_is_written_once_more_and_no_harm_done(forge: Forge, bench: MakeBench) -> None:
    made = rotating(forge, bench)
    made.crash("before the record consumer it github:acme/app:KEY acknowledged")
    assert forge.job() == dsn(made, 2)
    made.finish()
    assert forge.job() == dsn(made, 2)


def test_abort_writes_the_old_value_back(forge: Forge, bench: MakeBench) -> None:
    made = rotating(forge, bench)
    made.crash("after the record state it SWITCHED")
    assert made.abort() is None
    assert forge.job() == dsn(made, 1)
    made.back()


def test_somebody_who_writes_it_before_the_revocation_stops_it(forge: Forge, bench: MakeBench) -> None:
    made = rotating(forge, bench)
    made.crash("after the record state it SWITCHED")
    forge.providers.later(5)
    forge.put(REPOSITORY, "KEY", "by hand")
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert "somebody has changed github:acme/app:KEY" in error.message
    made.finish()
    assert forge.job() == dsn(made, 2)


def test_a_token_that_may_not_is_seen_before_anything_is_made(forge: Forge, bench: MakeBench) -> None:
    forge.value = forge.token({"actions": "read"})
    made = rotating(forge, bench)
    assert isinstance(made.walk(), StepFailed)
    assert made.standing("it").state == "PLANNED"
    assert "mint it h3" not in made.world.calls
