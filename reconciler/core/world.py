"""Everything a plan is computed from, and what of it one address is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.canonical import declarable, fingerprint
from reconciler.core.checks import Known
from reconciler.core.compare import UNCHANGED, Comparison
from reconciler.core.kinds import KINDS
from reconciler.core.kinds.kind import Kind
from reconciler.core.marker import marker_of, split_marker
from reconciler.core.plan import POSTED, Action, Change, Reason, Step, Verb
from reconciler.core.recorded import Recorded
from reconciler.core.values import Address, Declared, Live, Value, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How the workspace wants entries treated: whether cancelled ones are deleted, and so on."""

    delete_cancelled: bool = True
    forbid_removal: bool = False
    manage_observed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a plan is computed from.

    `live` maps every number that was asked for to what the ledger answered, None for a positive
    "not found"; a number that is missing here was not read, which is a mistake of the caller.
    """

    declared: Mapping[Address, Declared]
    recorded: Mapping[Address, Recorded]
    live: Mapping[str, Live | None]
    known: Known
    conduct: Conduct = Conduct()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One address with everything known about it.

    `held` is live without its marker, and `marker` what it carries, None when it carries none.
    """

    address: Address
    kind: Kind
    world: World
    declared: Declared | None
    recorded: Recorded
    live: Live | None
    held: Mapping[str, Value]
    marker: str | None

    @classmethod
    def of(cls, address: Address, world: World) -> "Case":
        """The case of an address. Raises KeyError when a number it needs was not read."""
        recorded = world.recorded.get(address) or Recorded(address=address)
        live = world.live[recorded.number] if recorded.number is not None else None
        held, marker = (
            split_marker(live.fields, world.known.marker) if live is not None else ({}, None)
        )
        return cls(
            address=address,
            kind=KINDS[address.kind],
            world=world,
            declared=world.declared.get(address),
            recorded=recorded,
            live=live,
            held=held,
            marker=marker,
        )

    @property
    def expected_marker(self) -> str:
        """The marker that a live entry of this address carries."""
        return marker_of(self.world.known.workspace, self.address)

    @property
    def owned(self) -> bool:
        """Whether the live entry proves to be this address's."""
        return self.marker == self.expected_marker

    @property
    def posted(self) -> bool:
        """Whether the live entry stands in the books."""
        return self.live is not None and self.live.status == POSTED

    @property
    def transferred(self) -> str:
        """The live transfer state; empty when there is none."""
        return text_of(self.held.get(self.kind.transfer)) or ""

    def leftover_steps(self) -> tuple[Step, ...]:
        """Deletions of cancelled predecessors that an interrupted replacement left behind."""
        if not self.world.conduct.delete_cancelled:
            return ()
        return tuple(
            Step(verb=Verb.DELETE, number=number)
            for number in self.recorded.leftovers
            if self.world.live[number] is not None
        )

    def change(
        self,
        action: Action,
        reason: Reason,
        verbs: Iterable[Verb] = (),
        comparison: Comparison = UNCHANGED,
    ) -> Change:
        """The change with its steps; verbs other than create act on the recorded number."""
        steps = tuple(
            Step(verb=verb, number=None if verb is Verb.CREATE else self.recorded.number)
            for verb in verbs
        )
        fields = self.declared.spec if self.declared else self.held
        period = text_of(fields.get(self.kind.period)) or ""
        known_period = self.world.known.periods.get(period)
        return Change(
            address=self.address,
            action=action,
            wanted=action,
            reason=reason,
            steps=(*steps, *self.leftover_steps()),
            number=self.recorded.number,
            status=self.live.status if self.live else "",
            source=self.declared.source if self.declared else None,
            comparison=comparison,
            before=declarable(self.kind, self.held) if self.live is not None else None,
            after=self.declared.spec if self.declared else None,
            period=period,
            period_status=known_period.status if known_period else "",
            transferred=self.transferred,
            currency=text_of(fields.get(self.kind.currency)) or "",
            protect=self.declared.protect if self.declared else self.recorded.protect,
            fingerprint=fingerprint(self.live) if self.live and steps else "",
        )
