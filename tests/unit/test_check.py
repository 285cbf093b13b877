"""`check` finds every mistake that would hurt later, and says in which line it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mycoops.check import SHORTEST_VALUE, Finding, declarations, values
from mycoops.secret import Secret, generate
from mycoops.vault import Store, password_secrets
from tests.unit.fleets import PASSWORD, document, subject

Change = Callable[[dict[str, Any]], Any]


def found(directory: Path, change: Change) -> list[Finding]:
    """What is found in a catalogue with one change."""
    data = document()
    change(data)
    return declarations(subject(directory, data))


def test_nothing_is_wrong_with_a_good_fleet(tmp_path: Path) -> None:
    assert declarations(subject(tmp_path)) == []


def credentials(data: dict[str, Any]) -> dict[str, Any]:
    """The credentials of a catalogue."""
    return data["mycoops_credentials"]  # type: ignore[no-any-return]


def services(data: dict[str, Any]) -> dict[str, Any]:
    """The services of a catalogue."""
    return data["mycoops_services"]  # type: ignore[no-any-return]


MISTAKES: dict[str, tuple[Change, str]] = {
    "service on an unknown host": (lambda d: services(d)["api"].update(host="h9"), "api: unknown host h9"),
    "unknown host in the order": (lambda d: d["mycoops_fleet"]["host_order"].append("h9"), "host_order: unknown host h9"),
    "file variable nobody reads": (
        lambda d: services(d)["api"].update(
            extra_env_files=[{"path": "/etc/more.env", "readers": ["systemd"], "variables": ["STRAY"]}]
        ),
        "STRAY is in an env file but not in reads",
    ),
    "one file, two owners": (
        lambda d: services(d)["job"].update(host="h1", env_file={"path": "/etc/api.env", "readers": ["bash"], "owner": "job"}),
        "/etc/api.env: job and api declare different owner or mode",
    ),
    "an item without reason": (lambda d: d["mycoops_not_applicable"].pop("redis"), "the checklist's item redis"),
    "an unknown item": (lambda d: d["mycoops_not_applicable"].update(fax="gone"), "fax is not an item of the checklist"),
    "declared and not applicable": (
        lambda d: d["mycoops_not_applicable"].update(postgresql="none"),
        "postgresql is declared and not applicable at once",
    ),
    "unknown kind": (lambda d: credentials(d)["db"].update(kind="oracle"), "db: unknown kind oracle"),
    "a key that encrypts": (lambda d: credentials(d)["db"].update(purpose="encrypt"), "that destroys data"),
    "a kind that must not be rotated": (
        lambda d: credentials(d)["db"].update(kind="never", authority={"host": "h3"}),
        "db: never is not rotated: replacing it destroys data",
    ),
    "a class that rolls": (
        lambda d: credentials(d)["db"].update(kind="roll", authority={"host": "h3"}),
        "db: roll is of class O5, which mycoops does not carry out",
    ),
    "a class that changes itself": (
        lambda d: credentials(d)["db"].update(kind="refresh", authority={"host": "h3"}),
        "db: refresh is of class O7, which mycoops does not carry out",
    ),
    "unknown authority host": (lambda d: credentials(d)["db"]["authority"].update(host="h9"), "db: unknown authority host h9"),
    "unknown authority service": (
        lambda d: credentials(d)["token"]["authority"].update(services=["gone"]),
        "token: unknown authority service gone",
    ),
    "a list nobody reads": (
        lambda d: credentials(d)["token"]["authority"].update(accepts={"LIST": "<accepted|csv>"}),
        "token: api does not read LIST",
    ),
    "a list without a service": (
        lambda d: credentials(d)["token"].update(authority={"host": "h3"}),
        "needs authority.services and authority.accepts",
    ),
    "an authority nowhere": (lambda d: credentials(d)["db"].update(authority={}), "the kind pair needs authority.host"),
    "slots without a principal": (lambda d: credentials(d)["db"].update(principal=""), "the kind pair needs a principal"),
    "unknown admin": (lambda d: credentials(d)["db"]["authority"].update(admin="root"), "db: unknown admin credential root"),
    "unknown option": (lambda d: credentials(d)["db"]["authority"]["options"].update(prot=1), "db: pair has no option prot"),
    "unknown consumer": (
        lambda d: credentials(d)["token"]["consumers"].append({"service": "gone", "env": {"TOKEN": "<value>"}}),
        "token: unknown consumer gone",
    ),
    "a variable nobody reads": (
        lambda d: credentials(d)["token"]["consumers"][0]["env"].update(ALIAS="<value>"),
        "token: job has no reader of ALIAS",
    ),
    "one variable, two credentials": (
        lambda d: credentials(d)["token"]["consumers"].append({"service": "api", "env": {"DATABASE_URL": "<value>"}}),
        "DATABASE_URL in /etc/api.env on h1 is set by db for api and by token for api",
    ),
    "one variable, a value and a list": (
        lambda d: credentials(d)["db"]["consumers"][0]["env"].update(TOKENS="<value>"),
        "TOKENS in /etc/api.env on h1 is set by db for api and by token for api",
    ),
    "one file of two services, two credentials": (
        lambda d: (
            services(d)["job"].update(host="h1", env_file=services(d)["api"]["env_file"], reads=["TOKEN", "DATABASE_URL"]),
            credentials(d)["token"]["consumers"][0]["env"].update(DATABASE_URL="<value>"),
        ),
        "DATABASE_URL in /etc/api.env on h1 is set by db for api and by token for job",
    ),
    "one file of two services, two forms": (
        lambda d: (
            services(d)["job"].update(host="h1", env_file=services(d)["api"]["env_file"], reads=["TOKEN", "DATABASE_URL"]),
            credentials(d)["db"]["consumers"].append({"service": "job", "env": {"DATABASE_URL": "<value>"}}),
        ),
        "DATABASE_URL in /etc/api.env on h1 is set by db for api and by db for job",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_with_its_line_and_its_fix(tmp_path: Path, mistake: str) -> None:
    change, problem = MISTAKES[mistake]
    (finding,) = found(tmp_path, change)
    assert problem in finding.problem
    assert finding.fix
    path, _, line = finding.place.rpartition(":")
    assert path == str(tmp_path / "group_vars" / "all" / "catalogue.yml")
    assert 1 < int(line) <= len(Path(path).read_text().splitlines())


def test_the_line_is_that_of_the_mistake(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, lambda d: credentials(d)["db"]["authority"]["options"].update(prot=1))
    path, _, line = finding.place.rpartition(":")
    assert Path(path).read_text().splitlines()[int(line) - 1].strip() == "prot: 1"


def test_two_services_may_share_a_variable_of_a_file(tmp_path: Path) -> None:
    def share(data: dict[str, Any]) -> None:
        services(data)["job"].update(host="h1", env_file=services(data)["api"]["env_file"], reads=["TOKEN", "DATABASE_URL"])
        credentials(data)["db"]["consumers"].append({**credentials(data)["db"]["consumers"][0], "service": "job"})

    assert found(tmp_path, share) == []


def test_the_rotator_needs_no_variable(tmp_path: Path) -> None:
    assert found(tmp_path, lambda d: credentials(d)["db"]["consumers"].append({"rotator": True})) == []


def store(directory: Path, **secrets: Secret) -> Store:
    """A vault with these values."""
    made = Store.open(directory, password_secrets(PASSWORD))
    for name, secret in secrets.items():
        made.add(name, "", secret)
    return made


def problems(directory: Path, **secrets: Secret) -> list[str]:
    """What only the vault can tell."""
    checked = subject(directory)
    return [finding.problem for finding in values(checked, store(directory, **secrets), b"key")]


def test_good_values_are_fine(tmp_path: Path) -> None:
    assert problems(tmp_path, db=generate("token"), token=generate("token")) == []


def test_a_missing_value_is_found(tmp_path: Path) -> None:
    assert problems(tmp_path, db=generate("token")) == ["token has no value in the vault"]


def test_one_value_under_two_names_is_found(tmp_path: Path) -> None:
    same = generate("token")
    assert problems(tmp_path, db=same, token=same) == ["token and db hold the same value"]


def test_a_short_value_is_found_and_not_shown(tmp_path: Path) -> None:
    short = Secret("x" * (SHORTEST_VALUE - 1))
    (problem,) = problems(tmp_path, db=short, token=generate("token"))
    assert problem == f"db: a value of under {SHORTEST_VALUE} characters cannot be protected"


def test_a_value_no_declared_reader_can_take_is_found_and_not_shown(tmp_path: Path) -> None:
    awkward = Secret(f"{generate('token').reveal()}\n{generate('token').reveal()}\0")
    found_here = problems(tmp_path, db=generate("token"), token=awkward)
    assert len(found_here) == 1
    assert found_here[0].startswith("token: TOKEN: ")
    assert awkward.reveal().splitlines()[0] not in found_here[0]


def test_an_undeclared_value_is_found(tmp_path: Path) -> None:
    assert problems(tmp_path, db=generate("token"), token=generate("token"), stray=generate("token")) == [
        "the vault holds stray, which is not declared"
    ]
