"""The settings that limit a workspace: its own, and those of states that were approved before."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from types import MappingProxyType

from reconciler.core.model.finding import Finding
from reconciler.core.model.policy import NO_APPROVALS, Approvals, CustomRule, Policy
from reconciler.core.model.resource import Declared
from reconciler.core.planning.limits.stricter import (
    POLICY,
    HeldKey,
    changed,
    held_keys,
    table_of,
    with_highest_tier,
)
from reconciler.values import dataclass
from reconciler.workspace.custom_rules import check_custom_rules
from reconciler.workspace.json_schema import API_VERSION, WORKSPACE, is_valid
from reconciler.workspace.settings import Settings, Target, settings_from
from reconciler.workspace.yaml_reader import read

UNREADABLE = HeldKey(name="reconciler.yaml", loosened=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierSettings:
    """An earlier state of a workspace: its settings, None if they cannot be read, and its files.

    `files` are the schemas of custom rules and the list of signers, by name; None if they are
    unknown. What of a `passed` state holds are its approvals: nobody knows whether the state was
    ever applied, but a key that was stricter in it counts as loosened.
    """

    where: str
    settings: Settings | None
    files: Mapping[str, bytes] | None = None
    passed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The settings that hold, and of each key that the change does not decide alone, since when.

    `required` are the approvals of the earlier states together. `signers` are the lists of keys
    that a signature must be on, apart from the present list.
    """

    settings: Settings
    keys: Mapping[HeldKey, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    required: Approvals = NO_APPROVALS
    signers: tuple[bytes, ...] = ()
    bases: tuple[EarlierSettings, ...] = ()

    @property
    def loosened(self) -> bool:
        """Whether a key changed for which no value holds of both."""
        return any(key.loosened for key in self.keys)


def settings_in(data: bytes) -> Settings | None:
    """The settings in the content of a reconciler.yaml; None if they cannot be read."""
    documents, problems = read(data, path="reconciler.yaml")
    values = [document.value for document in documents]
    if problems or len(values) != 1 or not isinstance(values[0], dict):
        return None
    value = values[0]
    sound = (value.get("apiVersion"), value.get("kind")) == (API_VERSION, WORKSPACE)
    return settings_from(value) if sound and is_valid(WORKSPACE, value) else None


def files_named_in(settings: Settings) -> tuple[str, ...]:
    """The files that decide together with the settings: schemas, and the list of signers."""
    signers = settings.policy.approvals.allowed_signers
    schemas = tuple(rule.schema for rule in settings.policy.custom_rules)
    return (*schemas, signers) if signers else schemas


def held_to(
    bases: Iterable[EarlierSettings], new: Settings, files: Mapping[str, bytes], recorded: int
) -> Held:
    """What holds of the present settings, with their files, and of those of earlier states."""
    settings, required, bases = new, NO_APPROVALS, tuple(bases)
    keys: dict[HeldKey, tuple[str, ...]] = {}
    signers: list[bytes] = []
    for base in bases:
        found = tuple(_found(base, new, files, recorded))
        if base.passed:
            # Of what such a state holds, its approvals alone are applied.
            found = tuple(
                replace(key, holds="", loosened=key.loosened or key.name != "approvals")
                for key in found
            )
        for key in found:
            keys[key] = (*keys.get(key, ()), base.where)
        if base.settings is None:
            continue
        both = held_keys(base.settings.policy, settings.policy, recorded, POLICY)[0]
        of_base = base.settings.policy.approvals
        policy = replace(settings.policy, approvals=both.approvals) if base.passed else both
        settings = replace(settings, policy=policy)
        required = _approvals_of(of_base, required)
        if of_base.tiers and of_base.allowed_signers and base.files is not None:
            signers.append(base.files.get(of_base.allowed_signers, b""))
    held = Held(
        settings=settings,
        keys=MappingProxyType(keys),
        required=required,
        signers=tuple(dict.fromkeys(signers)),
        bases=bases,
    )
    if not held.loosened:
        return held
    policy = replace(settings.policy, approvals=with_highest_tier(settings.policy.approvals))
    return replace(held, settings=replace(settings, policy=policy))


def _approvals_of(one: Approvals, other: Approvals) -> Approvals:
    both = held_keys(Policy(approvals=one), Policy(approvals=other), 0, POLICY)[0]
    approvals: Approvals = both.approvals
    return approvals


def _found(
    base: EarlierSettings, new: Settings, files: Mapping[str, bytes], recorded: int
) -> Iterator[HeldKey]:
    """The keys of which the value of the change does not hold alone."""
    if base.settings is None:
        yield UNREADABLE
        return
    found = held_keys(base.settings.policy, new.policy, recorded, POLICY)[1]
    yield from found
    yield from held_keys(replace(base.settings, policy=new.policy), new, recorded, SETTINGS)[1]
    rules = base.settings.policy.custom_rules
    if base.files is None or any(key.name == "houseRules" for key in found):
        return
    if any(base.files.get(rule.schema) != files.get(rule.schema) for rule in rules):
        yield HeldKey(name="houseRules", loosened=True)


def rule_breaches(
    held: Held, new: Settings, root: Path, declared: Iterable[Declared], *, today: str
) -> Iterator[Finding]:
    """The findings of custom rules that hold and that the present rules and waivers do not show."""
    declared, waivers = tuple(declared), held.settings.policy.waivers
    judged: list[tuple[Path | Mapping[str, bytes], tuple[CustomRule, ...]]] = []
    if waivers != new.policy.waivers:
        judged.append((root, new.policy.custom_rules))
    for base in held.bases:
        rules = () if base.settings is None else base.settings.policy.custom_rules
        if not base.passed and base.files is not None and _differs(rules, base, held):
            judged.append((base.files, rules))
    for files, rules in judged:
        found = check_custom_rules(files, rules, waivers, declared, today=today).findings
        yield from (finding for finding in found if finding.rule.startswith("house/"))


def _differs(rules: tuple[CustomRule, ...], base: EarlierSettings, held: Held) -> bool:
    where = [names for key, names in held.keys.items() if key.name == "houseRules"]
    return bool(rules) and any(base.where in names for names in where)


def _target(old: Target | None, new: Target | None, _recorded: int) -> tuple[Target | None, bool]:
    """A target that only pins more than before is as strict."""
    if old is None or new is None:
        return new, False
    narrowed = replace(new, tenant_id=old.tenant_id, hosts=old.hosts) == old
    tenant = old.tenant_id in (None, new.tenant_id)
    hosts = old.hosts is None or (new.hosts is not None and new.hosts <= old.hosts)
    return new, narrowed and tenant and hosts


def _limits_nothing(_old: object, new: object, _recorded: int) -> tuple[object, bool]:
    """What is in files, or is only shown, may change."""
    return new, True


def _dimensions(
    old: tuple[str, ...], new: tuple[str, ...], _recorded: int
) -> tuple[tuple[str, ...], bool]:
    """Whoever removes a dimension hides what moves between its values."""
    return new, {*old} <= {*new}


SETTINGS = table_of(
    ("name", "metadata.name", changed),
    ("target", "target", _target),
    ("embedded", "target", changed),
    ("marker", "identity.marker", changed),
    ("daybook", "daybook", changed),
    ("dimensions", "dimensions", _dimensions),
    # The entries that `generate` writes are in the change as files.
    ("generate_through", "generate.through", _limits_nothing),
    # A close check changes nothing, and shows what is allowed and why.
    ("close", "close", _limits_nothing),
    # Each key of the policy has a row of its own.
    ("policy", "policy", _limits_nothing),
)
"""A row for each field of the settings. A test fails when one is missing."""
