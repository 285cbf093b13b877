"""A kind is what its role says of itself; a mistake in it is named with its file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mycoops import content, kinds
from mycoops.bridge import EFFECTS
from mycoops.check import CARRIED_OUT
from mycoops.errors import ConfigurationError
from mycoops.kinds import HumanStep, Kind
from mycoops.model import Overlap

ENTRIES = {"preflight", "mint", "probe", "parity", "drain", "revoke", "persist", "stage", "cutover", "confirm", "sightings"}


def role(directory: Path, name: str, text: str) -> Path:
    """A role of a kind."""
    path = directory / f"kind_{name}" / "meta" / "kind.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_slots_take_turns() -> None:
    kind = Kind(kind="x", summary="", overlap=Overlap.O1, slots=("a", "b"))
    assert [kind.next_slot(slot) for slot in ("", "a", "b", "gone")] == ["a", "b", "a", "a"]
    assert (kind.principal("app", "b"), kind.principal("app", "")) == ("app_b", "app")
    assert Kind(kind="x", summary="", overlap=Overlap.O1).next_slot("a") == ""


def test_where_slots_are_optional_a_credential_without_one_stays_without() -> None:
    kind = Kind(kind="x", summary="", overlap=Overlap.O1, slots=("a", "b"), slots_optional=True)
    assert [kind.next_slot(slot) for slot in ("", "a", "b", "gone")] == ["", "b", "a", "a"]


def test_what_shares_its_name_with_the_new_value_cannot_be_counted() -> None:
    pair = Kind(kind="x", summary="", overlap=Overlap.O1, slots=("a", "b"), slots_optional=True, capabilities=frozenset({"drain"}))
    assert (pair.counts("app_a", "app_b"), pair.counts("app", "app")) == (True, False)
    own = pair.model_copy(update={"slots": (), "slots_optional": False})
    assert own.counts("app", "app"), "a kind without names of its own may count by other means"
    assert not own.model_copy(update={"capabilities": frozenset()}).counts("app_a", "app_b")


def test_a_catalogue_says_what_a_person_does_where_the_kind_offers_it() -> None:
    human = HumanStep(page="p", instruction="i", prefix="k_", revoke_instruction="r")
    kind = Kind(kind="x", summary="", overlap=Overlap.O3, human=human, options={"page": "", "value_length": ""})
    assert kind.step({}) == human
    step = kind.step({"page": "other", "value_length": 40, "value_prefix": "not offered", "url": "u"})
    assert step == human.model_copy(update={"page": "other", "length": 40})
    assert Kind(kind="x", summary="", overlap=Overlap.O1).step({"page": "p"}) is None
    with pytest.raises(ValueError, match="length"):
        kind.step({"value_length": "long"})


def test_the_command_that_takes_a_first_value_names_a_slot_where_one_is_wanted() -> None:
    plain = Kind(kind="x", summary="", overlap=Overlap.O1)
    slotted = plain.model_copy(update={"slots": ("a", "b")})
    optional = slotted.model_copy(update={"slots_optional": True})
    found = [one.bring("db") for one in (plain, slotted, optional)]
    assert found == ["mycoops provide db", "mycoops provide db --slot a", "mycoops provide db"]
    assert kinds.bring({"x": slotted}, "x", "db") == "mycoops provide db --slot a"
    assert kinds.bring({}, "x", "db") == "mycoops provide db"


def test_an_earlier_directory_wins(tmp_path: Path) -> None:
    role(tmp_path / "own", "x", "{kind: x, summary: mine, overlap: O1}")
    role(tmp_path / "shipped", "x", "{kind: x, summary: shipped, overlap: O1}")
    role(tmp_path / "shipped", "y", "{kind: y, summary: shipped, overlap: O4}")
    found = kinds.load([tmp_path / "own", tmp_path / "shipped", tmp_path / "none"])
    assert {name: kind.summary for name, kind in found.items()} == {"x": "mine", "y": "shipped"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{kind: x, overlap: O1", "not YAML"),
        ("{kind: x, overlap: O1}", "summary: this key is missing"),
        ("{kind: x, summary: s, overlap: O9}", "overlap: Input should be"),
        ("{kind: x, summary: s, overlap: O1, capabilities: [fly]}", "capabilities"),
        ("{kind: x, summary: s, overlap: O1, colour: red}", "colour: this key is unknown"),
        ("{kind: y, summary: s, overlap: O1}", "declares the kind y in the role kind_x"),
        ("[]", "a mapping is wanted here"),
        ("{kind: x, summary: s, overlap: O4, provable: false}", "nobody can probe it"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    path = role(tmp_path, "x", text)
    with pytest.raises(ConfigurationError) as caught:
        kinds.load([tmp_path])
    assert caught.value.message.startswith(f"{path}:1: ")
    assert problem in caught.value.message


def shipped() -> dict[str, Kind]:
    """The kinds of this repository."""
    return kinds.load([content.path("roles")])


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_kind_has_the_entries_its_class_needs(name: str) -> None:
    kind = shipped()[name]
    there = {path.stem for path in (content.path("roles") / f"kind_{name}" / "tasks").glob("*.yml")}
    needed = {"probe"} if kind.provable else set()
    if kind.accepts_by == "role":
        needed |= {"cutover"} if kind.overlap is Overlap.O4 else set()
        needed |= {"refresh"} if kind.overlap is Overlap.O7 else set()
        needed |= {"stage", "confirm"} if "stage" in kind.capabilities else set()
        needed |= {"mint"} if kind.overlap in (Overlap.O1, Overlap.O2) else set()
        needed |= {"revoke"} if kind.overlap.two_valid and kind.revoked_by == "role" else set()
        assert kind.revoked_by == "role" or "revoke" not in there
    needed |= {"persist" if one == "persistence" else one for one in kind.capabilities}
    assert needed <= there
    assert kind.overlap in CARRIED_OUT
    assert not kind.overlap.needs_person or kind.human
    assert kind.revoked_by == "role" or (kind.overlap is Overlap.O3 and kind.human and kind.human.revoke_instruction)
    specs = yaml.safe_load((content.path("roles") / f"kind_{name}" / "meta" / "argument_specs.yml").read_text())
    assert there & ENTRIES <= set(specs["argument_specs"])


def test_some_kinds_are_shipped() -> None:
    assert len(shipped()) >= 6


@pytest.mark.parametrize("entry", sorted(EFFECTS))
def test_what_changes_something_runs_as_root_where_a_host_can_hold_it_back(entry: str) -> None:
    """Without root a host knows of no lease: a run that was taken for dead would finish its last order there."""
    files = sorted(content.path("roles").glob(f"kind_*/tasks/{entry}.yml"))
    tasks = {f"{path.parent.parent.name} {task['name']}": task for path in files for task in yaml.safe_load(path.read_text())}
    ordered = {name: task for name, task in tasks.items() if any(word.startswith("mycoops_") for word in task)}
    assert ordered
    assert [name for name, task in ordered.items() if task.get("become") is not True] == []
