"""What a drill puts a rotation through besides kills: one thing that goes wrong in one class, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mycoops.drill import spoils
from mycoops.drill.bench import Bench
from mycoops.drill.spoils import Act, fault, sets
from mycoops.drill.stories import APART, KINDS, STORIES, Story
from mycoops.rotation.finish import DRAIN_ATTEMPTS
from mycoops.rotation.mint import ATTEMPTS

UNTROUBLED, AT_START = "kills alone", " at start "


@dataclass(frozen=True, slots=True)
class Trial:
    """A story in which something goes wrong from `where` on (from the start if empty); `mend` ends it.

    Under the trouble the command is given `walks` times. The way out is `finish`, or `abort` where `back` says so; where it
    is `held` a person has to decide, and nothing is lost."""

    name: str
    story: str
    spoil: Act = spoils.nothing
    where: str = ""
    mend: Act = spoils.well
    back: bool = False
    held: bool = False
    walks: int = 1

    @property
    def told(self) -> Story:
        """Its story."""
        return APART if self.story == APART.name else STORIES[self.story]

    @property
    def overlap(self) -> str:
        """The overlap class of its story."""
        return str(KINDS[next(iter(self.told.catalogue.credentials.values())).kind].overlap)

    @property
    def untroubled(self) -> bool:
        """Whether nothing is wrong but the kills."""
        return self.name == UNTROUBLED

    @property
    def sampled(self) -> bool:
        """Whether there are so many like it that a part of its points will do."""
        return AT_START in self.name

    def bench(self, make: Callable[[Story], Bench]) -> Bench:
        """A bench on which it is about to go wrong."""
        made = make(self.told)
        if self.where:
            made.crash(self.where)
        self.spoil(made)
        return made


def _failures() -> list[Trial]:
    """What a class can meet once at every one of its starts: a lost reply, an error, a host that is gone."""
    classes = [name for name in STORIES if name != "mixed"]
    found = [
        Trial(f"{what}{AT_START}{skip + 1}", story, fault(what, skip=skip))
        for story in classes
        for what in ("lost", "unreachable", "error")
        for skip in range(0, 16, 2)
    ]
    return found + [Trial("throttled", story, fault("error", "probe", code="throttled", times=2)) for story in classes]


def _kills() -> list[Trial]:
    """Every class with nothing wrong but the kills; where a person or a day is waited for, the command is given again."""
    return [Trial(UNTROUBLED, name, walks=1 + story.waits) for name, story in STORIES.items() if name != "mixed"]


AFTER, GITHUB = "after the record state", "github:acme/app:SECRET"
TRIALS = (
    *_kills(),
    *_failures(),
    Trial("policy rejects two values", "O1-slots", sets("db", "policy", 2)),
    Trial("policy rejects every value", "O1-slots", sets("db", "policy", ATTEMPTS)),
    Trial(
        "policy rejects, and nobody can be asked",
        "O1-slots",
        spoils.both(fault("error", "mint", code="rejected"), fault("unreachable", "probe")),
    ),
    Trial(
        "rejected, though it was taken",
        "O1-admin",
        spoils.both(
            fault("lost", "mint", credential="cache"),
            spoils.walked,
            fault("error", "mint", credential="cache", code="rejected"),
        ),
    ),
    Trial("a mint nobody hears of", "O1-slots", fault("lost", "mint")),
    Trial("a path that does not check", "O1-slots", sets("db", "trust")),
    Trial("a person brings a wrong value", "O3", spoils.mistyped("it"), mend=spoils.brought),
    Trial("a person brings a wrong value", "O6", spoils.mistyped("it"), mend=spoils.brought),
    Trial("a person brings another value", "O3", spoils.both(spoils.mistyped("it"), spoils.walked, spoils.brought)),
    Trial("a person sits at the terminal", "O3", spoils.sits),
    Trial("a person sits at the terminal", "O6", spoils.sits),
    Trial("a wrong value at the terminal", "O3", spoils.sits_and_mistypes, mend=spoils.brought_where_asked),
    Trial("a person only says that the old value is ended", "O3-manual", spoils.only_said("it")),
    Trial(
        "nobody can be asked whether a person has ended it",
        "O3-manual",
        spoils.both(spoils.brought_until(f"{AFTER} it REVOKING"), sets("it", "down")),
        walks=2,
    ),
    Trial("taken back before a person ends it", "O3-manual", spoils.brought_until(f"{AFTER} it PROMOTED"), back=True),
    Trial("the authority loses the new value", "O1-admin", spoils.loses("cache", 2), f"{AFTER} cache ACTIVATED"),
    Trial("the authority loses the new value at the end", "O1-admin", spoils.loses("cache", 2), f"{AFTER} cache REVOKING"),
    Trial("the authority loses what was cut over to", "O4", spoils.loses("it", 2), f"{AFTER} it PROMOTED"),
    Trial("an outage before the revocation", "O1-slots", sets("db", "outage"), f"{AFTER} db SOAKING", walks=2),
    Trial(
        "an outage before anything is switched",
        "O1-admin",
        sets("cache", "outage"),
        "before the record state cache VERIFIED",
        walks=2,
    ),
    Trial("an outage at the end", "O1-slots", sets("db", "outage"), f"{AFTER} db REVOKED", walks=2),
    Trial(
        "an outage that is over", "O1-slots", spoils.both(sets("db", "outage"), spoils.walked, spoils.well), f"{AFTER} db REVOKED"
    ),
    Trial("an outage after the cut", "O4", sets("it", "outage"), "cutover it", walks=2),
    Trial("a cut that cannot be confirmed", "O4", fault("unreachable", "confirm")),
    Trial("a switch that cannot be rehearsed", "O1-slots", fault("error", "delivery", check=True), f"{AFTER} db VERIFIED"),
    Trial("a list that cannot be given out", "O1-lists", fault("error", "delivery", "h1", check=False)),
    Trial("a revocation that fails", "O1-slots", fault("error", "revoke")),
    Trial("a consumer does not bear the next value", "O4-dual", spoils.not_borne("green")),
    Trial("a next value is taken off before the cut", "O4-dual", spoils.next_taken_off, f"{AFTER} it STAGED"),
    Trial("a next value is taken off in the cut", "O4-dual", spoils.next_taken_off, f"{AFTER} it CUTOVER"),
    Trial("an authority that only says it revoked", "O1-slots", sets("db", "immortal")),
    Trial("old values in use for long", "O1-slots", spoils.in_use("db")),
    Trial("an authority that cannot count", "O1-slots", fault("unreachable", "drain", times=DRAIN_ATTEMPTS)),
    Trial("a consumer is taken off the new value", "O2", spoils.taken_off, f"{AFTER} it PROMOTED"),
    Trial("a consumer cannot be looked at again", "O2", fault("unreachable", "delivery", check=True), f"{AFTER} it PROMOTED"),
    Trial("a list is put back", "O1-lists", spoils.relisted(1, 2), f"{AFTER} token REVOKED"),
    Trial("a list loses the new value", "O1-lists", spoils.relisted(1), f"{AFTER} token SWITCHED"),
    Trial(
        "a verifier cannot be told to drop", "O1-lists", fault("error", "delivery", "h3", check=False), f"{AFTER} token REVOKING"
    ),
    Trial("a broken env file", "apart", spoils.malformed("h1", "/etc/api.env")),
    Trial(
        "an env file breaks between stage and switch",
        "apart",
        spoils.malformed("h1", "/etc/api.env"),
        "before the record state one SWITCHING",
    ),
    Trial("a leak in the artifacts", "O1-slots", spoils.leaking),
    Trial("a leak on a host", "O1-slots", spoils.left_behind),
    Trial("a host that cannot be searched", "O1-slots", spoils.unsearched),
    Trial("a leak on a host, taken back", "O1-slots", spoils.left_behind, f"{AFTER} db VERIFIED", back=True),
    Trial("a log that cannot be written", "O1-slots", spoils.unwritable),
    Trial("asked to stop between moves", "O1-slots", spoils.asked_to_stop(3)),
    Trial("asked to stop in a wait", "O1-slots", spoils.asked_to_stop(7)),
    Trial("somebody else used the value", "O7", spoils.refreshed_elsewhere, f"{AFTER} it PREFLIGHT", held=True),
    Trial("a copy cannot be given out", "O7", fault("unreachable", "delivery", check=False)),
    Trial("the grant is over", "O7", fault("error", "refresh", code="invalid_grant")),
    Trial("taken back after it stopped", "O1-slots", spoils.both(fault("unreachable", "probe"), spoils.walked), back=True),
    Trial("taken back after the switch", "O1-own-key", where=f"{AFTER} own SWITCHED", back=True),
    Trial("taken back between vault and journal", "O1-slots", where="before the record state db PROMOTED", back=True),
    Trial("no way back to a consumer", "O1-slots", fault("unreachable", "delivery"), f"{AFTER} db SWITCHED", back=True),
    Trial("no way to end a candidate", "O1-slots", fault("unreachable", "revoke"), f"{AFTER} db SWITCHED", back=True),
    Trial("next values are taken back", "O4-dual", where="after the record ahead it green acknowledged", back=True),
    Trial("no way back for a next value", "O4-dual", fault("unreachable", "delivery"), f"{AFTER} it STAGED", back=True),
    Trial("a candidate that lives on", "O1-slots", sets("db", "immortal"), f"{AFTER} db VERIFIED", back=True),
    Trial(
        "a deploy in the middle of the way back",
        "O1-slots",
        spoils.both(fault("lost", "delivery", "h2", check=False), spoils.aborted, spoils.deployed),
        f"{AFTER} db SWITCHED",
        back=True,
    ),
    Trial(
        "a consumer on its way back is lost sight of",
        "O1-slots",
        fault("unreachable", "delivery", check=True, times=4),
        f"{AFTER} db SWITCHED",
        back=True,
    ),
    Trial("a place outside refuses", "O1-outside", fault("error", "reach", GITHUB, check=False)),
    Trial("a place outside does not answer", "O1-outside", fault("lost", "reach", GITHUB, check=False, times=9)),
    Trial("a place outside cannot be seen before", "O1-outside", fault("error", "reach", GITHUB, check=True)),
    Trial("a place outside cannot be looked at again", "O1-outside", fault("error", "reach", check=True, skip=1), walks=3),
    Trial(
        "a place outside is changed by somebody",
        "O1-outside",
        spoils.both(spoils.waived("it"), spoils.crashed(f"{AFTER} it SWITCHED"), spoils.rewritten("it", GITHUB)),
        f"{AFTER} it STAGED",
    ),
    Trial("somebody is late", "O1-outside", spoils.both(spoils.walked, spoils.late("it", "developer:ann")), mend=spoils.nothing),
    Trial("somebody is late, and waived", "O1-outside", spoils.both(spoils.walked, spoils.waived("it")), mend=spoils.nothing),
    Trial(
        "a waiver runs out",
        "O1-outside",
        spoils.both(spoils.waived("it"), spoils.crashed(f"{AFTER} it SWITCHED"), spoils.waived("it", "2020-01-01")),
        f"{AFTER} it STAGED",
    ),
    Trial("persons go back", "O1-outside", spoils.both(spoils.walked, spoils.acknowledged), back=True),
    Trial("no way back outside", "O1-outside", spoils.both(spoils.walked, fault("error", "reach", GITHUB)), back=True),
    Trial("a list goes back", "O1-lists", where=f"{AFTER} token SOAKING", back=True),
)
"""Every trial. Together with the kills they interrupt every effect of the engine."""
