"""Which part of a workspace a plan is about, and where the plan itself comes from."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.core.model.resource import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a plan looked at. The plain one is all of the workspace, on the live ledger.

    `targets` and `excludes` are patterns of names, or of kind and name; `periods` are the names of
    accounting periods, `labels` are `label=value`. Each is sorted and holds nothing twice. One
    match in each that is not empty puts an address in scope, and a match in `excludes` takes it
    out again.
    """

    offline: bool = False
    """Made without asking the ledger: live is taken to be what the daybook recorded."""
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        offline: bool = False,
        targets: Iterable[str] = (),
        excludes: Iterable[str] = (),
        periods: Iterable[str] = (),
        labels: Iterable[str] = (),
    ) -> "Scope":
        """The scope that was asked for, in the one form that equal ones have."""
        return cls(
            offline=offline,
            targets=tuple(sorted({*targets})),
            excludes=tuple(sorted({*excludes})),
            periods=tuple(sorted({*periods})),
            labels=tuple(sorted({*labels})),
        )

    @property
    def partial(self) -> bool:
        """Whether some of the workspace may have been left out."""
        return bool(self.targets or self.excludes or self.periods or self.labels)


WHOLE = Scope()
"""All of the workspace, on the live ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfScope:
    """How much a partial plan did not look at: declarations, and entries that only the daybook
    knows. No part of the digest, so that other people's files leave a partial review alone.
    """

    declared: int = 0
    recorded: int = 0


NOTHING_OUT_OF_SCOPE = OutOfScope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A scope, and what of a workspace lies in it; `addresses` is None when everything does."""

    scope: Scope = WHOLE
    addresses: frozenset[Address] | None = None
    out_of_scope: OutOfScope = NOTHING_OUT_OF_SCOPE

    def __contains__(self, address: Address) -> bool:
        return self.addresses is None or address in self.addresses


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a plan comes from: what a saved one is held to besides its digest (I-30).

    `commit` is the one the workspace's repository stood on, empty when it lies in none, and
    `dirty` says that files of the workspace were not as committed. Times are in UTC and ISO form;
    they are empty in a plan that was not saved.
    """

    tool_version: str = ""
    policy_digest: str = ""
    commit: str = ""
    dirty: bool = False
    made_at: str = ""
    expires_at: str = ""


UNKNOWN_ORIGIN = Provenance()
"""The origin of a plan of which nobody said where it comes from."""
