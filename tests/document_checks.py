"""What must be true of the documentation: each check takes the documents and says what is wrong with them."""

from __future__ import annotations

import re

from mycoops import cli, content, kinds, settings
from mycoops.check import CARRIED_OUT
from mycoops.display import AHEAD, WORDS
from mycoops.drift import WHAT
from mycoops.errors import Exit
from mycoops.model import FORWARD_ONLY, Outcome, Overlap, Stage, State, Verb
from tests import command_line
from tests.documents import ROOT, SPAN, Documents, code_lines, commands, section, spans, table

README, CONTRIBUTING = "README.md", "CONTRIBUTING.md"
EVERYWHERE = {"--help", "--fleet", "--json"}
TERMS = (
    "authority", "consumer", "credential", "fence", "fingerprint", "generation", "journal", "kind", "lease",
    "overlap class", "point of no return", "rotation",
)  # fmt: skip
"""The terms of the protocol that a reader meets everywhere."""


def _differ(what: str, told: object, true: object) -> list[str]:
    return [] if told == true else [f"{what}: the documents say {told}, the code says {true}"]


def _words(cell: str) -> list[str]:
    return SPAN.findall(cell)


def command_lines(documents: Documents) -> list[str]:
    """Every command line parses; in running text a command may be named without its arguments."""
    wrong = []
    for name, text in documents.items():
        for lines, named in ((code_lines(text), False), (spans(text), True)):
            told = [(words, command_line.refusal(words, named=named)) for words in commands(lines)]
            wrong += [f"{name}: mycoops {' '.join(words)}: {problem}" for words, problem in told if problem]
    return wrong


def command_table(documents: Documents) -> list[str]:
    """The table of commands has every command with every option, and says which answer in JSON and which work on a fleet."""
    told: dict[str, set[str]] = {}
    json: dict[str, set[str]] = {}
    known = dict(command_line.commands())
    for synopsis, _, answers in table(documents[README], "Commands"):
        (words,) = commands(_words(synopsis))
        name = next(" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known)
        told.setdefault(name, set()).update(word for word in words if word.startswith("--"))
        json.setdefault(name, set()).add(answers)
    without = re.search(r"All but (.*?) take `--fleet DIR`", documents[README], re.DOTALL)
    fleetless = {" ".join(words) for words in commands(_words(without[1] if without else ""))}
    return [
        *_differ("options", told, {name: options - EVERYWHERE for name, options in known.items()}),
        *_differ("--json", json, {name: {"yes" if "--json" in options else "–"} for name, options in known.items()}),
        *_differ("without --fleet", fleetless, {name for name, options in known.items() if "--fleet" not in options}),
    ]


def make_targets(documents: Documents) -> list[str]:
    """Every make target named exists, and the table of targets is the Makefile's own help."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    wrong = []
    for name, text in documents.items():
        named = [found for line in [*code_lines(text), *spans(text)] for found in re.findall(r"^make ([a-z-]+)", line)]
        wrong += [f"{name}: there is no target {target}" for target in named if target not in targets]
    told = {_words(target)[0].removeprefix("make "): text for target, text in table(documents[CONTRIBUTING], "Set-up")}
    return wrong + _differ("targets", told, dict(re.findall(r"^([a-z-]+):.*## (.*)$", makefile, re.MULTILINE)))


def exit_statuses(documents: Documents) -> list[str]:
    """The statuses are those of errors.Exit, in the words of the command's own help."""
    told = {int(status): meaning for status, meaning, _ in table(documents[README], "Exit status")}
    epilog = str(cli.app.info.epilog).removeprefix("Exit status: ")
    said = {int(part.split(" ", 1)[0]): part.split(" ", 1)[1] for part in epilog.split(" · ")}
    return _differ("statuses", set(told), {int(status) for status in Exit}) + _differ("meanings", told, said)


def environment(documents: Documents) -> list[str]:
    """The variables are settings.VARIABLES, in its words, and no document names another one of ours."""
    told = {_words(name)[0]: meaning for name, meaning in table(documents[README], "Environment")}
    named = {(name, found) for name, text in documents.items() for found in re.findall(r"\bMYCOOPS_[A-Z_]+\b", text)}
    strange = [f"{name}: there is no variable {found}" for name, found in sorted(named) if found not in settings.VARIABLES]
    return _differ("variables", told, settings.VARIABLES) + strange


def kind_tables(documents: Documents) -> list[str]:
    """Kinds, their classes and what they are come from the roles; which classes are carried out, from the engine."""
    found = kinds.load([content.path("roles")])
    told = {SPAN.findall(name)[0]: (overlap, text) for name, overlap, text in table(documents[README], "Kinds")}
    classes = {name: (done, _words(ship)) for name, _, _, done, ship in table(documents[README], "Overlap classes")}
    true = {
        str(overlap): ("yes" if overlap in CARRIED_OUT else "no", sorted(n for n, kind in found.items() if kind.overlap == overlap))
        for overlap in Overlap
    }
    return [
        *_differ("kinds", told, {name: (str(kind.overlap), kind.summary) for name, kind in found.items()}),
        *_differ("classes", classes, true),
    ]


def words_of_the_protocol(documents: Documents) -> list[str]:
    """Moves, outcomes, stages and states are called as in the code, and the glossary explains every term, in order."""
    readme = documents[README]
    glossary = dict(table(readme, "Glossary"))
    concepts = {re.sub(r"(?<=[^s])s$", "", term) for term in re.findall(r"\*\*([^*]+)\*\*", section(readme, "Concepts"))}
    names = {"state": set(State), "consumer": set(Stage), "move": set(Verb)}
    strange = [
        f"{term}: there is no {name}" for term, true in names.items() for name in _words(glossary.get(term, "")) if name not in true
    ]
    return [
        *_differ("moves", [_words(move)[0] for move, _ in table(readme, "Concepts")], [str(verb) for verb in Verb]),
        *_differ("no return", set(_words(glossary.get("point of no return", ""))), {str(verb) for verb in FORWARD_ONLY}),
        *_differ("outcomes", _words(glossary.get("probe", "")), [str(outcome) for outcome in Outcome]),
        *_differ("order of the glossary", list(glossary), sorted(glossary)),
        *_differ("terms without an explanation", sorted({*TERMS, *concepts} - set(glossary)), []),
        *strange,
    ]


def words_of_drift(documents: Documents) -> list[str]:
    """The table of what can differ has every word that is said, once."""
    told = [word for words, _ in table(documents[README], "Drift") for word in _words(words)]
    return _differ("what differs", sorted(told), sorted(WHAT))


def transcript(documents: Documents) -> list[str]:
    """The transcript is of the demo as it is: its commands, its moves and what it says at its end."""
    script = (ROOT / "scripts" / "demo.sh").read_text()
    lines = section(documents[README], "Try it").splitlines()
    said = [line for line in lines if line.startswith("$ ") or re.match(r"  (mycoops|\. )", line)]
    wrong = [f"the demo does not say: {line}" for line in said if line not in script]
    moves = [found.groups() for line in lines if (found := re.match(r"\d+:\d\d +\d+/\d+ (\w+)(?: on \w+)?: (.*)", line))]
    told = {verb: (words, AHEAD) if verb is Verb.STAGE else (words,) for verb, words in WORDS.items()}
    wrong += [f"{verb} is told as {told[Verb(verb)]}" for verb, text in moves if not text.startswith(told[Verb(verb)])]
    return wrong if said and moves else ["there is no transcript"]
