"""Reads a workspace and holds it to the accounting rules; needs no ledger and no network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from reconciler.app.file_cache import FileCache
from reconciler.app.offline.posted_facts import PostedFacts, judged, judged_marker
from reconciler.core.model.finding import Finding, Problem, Severity, counted
from reconciler.core.model.plan import Plan
from reconciler.core.model.policy import EVERY_RULE, Policy
from reconciler.core.model.resource import Address, Declared, SupportingDocument
from reconciler.core.model.schedule import WaitingParts
from reconciler.core.model.tenant import Tenant, tenant_from
from reconciler.core.rules.entries import check_marker, check_together
from reconciler.core.rules.severities import WAIVABLE, governed, made_strict, waiver_of
from reconciler.errors import FilesRefused, ReconcilerError, UsageError
from reconciler.values import dataclass
from reconciler.workspace import load, locate, read_again
from reconciler.workspace.custom_rules import CustomRuleResult, check_custom_rules
from reconciler.workspace.editor_schema import outdated
from reconciler.workspace.judging import Judging
from reconciler.workspace.loader import WORKSPACE_FILE, LoadedWorkspace
from reconciler.workspace.reference_checks import check_policy, check_severities, check_spelling
from reconciler.workspace.settings import Settings, settings_from

if TYPE_CHECKING:
    from reconciler.core.planning.schedules.generation import Computed


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedWorkspace:
    """A workspace as read. `settings` is None when its reconciler.yaml has problems.

    `tenant` is complete when there is a Reference. `problems` holds the findings of every file and
    every rule, sorted by place.
    """

    root: Path
    settings: Settings | None
    tenant: Tenant
    declared: Mapping[Address, Declared]
    problems: tuple[Problem, ...]
    paths: tuple[str, ...]
    digest: str
    supporting: Mapping[Address, SupportingDocument]
    computed: "Computed | None" = None
    """What schedules and `reverseOn` ask for; None without any, and while files have problems."""
    waiting: tuple[WaitingParts, ...] = ()
    """What schedules and `reverseOn` post in later periods."""
    spared: frozenset[str] = frozenset()
    """The paths whose YAML an earlier run read."""
    judging: Judging | None = None
    """How each declaration was judged; None for a workspace made otherwise."""
    cache_damage: str = ""
    """Why the cache of files was thrown away; empty where it was not."""
    today: str = ""
    """The day that decides which waivers count."""
    waived: tuple[str, ...] = ()
    """The exceptions from custom rules that were needed, in words."""
    left_out: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """By base, how many warnings concern entries that are as it has them, and count as posted."""

    @property
    def files(self) -> int:
        """How many files were read."""
        return len(self.paths)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a plan.

        Facts of the tenant do not: a plan blocks what would be posted against them.
        """
        return tuple(
            item for item in self.problems if item.severity is Severity.ERROR and not item.of_tenant
        )

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that are only shown, by the policy of the files."""
        return tuple(item for item in self.governed if item.severity is Severity.WARNING)

    @property
    def governed(self) -> tuple[Problem, ...]:
        """The problems that the policy neither waives nor leaves out, as it lowers them."""
        policy = self.settings.policy if self.settings is not None else Policy()
        left = (one for one in self.problems if not waiver_of(one, policy, today=self.today))
        return tuple(governed(left, policy))


def read_workspace(
    root: Path,
    *,
    today: str = "",
    ask_daybook: bool = False,
    check_editors: bool = False,
    strict: bool = False,
    cached: bool = False,
) -> CheckedWorkspace:
    """Read every file below the workspace and check every declaration. Collects, never raises.

    `today` decides which waivers still count; without it, the day it is in UTC. With
    `ask_daybook` the daybook is read: what is posted and unchanged is only warned about. With
    `check_editors` the schema for editors is compared with the Reference. With
    `cached`, YAML that an earlier run read is not read again, and other processes help to read
    many files.
    """
    files = FileCache(root) if cached else None
    loaded = load(root, known=files.known) if files else load(root)
    settings = settings_from(loaded.workspace) if loaded.workspace is not None else None
    tenant = tenant_from(loaded.reference) if loaded.reference is not None else Tenant()
    tenant = settings.of_tenant(tenant) if settings is not None else tenant
    records = PostedFacts(root, settings if ask_daybook else None)
    judging = Judging(loaded.declaring, tenant)
    # Without sound settings nobody knows where the marker is to be.
    unmarked = tuple(check_marker(tenant)) if settings is not None else ()
    findings = chain(
        judged_marker(unmarked, loaded.declared, records) if unmarked else (),
        chain.from_iterable(
            judged(found, declared, records)
            for declared in loaded.declared
            if (found := judging.findings(declared))
        ),
        check_together(loaded.declared, tenant, judging.posting),
    )
    names: Iterable[Finding] = ()
    custom = CustomRuleResult()
    today = today or datetime.now(UTC).date().isoformat()
    policy = settings.policy if settings is not None else Policy()
    named = {one.source: one.address.name for one in loaded.declared}
    judged_findings = tuple(
        replace(one, name=named.get(one.source, "")) if one.rule in WAIVABLE else one
        for one in findings
    )
    if settings is not None:
        names = (
            *check_policy(policy, tenant, loaded.declared),
            *check_severities(policy),
            *check_spelling(loaded.workspace or {}),
        )
        if policy.custom_rules or policy.waivers:
            custom = check_custom_rules(
                root,
                policy.custom_rules,
                policy.waivers,
                loaded.declared if policy.custom_rules else (),
                today=today,
                warned=frozenset((one.rule, one.name) for one in judged_findings if one.name),
            )
    # An unread file may hold a part of what is computed, and of what editors are told.
    whole = all(one.severity is not Severity.ERROR for one in loaded.problems)
    schedules = _Schedules()
    if loaded.computes and whole:
        schedules = _schedules(loaded, tenant, settings.generate_through if settings else "")
    editors = tuple(outdated(root, tenant)) if check_editors and whole and settings else ()
    failing = policy.failing | frozenset({EVERY_RULE} if strict else ())
    unread = records.unread()
    problems = sorted(
        (
            *loaded.problems,
            *editors,
            *locate(
                root,
                chain(judged_findings, names, schedules.findings, custom.findings, unread),
                loaded.contents,
            ),
        )
    )
    if files is not None:
        files.keep(judging.judged_files())
    return CheckedWorkspace(
        root=root,
        settings=settings,
        tenant=tenant,
        declared={declared.address: declared for declared in loaded.declared},
        problems=tuple(made_strict(one, failing, policy, today=today) for one in problems),
        paths=tuple(loaded.contents),
        digest=loaded.digest,
        spared=frozenset(path for path, one in loaded.declaring.items() if one.judged),
        judging=judging,
        cache_damage=files.damage if files else "",
        supporting={document.address: document for document in loaded.supporting},
        computed=schedules.computed,
        waiting=schedules.waiting,
        today=today,
        waived=custom.waived,
        left_out=records.left_out,
    )


def require_as_read(workspace: CheckedWorkspace, plan: Plan) -> None:
    """Read what a plan changes from its files, whatever a cache holds. Raises ReconcilerError."""
    sources = (change.source.path for change in plan.pending if change.source is not None)
    paths = workspace.spared.intersection(sources)
    if not paths:
        return
    held = {one.address: one for one in workspace.declared.values() if one.source.path in paths}
    again = {one.address: one for one in read_again(workspace.root, paths)}
    confirmed = workspace.judging is None or workspace.judging.confirms(again.values())
    if again != held or not confirmed:
        raise ReconcilerError(
            "a file changed while the plan was made, or the cache of files is wrong",
            remedy="Run the command again with --no-cache.",
        )


class _Schedules(NamedTuple):
    """What sources compute, what is wrong with its files, and what waits for later periods."""

    computed: "Computed | None" = None
    findings: tuple[Finding, ...] = ()
    waiting: tuple[WaitingParts, ...] = ()


def _schedules(loaded: LoadedWorkspace, tenant: Tenant, through: str) -> _Schedules:
    # Most workspaces compute nothing, and never load these modules.
    from reconciler.core.planning.schedules.generated_proof import check_generated, due, last_start
    from reconciler.core.planning.schedules.generation import compute
    from reconciler.core.planning.schedules.summary import waiting_parts

    declared = {one.address: one for one in loaded.declared}
    computed = compute(loaded.supporting, loaded.declared, tenant)
    findings = tuple(check_generated(computed, declared, loaded.supporting, tenant, through))
    wanted = due(computed, declared, tenant, through)
    waiting = waiting_parts(computed, wanted, declared, last_start(tenant, through))
    return _Schedules(computed, findings, tuple(waiting))


def problems_within(workspace: CheckedWorkspace, paths: Sequence[Path]) -> tuple[Problem, ...]:
    """The problems of these files and directories; of all files when none are given.

    Raises UsageError for a path at which no file was read: it has no problems, and proves nothing.
    """
    problems = workspace.governed
    if not paths or not workspace.paths:
        return problems
    root = workspace.root.resolve()
    read = {(root / path).resolve() for path in workspace.paths}
    found = {problem: (root / problem.path).resolve() for problem in problems}
    wanted = {path.resolve(): path for path in paths}
    for path, given in wanted.items():
        if not any(_lies_in(file, path) for file in (*read, *found.values())):
            fact = "holds no YAML file of" if path.exists() else "does not exist in"
            raise UsageError(
                f"{given} {fact} the workspace {workspace.root}, so nothing was checked",
                remedy="Name a file or a directory of the workspace.",
            )
    # Where the settings are wrong, rules are left out that concern every file.
    general = () if workspace.settings is not None else (root / WORKSPACE_FILE,)
    return tuple(
        problem
        for problem, file in found.items()
        if file in general or any(_lies_in(file, path) for path in wanted)
    )


def _lies_in(file: Path, path: Path) -> bool:
    return file == path or path in file.parents


def require_valid(workspace: CheckedWorkspace) -> Settings:
    """The settings of a workspace without errors. Raises FilesRefused otherwise (I-20)."""
    if not workspace.errors and workspace.settings is not None:
        return workspace.settings
    count = len(workspace.errors)
    first = workspace.errors[0].rule
    raise FilesRefused(
        f"{counted(count, 'problem')} in the files of "
        f"{workspace.root}; no plan is made from files with problems",
        remedy=f"Correct the problems above. `reconciler explain {first}` explains the first rule.",
    )
