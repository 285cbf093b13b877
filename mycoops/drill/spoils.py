"""What can go wrong in a scripted world, and what mends it: each is an act on a bench."""

from __future__ import annotations

import json
from collections.abc import Callable

from mycoops.drill.authorities import Authority, Grant, Single, Tokens
from mycoops.drill.bench import KEY, Bench
from mycoops.drill.faults import Fault
from mycoops.drill.truth import FOR_EVER
from mycoops.journal import Journal
from mycoops.model import Leak
from mycoops.secret import Secret, generate

Act = Callable[[Bench], None]


def nothing(bench: Bench) -> None:
    """Nothing has to be done."""


def only(bench: Bench, credential: str) -> Authority:
    """The one authority of a credential."""
    (found,) = bench.world.authorities[credential].values()
    return found


def fault(what: str, entry: str = "", host: str = "", credential: str = "", **more: object) -> Act:
    """Something of this sort happens."""

    def spoil(bench: Bench) -> None:
        bench.world.faults.append(Fault(what, entry, host, credential, **more))  # type: ignore[arg-type]

    return spoil


def well(bench: Bench) -> None:
    """Whatever was to go wrong does not any more."""
    bench.world.faults.clear()
    bench.world.allergic.clear()
    bench.world.uses.clear()
    bench.world.looks, bench.world.unwritable = FOR_EVER, 0
    for machine in bench.world.machines.values():
        machine.malformed.clear()
        machine.up = True
    for group in bench.world.authorities.values():
        for one in group.values():
            one.outage = one.trust = one.immortal = one.down = False
            one.policy = 0


def both(*acts: Act) -> Act:
    """One after the other."""

    def spoil(bench: Bench) -> None:
        for act in acts:
            act(bench)

    return spoil


def sets(credential: str, name: str, value: object = True) -> Act:
    """An authority changes its mind: `trust`, `immortal`, `outage`, `policy`."""

    def spoil(bench: Bench) -> None:
        for one in bench.world.authorities[credential].values():
            setattr(one, name, value)

    return spoil


def loses(credential: str, generation: int) -> Act:
    """An authority forgets a value, as one does that was restarted without having written it down."""

    def spoil(bench: Bench) -> None:
        authority, value = only(bench, credential), bench.store().secret(credential, generation).reveal()
        if isinstance(authority, Tokens):
            authority.tokens.pop(value, None)
        if isinstance(authority, Single) and authority.value == value:
            authority.value = bench.store().secret(credential, generation - 1).reveal()
        bench.world.dead.add(credential)

    return spoil


def in_use(credential: str) -> Act:
    """Somebody goes on using the old value."""

    def spoil(bench: Bench) -> None:
        bench.world.uses[credential] = 1

    return spoil


def malformed(host: str, path: str) -> Act:
    """Somebody breaks an env file."""

    def spoil(bench: Bench) -> None:
        bench.world.machines[host].malformed.add(path)

    return spoil


def mistyped(credential: str) -> Act:
    """A person brings a value that its provider never made."""

    def spoil(bench: Bench) -> None:
        bench.walk()
        bench.store().put_pending(credential, 2, "", generate("token"))
        bench.forget()

    return spoil


def walked(bench: Bench) -> None:
    """The command is given once."""
    bench.walk()


def acknowledged(bench: Bench) -> None:
    """Whoever is waited for acknowledges, and the command is cut off before the revocation."""
    bench.bring()
    bench.crash("after the record state it SOAKING")


def aborted(bench: Bench) -> None:
    """It is taken back once, as far as that goes."""
    bench.abort()


def deployed(bench: Bench) -> None:
    """Somebody deploys everything."""
    bench.deploy()


def brought(bench: Bench) -> None:
    """A person brings what is asked for, whatever was brought before."""
    well(bench)
    for name, standing in bench.run().rotations.items():
        if standing.open:
            bench.world.bring(name)


def sits(bench: Bench) -> None:
    """A person is at the terminal, and makes every value that is asked for."""
    bench.asker = bench.world.hand_over


def sits_and_mistypes(bench: Bench) -> None:
    """A person is at the terminal, and the first value is one that its provider never made."""
    bench.asker = lambda name: bench.world.hand_over(name) if bench.store().pending(name) else generate("token")


def brought_where_asked(bench: Bench) -> None:
    """The command is given, and where it asks for another value, a person brings one."""
    bench.walk()
    for name, standing in bench.run().rotations.items():
        if standing.open and f"mycoops provide {name}" in (standing.next_command, standing.waiting.get("next")):
            bench.world.bring(name)


def brought_until(where: str) -> Act:
    """A person brings the value that is waited for, and the controller dies at this point."""

    def spoil(bench: Bench) -> None:
        bench.walk()
        bench.bring()
        bench.crash(where)

    return spoil


def only_said(credential: str) -> Act:
    """A person says that the old value is ended, and did not end it."""

    def spoil(bench: Bench) -> None:
        bench.walk()
        bench.bring()
        bench.walk()
        bench.confirm(credential)

    return spoil


def taken_off(bench: Bench) -> None:
    """Somebody puts a consumer's old value back by hand."""
    bench.world.machines["h2"].processes["job"]["SECRET"] = bench.store().secret("it", 1).reveal()


def not_borne(service: str) -> Act:
    """A service does not start with a new value."""

    def spoil(bench: Bench) -> None:
        bench.world.allergic.add(service)

    return spoil


def crashed(where: str) -> Act:
    """The command is given, and the controller dies there."""

    def spoil(bench: Bench) -> None:
        bench.crash(where)

    return spoil


def rewritten(credential: str, place: str) -> Act:
    """Somebody puts the old value back into a place outside the hosts."""

    def spoil(bench: Bench) -> None:
        bench.world.places[credential, place] = bench.store().secret(credential, 1).reveal()
        bench.world.writes[credential, place] += 1

    return spoil


def waived(credential: str, until: str = "9999-12-31") -> Act:
    """Somebody goes on without the persons who are waited for, until a day."""

    def spoil(bench: Bench) -> None:
        for consumer in bench.catalogue.credentials[credential].outside:
            if not consumer.github:
                facts = {"credential": credential, "service": consumer.name, "until": until, "by": "a@desk", "reason": "on leave"}
                Journal(bench.path, KEY).write("waived", **facts)

    return spoil


def late(credential: str, place: str) -> Act:
    """By now somebody should have acknowledged."""

    def spoil(bench: Bench) -> None:
        facts = {"credential": credential, "service": place, "stage": "switching", "deadline": "2020-01-01"}
        Journal(bench.path, KEY).write("consumer", **facts)

    return spoil


def next_taken_off(bench: Bench) -> None:
    """Somebody takes a next value out of a file and restarts who reads it."""
    machine = bench.world.machines["h1"]
    machine.files["/etc/api.env"]["SECRET_NEXT"] = machine.processes["api"]["SECRET_NEXT"] = ""


def relisted(*generations: int) -> Act:
    """Somebody puts a list of these values back by hand; without the new one he restarts who reads it, and it is refused."""

    def spoil(bench: Bench) -> None:
        machine = bench.world.machines["h3"]
        listed = json.dumps([bench.store().secret("token", number).reveal() for number in generations])
        machine.files["/etc/door.env"]["TOKENS"] = listed
        if 2 not in generations:
            machine.processes["door"]["TOKENS"] = listed
            bench.world.dead.add("token")

    return spoil


def asked_to_stop(after: int) -> Act:
    """Somebody asks the run to stop, once it has looked so often whether anybody did."""

    def spoil(bench: Bench) -> None:
        bench.world.looks = after

    return spoil


def unwritable(bench: Bench) -> None:
    """The rotation log cannot be written once."""
    bench.world.unwritable = 1


def leaking(bench: Bench) -> None:
    """A value shows up in the artifacts of a start."""
    bench.world.leaks.append(Leak("db", 2, "run003/stdout"))


def left_behind(bench: Bench) -> None:
    """The value in force lies where it must not, and nobody removes it."""
    bench.world.left.append(Leak("db", 2, "/tmp/left", "h1"))  # noqa: S108 - only a name


def unsearched(bench: Bench) -> None:
    """A host cannot be searched for leaks once."""
    bench.world.unsearched = 1


def refreshed_elsewhere(bench: Bench) -> None:
    """Somebody else used the value and put the next one into the vault."""
    (authority,) = bench.world.authorities["it"].values()
    if not isinstance(authority, Grant):
        return
    store = bench.store()
    store.put_pending("it", 2, "", Secret(authority.refresh(store.secret("it", 1).reveal())))
    store.promote("it", 2)
    bench.forget()
