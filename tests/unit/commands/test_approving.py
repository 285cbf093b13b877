"""`approve` takes a second person's word for one plan: chained, under the lease, and never the word of who runs the rotation."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from mycoops import account, cli, cli_approve, cli_options, lease
from mycoops.commands import approving, looking, providing
from mycoops.errors import ConfigurationError, Exit, Interrupted, JournalError, Locked, WaitingForPerson, WrongUsage
from mycoops.ledger import Run
from mycoops.model import State
from mycoops.secret import generate
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage
from tests.unit.commands.test_looking import status
from tests.unit.commands.test_rotating import abort, planned, resume, rotate, states


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Login:
    """Who is logged in: ann, until it is said otherwise."""
    return Login(monkeypatch)


class Login:
    """Lets somebody be logged in on the control node."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        monkeypatch.setattr("socket.gethostname", lambda: "desk")
        self("ann")

    def __call__(self, name: str) -> None:
        self._monkeypatch.setattr(account, "name", lambda: name)


def waiting(made: Stage) -> str:
    """Rotate until the approval is waited for; returns the digest of the plan."""
    outcome = rotate(made)
    assert isinstance(outcome.error, WaitingForPerson)
    (run,) = made.opened().runs().values()
    return str(run.plan["digest"])


def run(made: Stage) -> Run:
    """The only run there is."""
    (found,) = made.opened().runs().values()
    return found


def test_a_second_person_lets_the_run_pass(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    login("bob")
    done = approving.approve(made.opened(), digest)
    assert (done.by, done.digest, done.operators, done.next) == ("bob@desk", digest, ("ann@desk",), "mycoops resume")
    assert [(part.credential, part.from_generation, part.to_generation, part.services) for part in done.parts] == [
        ("token", 1, 2, ("api",)),
        ("cache", 1, 2, ("job",)),
    ]
    assert [move.split("-")[1] for move in done.forward_only] == ["revoke", "drop"]
    assert done.services == ("api", "job")
    record = made.records()[-1]
    assert (record["event"], record["by"], record["digest"]) == ("approved", "bob@desk", digest)
    login("ann")
    (outcome,) = resume(made)
    assert outcome.error is None
    assert set(states(made).values()) == {State.CLOSED}
    assert {verdict.state for verdict in looking.verify_log(made.opened())} == {"intact"}


def test_who_opened_or_resumed_it_is_refused_and_told_what_to_do(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    login("bob")
    resume(made)
    before = made.records()
    for name in ("ann", "bob"):
        login(name)
        with pytest.raises(ConfigurationError, match=f"{name} has opened or resumed this rotation") as caught:
            approving.approve(made.opened(), digest)
        assert f"mycoops approve {digest}" in caught.value.hint
    assert made.records() == before
    login("cy")
    assert approving.approve(made.opened(), digest).operators == ("ann@desk", "bob@desk")


def test_a_digest_that_no_open_rotation_has_is_refused(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    with pytest.raises(WrongUsage, match="no open rotation has the plan d1") as caught:
        approving.asked(made.opened(), "d1")
    assert "No rotation is open" in caught.value.hint
    digest = waiting(made)
    login("bob")
    with pytest.raises(WrongUsage, match="no open rotation has the plan d1") as caught:
        approving.asked(made.opened(), "d1")
    assert caught.value.hint == f"Open: {digest}."
    with pytest.raises(WrongUsage, match="no open rotation"):
        approving.asked(made.opened(), digest[:8])
    abort(made)
    with pytest.raises(WrongUsage, match=f"the rotation of plan {digest} is over"):
        approving.approve(made.opened(), digest)


def test_a_second_approval_is_told_of_the_first(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    login("bob")
    approving.approve(made.opened(), digest)
    login("cy")
    with pytest.raises(ConfigurationError, match="bob@desk has approved this plan already"):
        approving.approve(made.opened(), digest)


def test_a_plan_that_needs_no_approval_takes_none(stage: MakeStage, login: Login) -> None:
    made = stage("O3")
    digest = waiting(made)
    login("bob")
    with pytest.raises(ConfigurationError, match="nothing of this plan waits for an approval"):
        approving.approve(made.opened(), digest)


def test_an_approval_before_the_wait_is_taken_too(stage: MakeStage, login: Login) -> None:
    made = stage("O4-approval")
    made.crash("after the record state it MINTED", lambda: rotate(made))
    login("bob")
    approving.approve(made.opened(), run(made).plan["digest"])
    login("ann")
    (outcome,) = resume(made)
    assert outcome.error is None


def test_nothing_is_approved_while_a_run_is_under_way(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    login("bob")
    with lease.hold(made.opened().settings.state, "resume"), pytest.raises(Locked):
        approving.approve(made.opened(), digest)
    assert not any(record["event"] == "approved" for record in made.records())


def test_a_journal_that_was_changed_is_not_approved(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    (path,) = made.journals
    path.write_bytes(path.read_bytes().replace(b'"approval": true', b'"approval": false', 1))
    login("bob")
    with pytest.raises(JournalError, match="this record was changed"):
        approving.approve(made.opened(), digest)


def test_an_approval_nobody_signed_is_tampering(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    (path,) = made.journals
    forged = {**made.records()[-1], "seq": len(made.records()) + 1, "event": "approved", "by": "bob@desk", "digest": digest}
    path.write_bytes(path.read_bytes() + json.dumps(forged).encode() + b"\n")
    with pytest.raises(ConfigurationError, match="this record was changed"):
        resume(made)


def test_the_plan_in_the_journal_counts_and_not_the_catalogue_of_today(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    waiting(made)
    path = made.fleet / "group_vars" / "all" / "catalogue.yml"
    path.write_text(path.read_text().replace("required: true", "required: false"))
    assert not made.opened().catalogue.needs_approval("token")
    (outcome,) = resume(made)
    assert isinstance(outcome.error, WaitingForPerson)


def test_status_says_what_is_waited_for_and_then_what_to_do(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    one = status(made, "token")
    assert (one.state, one.next) == ("WAITING_HUMAN", f"mycoops approve {digest}")
    assert one.waiting_for == f"approval of plan {digest} by a second person"
    assert status(made, "free").next == ""
    login("bob")
    approving.approve(made.opened(), digest)
    one = status(made, "token")
    assert (one.state, one.waiting_for, one.next) == ("PROMOTED", "the run to go on, approved by bob@desk", "mycoops resume")


def test_the_log_names_who_approved_and_when(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    log = made.opened().settings.rotation_log
    assert "- approved: not yet; asked for: token, cache" in log.read_text()
    login("bob")
    approving.approve(made.opened(), digest)
    time = str(made.records()[-1]["time"])[:19].replace("T", " ")
    assert f"- approved: bob@desk at {time}\n" in log.read_text()
    login("ann")
    resume(made)
    assert f"- approved: bob@desk at {time}\n" in log.read_text()


def test_a_wait_for_an_approval_is_not_answered_by_a_value(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    waiting(made)
    with pytest.raises(ConfigurationError, match="no rotation waits for another"):
        providing.provide(made.opened(), "cache", generate("token"))
    assert made.store().pending("cache") == [1, 2]


def test_the_plan_says_which_credentials_need_it(stage: MakeStage) -> None:
    made = stage("O1-approval")
    asked = {rotation.credential: rotation.approval for rotation in planned(made).rotations}
    assert asked == {"token": True, "cache": True, "free": False}
    words = ["plan", "--quarter", "Q2", "--fleet", str(made.fleet)]
    shown = CliRunner().invoke(cli.app, words).stdout.splitlines()
    assert {line.split()[0] for line in shown if line.endswith("a second person")} == {"token", "cache"}
    told = json.loads(CliRunner().invoke(cli.app, [*words, "--json"]).stdout)
    assert {one["credential"]: one["approval"] for one in told["rotations"]} == asked


def invoke(made: Stage, *words: str) -> tuple[int, str, str]:
    """`mycoops approve` as a process sees it: status, answer, everything else."""
    done = CliRunner().invoke(cli.app, ["approve", *words, "--fleet", str(made.fleet)])
    status = int(done.exception.exit_status) if hasattr(done.exception, "exit_status") else done.exit_code
    return status, done.stdout, done.stderr


def test_the_command_asks_first_and_shows_what_about(stage: MakeStage, login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    login("bob")
    assert invoke(made, digest)[0] == Exit.USAGE, "nobody can be asked"
    asked: list[str] = []
    monkeypatch.setattr(cli_approve, "agree", asked.append)
    status, answer, told = invoke(made, digest)
    assert (status, asked) == (0, ["Approve this?"])
    assert answer == f"approved by bob@desk: token, cache\n→ mycoops resume --fleet {made.fleet}\n"
    for words in (f"digest {digest}", "opened or resumed by ann@desk; you are bob@desk", "no way back from: ", "token", "job"):
        assert words in told


def test_the_command_answers_in_json_and_in_statuses(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    digest = waiting(made)
    assert invoke(made, digest, "--yes")[0] == Exit.CONFIGURATION
    assert invoke(made, "d1", "--yes")[0] == Exit.USAGE
    login("bob")
    status, answer, _ = invoke(made, digest, "--yes", "--json")
    told = json.loads(answer)
    following = f"mycoops resume --fleet {made.fleet}"
    assert (status, told["by"], told["digest"], told["next"]) == (0, "bob@desk", digest, following)
    assert [part["credential"] for part in told["parts"]] == ["token", "cache"]


def test_a_no_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(cli_options.typer, "confirm", lambda question, err: False)
    with pytest.raises(Interrupted, match="nothing was done"):
        cli_options.agree("Approve this?")
    monkeypatch.setattr(cli_options.typer, "confirm", lambda question, err: True)
    cli_options.agree("Approve this?")


def test_of_several_open_runs_the_one_that_was_named_is_approved(stage: MakeStage, login: Login) -> None:
    made = stage("O1-approval")
    for name in ("token", "cache"):
        assert isinstance(rotate(made, name).error, WaitingForPerson)
    first, second = made.opened().runs().values()
    login("bob")
    approving.approve(made.opened(), second.plan["digest"])
    login("ann")
    errors = [outcome.error for outcome in resume(made)]
    assert isinstance(errors[0], WaitingForPerson)
    assert errors[1] is None
    assert states(made) == {"token": State.PROMOTED, "cache": State.CLOSED}
    assert first.plan["digest"] != second.plan["digest"]
