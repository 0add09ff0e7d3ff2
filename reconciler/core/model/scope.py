"""The part of a workspace that a plan covers, and the origin of the plan."""

from reconciler.core.model.resource import Address
from reconciler.values import dataclass

TRANSFER = "transfer"
"""The label that stands for the live transfer state of an entry, or of an entry of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a plan covers; by default the whole workspace, on the live ledger.

    `targets` and `excludes` are patterns of names, or of kind and name. `periods` are names of
    accounting periods, `labels` are `label=value`. Each is sorted, without duplicates. An address
    is in scope if it matches `targets`, `periods` and `labels`, and none of `excludes`. Empty
    ones match everything.
    """

    offline: bool = False
    """Made without calls to the ledger: the recorded state is used as the live state."""
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("targets", "excludes", "periods", "labels"):
            object.__setattr__(self, name, tuple(sorted({*getattr(self, name)})))

    @property
    def by_transfer(self) -> bool:
        """Whether only the ledger knows what is in scope."""
        return any(label.startswith(f"{TRANSFER}=") for label in self.labels)

    @property
    def partial(self) -> bool:
        """Whether a part of the workspace may be out of scope."""
        return bool(self.targets or self.excludes or self.periods or self.labels)


WHOLE = Scope()
"""All of the workspace, on the live ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfScope:
    """The number of declarations and of recorded-only entries outside a partial plan.

    Not part of the digest, so that changes in other files do not affect a partial review.
    """

    declared: int = 0
    recorded: int = 0


NOTHING_OUT_OF_SCOPE = OutOfScope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A scope and the addresses in it; None if all are."""

    scope: Scope = WHOLE
    addresses: frozenset[Address] | None = None
    out_of_scope: OutOfScope = NOTHING_OUT_OF_SCOPE

    base: str = ""
    """The revision that an offline plan was asked to be compared with."""

    def __contains__(self, address: Address) -> bool:
        return self.addresses is None or address in self.addresses

    def command(self, *names: str) -> tuple[str, ...]:
        """The words of the command that plans these names too; without names, everything.

        Where more than targets narrows the scope, it plans these names alone: a name that no file
        declares has no label, and what is linked to a period may be in another one.
        """
        scope, words = self.scope, ["plan"]
        words += ["--offline"] if scope.offline else []
        words += ["--base", self.base] if self.base else []
        narrowed = scope.excludes or scope.periods or scope.labels
        targets = {*names, *(() if narrowed or not names else scope.targets)}
        return (*words, *(word for one in sorted(targets) for word in ("--target", one)))


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCommit:
    """The commit whose declarations count as posted, and the name by which it was found."""

    name: str
    commit: str

    def __str__(self) -> str:
        short = self.commit[:7]
        return f"commit {short}" if self.commit.startswith(self.name) else f"{self.name} at {short}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The origin of a plan: what a saved plan is checked against, in addition to its digest (I-30).

    `commit` is the head of the workspace's repository, empty without one. `dirty`: files of the
    workspace had uncommitted changes. Times are in UTC and ISO form, and empty if the plan was
    not saved.
    """

    tool_version: str = ""
    policy_digest: str = ""
    commit: str = ""
    dirty: bool = False
    made_at: str = ""
    expires_at: str = ""


UNKNOWN_ORIGIN = Provenance()
"""The origin of a plan that names none."""
