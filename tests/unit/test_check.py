"""`check` finds every mistake that would hurt later, and says in which line it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from mycoops import catalogue, hostcode
from mycoops.check import declarations
from mycoops.check_values import SHORTEST_VALUE, values
from mycoops.errors import Finding, Invalid
from mycoops.secret import Secret, generate
from mycoops.services import UNIT, EnvFile, Reader
from mycoops.vault import Store, password_secrets, vault_path
from tests.unit.fleets import PASSWORD, document, subject, write

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


def tries_two(data: dict[str, Any]) -> None:
    """Let db have one slot, and api read its next value."""
    credentials(data)["db"].update(kind="single", authority={"host": "h3"})
    services(data)["api"]["reads"] = ["DATABASE_URL", "DATABASE_URL_NEXT", "TOKENS"]
    consumer = credentials(data)["db"]["consumers"][0]
    consumer["next"] = {"DATABASE_URL_NEXT": consumer["env"]["DATABASE_URL"]}


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
    "a next value where both are valid": (
        lambda d: (tries_two(d), credentials(d)["db"].update(kind="pair", principal="app")),
        "db: pair is of class O1: old and new are valid side by side, so api needs no next value",
    ),
    "a next value nobody knows before the cut": (
        lambda d: (tries_two(d), credentials(d)["db"].update(kind="console")),
        "db: console is of class O6: the old value is dead before mycoops knows the next one",
    ),
    "a next value nobody reads": (
        lambda d: (tries_two(d), services(d)["api"]["reads"].remove("DATABASE_URL_NEXT")),
        "db: api has no reader of DATABASE_URL_NEXT",
    ),
    "one variable, a next value and another credential": (
        lambda d: (tries_two(d), credentials(d)["token"]["authority"].update(accepts={"DATABASE_URL_NEXT": "<accepted|csv>"})),
        "DATABASE_URL_NEXT in /etc/api.env on h1 is set by db for api and by token for api",
    ),
    "a port that there is not": (
        lambda d: credentials(d)["db"]["authority"]["options"].update(port=70000),
        "db: this is not a port",
    ),
    "a port in words": (
        lambda d: credentials(d)["db"]["authority"]["options"].update(port="postgres"),
        "db: this is not a port",
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


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        ("unknown option", "prot: 1"),
        ("unknown consumer", "- service: gone"),
        ("a variable nobody reads", "ALIAS: <value>"),
        ("a next value where both are valid", "next:"),
        ("a next value nobody reads", "DATABASE_URL_NEXT: postgresql://<principal>:<value|url>@h3/app"),
        ("a key that encrypts", "purpose: encrypt"),
        ("unknown kind", "kind: oracle"),
        ("service on an unknown host", "host: h9"),
        ("an unknown item", "fax: gone"),
    ],
)
def test_the_line_is_that_of_the_mistake(tmp_path: Path, mistake: str, text: str) -> None:
    (finding,) = found(tmp_path, MISTAKES[mistake][0])
    path, _, line = finding.place.rpartition(":")
    assert Path(path).read_text().splitlines()[int(line) - 1].strip() == text


REFUSED: dict[str, tuple[Change, str, str, str]] = {
    "a credential without a consumer": (
        lambda d: credentials(d)["db"].update(consumers=[]),
        "consumers: []",
        "mycoops_credentials.db.consumers: a credential without a consumer",
        "Name who uses it",
    ),
    "no consumers at all": (
        lambda d: credentials(d)["db"].pop("consumers"),
        "db:",
        "mycoops_credentials.db.consumers: this key is missing",
        "Add it.",
    ),
    "a container that is restarted": (
        lambda d: services(d)["api"].update(unit="", container={"name": "c", "image": "i"}, apply="restart"),
        "apply: restart",
        "mycoops_services.api.apply: a container keeps its old environment over a plain restart",
        "Use apply: recreate",
    ),
    "a unit that is recreated": (
        lambda d: services(d)["api"].update(apply="recreate"),
        "apply: recreate",
        "mycoops_services.api.apply: only a container is recreated",
        "Use apply: restart",
    ),
    "a unit and a container": (
        lambda d: services(d)["api"].update(container={"name": "c", "image": "i"}),
        "api:",
        "mycoops_services.api: not exactly one of unit, container",
        "Give the one",
    ),
    "a consumer without a variable": (
        lambda d: credentials(d)["db"]["consumers"][0].update(env={}),
        "- service: api",
        "api gets no variable",
        "Name them",
    ),
    "an unknown reader": (
        lambda d: services(d)["api"]["env_file"].update(readers=["perl"]),
        "- perl",
        "mycoops_services.api.env_file.readers.0: Input should be 'systemd'",
        "mycoops check --schema",
    ),
    "a file nobody reads": (
        lambda d: services(d)["api"]["env_file"].update(readers=[]),
        "readers: []",
        "mycoops_services.api.env_file.readers: nobody reads this file",
        "Name every parser that reads it",
    ),
    "a key with a typo": (
        lambda d: services(d)["api"].update(helth={}),
        "helth: {}",
        "mycoops_services.api.helth: this key is unknown",
        "Do you mean health?",
    ),
    "a mode that is a number": (
        lambda d: services(d)["api"]["env_file"].update(mode=384),
        "mode: 384",
        "mycoops_services.api.env_file.mode: text is wanted here",
        "Put it in quotes.",
    ),
    "a list where a mapping belongs": (
        lambda d: d.update(mycoops_services=["api"]),
        "mycoops_services:",
        "mycoops_services: a mapping is wanted here",
        "Write KEY: VALUE lines.",
    ),
    "a file in a home": (
        lambda d: services(d)["api"]["env_file"].update(path="~/.env"),
        "path: ~/.env",
        "nothing reads ~/.env",
        "Write the path that the unit reads.",
    ),
    "an unknown placeholder": (
        lambda d: credentials(d)["db"]["consumers"][0]["env"].update(DATABASE_URL="<value|rot13>"),
        "DATABASE_URL: <value|rot13>",
        "unknown placeholder <value|rot13>",
        "Write <value>",
    ),
    "a form that holds no placeholder": (
        lambda d: credentials(d)["db"]["consumers"][0]["env"].update(DATABASE_URL="x"),
        "DATABASE_URL: x",
        "no placeholder",
        "Write <value>",
    ),
    "a next value that is none": (
        lambda d: credentials(d)["db"]["consumers"][0].update(next={"DATABASE_URL_NEXT": "<principal>"}),
        "DATABASE_URL_NEXT: <principal>",
        "DATABASE_URL_NEXT does not hold the next value",
        "Write <value>",
    ),
    "a next value with a wrong form": (
        lambda d: credentials(d)["db"]["consumers"][0].update(next={"DATABASE_URL_NEXT": "<value|rot13>"}),
        "DATABASE_URL_NEXT: <value|rot13>",
        "unknown placeholder <value|rot13>",
        "Write <value>",
    ),
    "one variable for both values": (
        lambda d: credentials(d)["db"]["consumers"][0].update(next={"DATABASE_URL": "<value>"}),
        "next:",
        "DATABASE_URL holds the present value and the next one",
        "Use another variable",
    ),
    "a rotator with a next value": (
        lambda d: credentials(d)["db"]["consumers"].append({"rotator": True, "next": {"A_NEXT": "<value>"}}),
        "next:",
        "the rotator reads no variables",
        "Take next out",
    ),
    "an unknown category": (
        lambda d: credentials(d)["db"].update(category="fax"),
        "category: fax",
        "unknown category fax",
        "One of: database_passwords",
    ),
    "an item of another category": (
        lambda d: credentials(d)["db"].update(item="asana"),
        "item: asana",
        "asana is not an item of database_passwords",
        "One of: postgresql, redis.",
    ),
    "a secret that others may read": (
        lambda d: services(d)["api"]["env_file"].update(mode="0644"),
        "mode: '0644'",
        "0644 is wider than 0640",
        'Write "0600"',
    ),
    "a secret of a group that may write": (
        lambda d: services(d)["api"]["env_file"].update(mode="0660"),
        "mode: '0660'",
        "0660 is wider than 0640",
        'Write "0600"',
    ),
    "a mode that is none": (
        lambda d: services(d)["api"]["env_file"].update(mode="u=rw"),
        "mode: u=rw",
        "not a mode of a file",
        "Four octal digits",
    ),
    "a path with a step back": (
        lambda d: services(d)["api"]["env_file"].update(path="/etc/x/../api.env"),
        "path: /etc/x/../api.env",
        "a host refuses a path with ..",
        "Write where the file lies",
    ),
    "a relative path": (
        lambda d: services(d)["api"]["env_file"].update(path="etc/api.env"),
        "path: etc/api.env",
        "an absolute path",
        "Write the path",
    ),
    "a path that a unit cannot name": (
        lambda d: services(d)["api"]["env_file"].update(path="/etc/an api.env"),
        "env_file:",
        "no blank, quote or backslash",
        "Choose another path",
    ),
    "a unit without its suffix": (
        lambda d: services(d)["api"].update(unit="api"),
        "unit: api",
        "'api' is not the name of a unit",
        "With its suffix",
    ),
    "a unit that is a path": (
        lambda d: services(d)["api"].update(unit="../api.service"),
        "unit: ../api.service",
        "is not the name of a unit",
        "With its suffix",
    ),
    "a health URL that is not HTTP": (
        lambda d: services(d)["api"]["health"].update(url="ftp://127.0.0.1/health"),
        "url: ftp://127.0.0.1/health",
        "not an HTTP URL",
        "Write it out",
    ),
    "a health URL without a host": (
        lambda d: services(d)["api"]["health"].update(url="http:///health"),
        "url: http:///health",
        "not an HTTP URL",
        "Write it out",
    ),
    "a health URL with a port that there is not": (
        lambda d: services(d)["api"]["health"].update(url="http://127.0.0.1:80000/health"),
        "url: http://127.0.0.1:80000/health",
        "a port from 1 to 65535",
        "Write it out",
    ),
    "a status that no answer has": (
        lambda d: services(d)["api"]["health"].update(status=999),
        "status: 999",
        "not a status of HTTP",
        "One from 100 to 599",
    ),
    "a host that is ordered twice": (
        lambda d: d["mycoops_fleet"].update(host_order=["h1", "h2", "h1"]),
        "host_order:",
        "h1 stands here more than once",
        "Name each host once",
    ),
    "two sources of the vault password": (
        lambda d: d["mycoops_fleet"].update(vault_password={"file": "f", "prompt": True}),
        "vault_password:",
        "not exactly one source of the vault password",
        "Give one of file, script, prompt: true.",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_cannot_be_declared_is_refused_with_its_line_and_its_fix(tmp_path: Path, mistake: str) -> None:
    change, text, problem, fix = REFUSED[mistake]
    data = document()
    change(data)
    path = catalogue.catalogue_path(write(tmp_path, data))
    with pytest.raises(Invalid) as caught:
        catalogue.load(tmp_path)
    (finding,) = caught.value.findings
    assert problem in finding.problem
    assert fix in finding.fix
    line = int(finding.place.removeprefix(f"{path}:"))
    assert path.read_text().splitlines()[line - 1].strip() == text


def test_two_services_may_share_a_variable_of_a_file(tmp_path: Path) -> None:
    def share(data: dict[str, Any]) -> None:
        services(data)["job"].update(host="h1", env_file=services(data)["api"]["env_file"], reads=["TOKEN", "DATABASE_URL"])
        credentials(data)["db"]["consumers"].append({**credentials(data)["db"]["consumers"][0], "service": "job"})

    assert found(tmp_path, share) == []


def test_a_consumer_may_read_a_next_value_of_one_slot(tmp_path: Path) -> None:
    assert found(tmp_path, tries_two) == []


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
    assert [problem.split(": ")[:2] for problem in found_here] == [["token", "TOKEN"], ["token", "TOKENS"]]
    assert awkward.reveal().splitlines()[0] not in "".join(found_here)


def test_a_value_has_to_suit_everybody_who_reads_its_file(tmp_path: Path) -> None:
    data = document()
    services(data)["api"].update(host="h2", env_file={"path": "/etc/job.env", "readers": ["docker"]})
    escaped = Secret("\\".join(generate("token").reveal() for _ in range(2)))
    checked = subject(tmp_path, data)
    told = values(checked, store(tmp_path, db=generate("token"), token=escaped), b"key")
    assert [finding.problem.split(": ")[1] for finding in told] == ["TOKEN", "TOKENS"]
    lines = catalogue.catalogue_path(tmp_path).read_text().splitlines()
    named = [lines[int(finding.place.rpartition(":")[2]) - 1].strip() for finding in told]
    assert named == ["TOKEN: <value>", "TOKENS: <accepted|csv>"]
    assert all("a file of its own" in finding.fix for finding in told)


def test_a_next_value_has_to_suit_who_reads_it_too(tmp_path: Path) -> None:
    data = document()
    tries_two(data)
    form = credentials(data)["db"]["consumers"][0]["next"]["DATABASE_URL_NEXT"].replace("|url", "")
    credentials(data)["db"]["consumers"][0]["next"]["DATABASE_URL_NEXT"] = form
    awkward = Secret(f"{generate('token').reveal()}\0")
    told = values(subject(tmp_path, data), store(tmp_path, db=awkward, token=generate("token")), b"key")
    assert [finding.problem.split(": ")[:2] for finding in told] == [["db", "DATABASE_URL_NEXT"]]


def test_a_finding_in_the_vault_names_the_credential_s_line_and_the_fix(tmp_path: Path) -> None:
    same = generate("token")
    checked = subject(tmp_path)
    (finding,) = values(checked, store(tmp_path, db=same, token=same), b"key")
    path, _, line = finding.place.rpartition(":")
    assert Path(path).read_text().splitlines()[int(line) - 1].strip() == "token:"
    assert finding.fix.startswith("Split them")
    assert same.reveal() not in str(finding)


def test_an_undeclared_value_is_found(tmp_path: Path) -> None:
    kept = store(tmp_path, db=generate("token"), token=generate("token"), stray=generate("token"))
    (finding,) = values(subject(tmp_path), kept, b"key")
    assert finding.problem == "the vault holds stray, which is not declared"
    path, _, line = finding.place.rpartition(":")
    assert path == str(vault_path(tmp_path))
    assert Path(path).read_text().splitlines()[int(line) - 1].strip() == "stray:"


def test_the_readers_a_catalogue_may_name_are_those_the_host_side_knows() -> None:
    assert set(get_args(Reader)) == set(hostcode.load("mycoops_readers").READERS)


def aliases(data: dict[str, Any], group: list[str], *delivered: str) -> None:
    """Let api take the first of a group that is not empty, and db deliver some of it."""
    services(data)["api"].update(reads=["A", "B", "C", "DATABASE_URL", "TOKENS"], first_of=[group])
    credentials(data)["db"]["consumers"][0]["env"].update(dict.fromkeys(delivered, "<value>"))


@pytest.mark.parametrize(
    ("group", "delivered", "words"),
    [
        (["A", "B"], ["B"], "A is read before B, and nobody delivers it: what is in it hides db"),
        (["A", "B", "C"], ["A", "C"], "B is read before C, and nobody delivers it"),
        (["TOKENS", "B"], ["B"], "TOKENS is read before B, and nobody delivers it"),
        (["A", "X"], ["A"], "X is in first_of but not in reads"),
    ],
)
def test_an_alias_that_would_hide_the_value_is_found(tmp_path: Path, group: list[str], delivered: list[str], words: str) -> None:
    problems = [one.problem for one in found(tmp_path, lambda data: aliases(data, group, *delivered))]
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize(
    ("group", "delivered"), [(["A", "B"], ["A", "B"]), (["A", "B"], ["A"]), (["A", "B"], []), (["A", "B", "C"], ["A", "B"])]
)
def test_aliases_that_move_together_or_come_later_are_fine(tmp_path: Path, group: list[str], delivered: list[str]) -> None:
    assert found(tmp_path, lambda data: aliases(data, group, *delivered)) == []


def test_an_alias_of_another_credential_is_found(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        aliases(data, ["A", "B"], "B")
        credentials(data)["token"]["consumers"].append({"service": "api", "env": {"A": "<value>"}})

    (one,) = found(tmp_path, change)
    assert "A is read before B, and token delivers it: what is in it hides db" in one.problem


@pytest.mark.parametrize("mode", ["0600", "0640", "0440", "0400", "0644", "0660", "0700", "1600", "0650"])
def test_the_modes_a_catalogue_may_name_are_those_a_host_takes(mode: str) -> None:
    writer, refusal = hostcode.load("mycoops_writer"), hostcode.load("mycoops_reply").Refusal
    try:
        writer.owner("/etc/api.env", None, None, mode, None)
        taken = True
    except refusal:
        taken = False
    try:
        EnvFile(path="/etc/api.env", readers=("systemd",), mode=mode)
        declared = True
    except ValueError:
        declared = False
    assert declared == taken


def test_the_names_of_units_a_catalogue_may_name_are_those_a_host_takes() -> None:
    assert UNIT.pattern.strip("^$").replace("(", "(?:") + r"\Z" == hostcode.load("mycoops_delivery_units").UNIT.pattern
