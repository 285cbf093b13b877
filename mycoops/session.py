"""Opens everything a command needs of a fleet, and closes it: declarations, store, run directory, agent, runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from mycoops import agent, catalogue, chain, content, durable, inventory, kinds, ledger, rundir, settings, vault_switch
from mycoops.catalogue import Catalogue
from mycoops.consumer import Consumer
from mycoops.due import Due, dues
from mycoops.kinds import Kind
from mycoops.leaks.control_node import ControlNode
from mycoops.leaks.heard import HEARD
from mycoops.leaks.known import Known
from mycoops.leaks.processes import Sampler
from mycoops.leaks.search import Search
from mycoops.model import Reached
from mycoops.performer import AnsiblePerformer
from mycoops.places import Places
from mycoops.plan import Plan
from mycoops.runner import Environment, Outcome, Runner
from mycoops.secret import Secret, fingerprint
from mycoops.settings import Settings
from mycoops.source import Source
from mycoops.vault import Store, password_secrets

Notify = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet as declared and as its journals tell; opening it starts nothing."""

    settings: Settings
    catalogue: Catalogue
    source: Source
    kinds: dict[str, Kind]
    roles_paths: tuple[Path, ...]
    _typed: list[Secret] = field(default_factory=list, repr=False, compare=False)
    """The password a person typed: nobody is asked twice by one command."""

    def bring(self, credential: str) -> str:
        """The command that takes the first value of a declared credential."""
        return kinds.bring(self.kinds, self.catalogue.credentials[credential].kind, credential)

    def password(self) -> str:
        """Obtain the vault password; a person is asked for it once."""
        declared = self.catalogue.fleet.vault_password
        if self._typed:
            return self._typed[0].reveal()
        where = self.source.at("mycoops_fleet", "vault_password")
        file = str(vault_switch.password_file(self.settings.fleet, path)) if (path := self.password_path()) else ""
        found = settings.vault_password(file, declared.script, declared.prompt, self.settings, where)
        if declared.prompt:
            self._typed.append(Secret(found))
        return found

    def password_path(self) -> Path | None:
        """The file that the catalogue names for the vault password; None where it is a program or a person."""
        declared = self.catalogue.fleet.vault_password
        return settings.password_path(declared.file, self.settings) if declared.file else None

    def store(self) -> Store:
        """Open the store of values."""
        return Store.open(self.settings.fleet, password_secrets(self.password()))

    def facts(self) -> Store:
        """The store without its password: it tells generations, slots and dates, and no value."""
        return Store.open(self.settings.fleet, [])

    def dues(self, day: date) -> dict[str, Due]:
        """When each credential is due, as seen on a day."""
        store = self.facts()
        return dues(self.catalogue, {name: meta.created for name in self.catalogue.credentials if (meta := store.meta(name))}, day)

    def runs(self) -> dict[Path, ledger.Run]:
        """Every journal folded, oldest first. Raises JournalError for one that cannot be trusted."""
        found: dict[Path, ledger.Run] = {}
        for records, verdict in chain.vouched(self.settings):
            chain.refuse(verdict)
            if run := ledger.fold(records):
                found[verdict.path] = run
        return found


def open_fleet(directory: Path | None) -> Fleet:
    """Read the declarations of a fleet directory. Raises ConfigurationError."""
    where = settings.find(directory)
    declared, source = catalogue.load(where.fleet)
    where = settings.find(directory, declared.fleet.name)
    own = [where.fleet / path for path in declared.fleet.roles_path] + [where.fleet / "roles"]
    roles = tuple(path.resolve() for path in [*own, content.path("roles")] if path.is_dir())
    return Fleet(where, declared, source, kinds.load(roles), roles)


@dataclass(slots=True)
class Session:
    """A fleet with the means to act on it."""

    fleet: Fleet
    store: Store
    runner: Runner
    performer: AnsiblePerformer
    agent: agent.Agent | None
    search: Search

    def goes_back_to(self, moment: str, plan: Plan) -> None:
        """What is searched for leaks goes back to an earlier process, which began this plan at this moment (ISO 8601)."""
        self.search.since(moment)
        self.performer.owe(self.search.hosts_of(plan))

    def scan(self) -> Outcome:
        """Search for leaks: each host spoken to since it was last searched, in one start, and the control node."""
        return self.search.finish(self.performer.carry_out(scan=True))

    def rotator_key(self, credential: str, generation: int) -> None:
        """Let the run's agent hold this generation of the rotator's key; other credentials of the rotator need nothing."""
        if self.agent and _is_key(self.fleet, credential):
            self.agent.load(self.store.secret(credential, generation))

    def reach(self, credential: str, consumer: Consumer, generation: int, *, look: bool = False) -> Reached:
        """Bring a generation to a place outside the hosts, or look at it."""
        places = Places(self.fleet.settings.fleet, self.fleet.catalogue, self.fleet.kinds, self.store)
        return places(credential, consumer, generation, look=look)

    def fingerprint(self, credential: str, generation: int) -> str:
        """Name a value for the journal."""
        return fingerprint(settings.install_key(self.fleet.settings), credential, self.store.secret(credential, generation))


@contextmanager
def open_session(fleet: Fleet, notify: Notify) -> Iterator[Session]:
    """Open the store, a private directory in memory, the rotator's agent and the runner; close all of it in the end."""
    password = fleet.password()
    store = Store.open(fleet.settings.fleet, password_secrets(password))
    with ExitStack() as stack:
        directory = stack.enter_context(rundir.private())
        secret_file = directory / rundir.PASSWORD
        durable.replace(secret_file, password.encode())
        key = next((name for name in fleet.catalogue.credentials if _is_key(fleet, name) and store.meta(name)), "")
        held = stack.enter_context(agent.running(directory)) if key else None
        environment = Environment(
            fleet=fleet.settings.fleet,
            directory=directory,
            inventory=inventory.path(fleet.settings.fleet),
            known_hosts=fleet.settings.known_hosts,
            password_file=secret_file,
            agent_socket=held.socket if held else None,
            forks=fleet.catalogue.fleet.forks,
            roles_paths=fleet.roles_paths,
        )
        known = Known(store)
        units = [service.unit for service in fleet.catalogue.services.values() if service.unit]
        control_node = ControlNode(fleet.settings, directory, HEARD, stack.enter_context(Sampler(units)))
        search = Search(fleet.catalogue, fleet.kinds, known, control_node)
        runner = Runner(environment, known.masker, notify, known.found)
        stack.callback(runner.close)
        performer = AnsiblePerformer(runner, fleet.settings.fleet, search.requests)
        session = Session(fleet, store, runner, performer, held, search)
        if key:
            session.rotator_key(key, _key_in_force(fleet, store, key))
        yield session


def _is_key(fleet: Fleet, credential: str) -> bool:
    kind = fleet.kinds.get(fleet.catalogue.credentials[credential].kind)
    return bool(kind and kind.own_access and kind.generates == "ed25519")


def _key_in_force(fleet: Fleet, store: Store, credential: str) -> int:
    for run in fleet.runs().values():
        standing = run.rotations.get(credential)
        if standing and standing.open:
            return standing.generation_for("rotator")
    meta = store.meta(credential)
    return meta.generation if meta else 1
