"""What limits an apply: the approved base and the last apply, beside the change itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from reconciler.app.offline.fork import COMPLETE_HISTORY
from reconciler.app.workspace import CheckedWorkspace
from reconciler.core.model.finding import PlanWarning, joined, listed
from reconciler.core.model.history import standing
from reconciler.core.model.policy import Policy
from reconciler.core.rules.plan_warnings import warning
from reconciler.daybook import DaybookReader
from reconciler.errors import ReconcilerError, Refused
from reconciler.git.repository import Repository
from reconciler.workspace.approved_settings import (
    EarlierSettings,
    Held,
    files_named_in,
    held_to,
    rule_breaches,
    settings_in,
)
from reconciler.workspace.loader import WORKSPACE_FILE
from reconciler.workspace.settings import Settings, Target

_encoder = msgspec.json.Encoder(order="sorted", decimal_format="string", enc_hook=dict)
_decoder = msgspec.json.Decoder(Policy)

LAST_APPLY = "the last apply"
_SHOWN = 3
"""The most findings of a rule that a refusal names."""


class _RecordedBase(msgspec.Struct):
    base_commit: str = ""


def text_of_policy(policy: Policy, commit: str = "") -> str:
    """A policy as the daybook keeps it, with the commit that it is of."""
    text: str = _encoder.encode(policy).decode()
    return f'{{"base_commit":"{commit}",{text[1:]}' if commit else text


def policy_of_text(text: str) -> Policy | None:
    """The policy that a daybook keeps; None when it keeps none."""
    if not text:
        return None
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise ReconcilerError(
            "the policy of the last apply, which the daybook records, cannot be read",
            remedy="Use the version of reconciler that applied last, or a newer one.",
        ) from error


def remembered(settings: Settings, daybook: DaybookReader) -> Held:
    """What holds of the settings and of the policy of the last apply, without a look at git."""
    posted = standing(daybook.recorded().values())
    return held_to(_of_last_apply(settings, daybook), settings, {}, posted)


def approved_before(
    settings: Settings, daybook: DaybookReader, repository: Repository | None
) -> tuple[EarlierSettings, ...]:
    """The policy of the last apply, and the settings of the approved base.

    Raises Refused if the base cannot be read.
    """
    found = list(_of_last_apply(settings, daybook))
    head = None if repository is None else repository.head()
    if repository is not None and head is not None:
        found += _of_commits(repository, head, settings, daybook)
    return tuple(found)


def held_by(
    earlier: Iterable[EarlierSettings], root: Path, settings: Settings, *, posted: int
) -> Held:
    """What holds of the settings and of earlier states, with this number of posted entries."""
    return held_to(earlier, settings, _files_there(root, settings), posted)


def check_rules(held: Held, workspace: CheckedWorkspace, settings: Settings) -> None:
    """Raise Refused if declarations break custom rules that a change of the settings loosened."""
    today = datetime.now(UTC).date().isoformat()
    declared = workspace.declared.values()
    found = tuple(rule_breaches(held, settings, workspace.root, declared, today=today))
    if found:
        breaches = [f"{one.source}: {one.rule}: {one.message}" for one in found]
        raise Refused(
            "declarations break custom rules of the approved base, or need waivers that it does "
            f"not have: {listed(breaches, _SHOWN, '; ')}",
            remedy="Correct them. To change a rule or add a waiver, apply that alone first.",
        )


def policy_warnings(held: Held) -> Iterator[PlanWarning]:
    """What a reader of a plan has to know of settings that changed."""
    if not held.keys:
        return
    since = list(dict.fromkeys(where for names in held.keys.values() for where in names))
    since = [LAST_APPLY] if LAST_APPLY in since else since[:_SHOWN]
    names = ", ".join(dict.fromkeys(key.name for key in held.keys))
    text = (
        f"the policy changed since {joined(since)} ({names}). Until an apply "
        "under the new policy completes, the stricter value of each limit applies"
    )
    values = [
        f"{key.name} {key.holds} (of {where[-1]})"
        for key, where in held.keys.items()
        if key.holds and not key.loosened
    ]
    if values:
        text += f": {'; '.join(values)}"
    if held.loosened:
        unsure = dict.fromkeys(key.name for key in held.keys if key.loosened)
        text += f". No value of {', '.join(unsure)} is the stricter one"
        if held.settings.policy.approvals.tiers:
            text += ", so a plan that changes anything needs the approvals of the highest tier"
    yield warning("policy-changed", f"{text}.")


def _of_last_apply(settings: Settings, daybook: DaybookReader) -> Iterator[EarlierSettings]:
    old = policy_of_text(daybook.policy)
    if old is not None:
        yield EarlierSettings(where=LAST_APPLY, settings=replace(settings, policy=old))


def _of_commits(
    repository: Repository, head: str, settings: Settings, daybook: DaybookReader
) -> Iterator[EarlierSettings]:
    """The settings of the last applied commit and of those after it.

    The daybook knows that commit if it was approved. A new one does not: then the parents of the
    checked out commit are the base, and every earlier state still counts for approvals.
    """
    last, file = _last_applied(daybook), repository.path_of(WORKSPACE_FILE)
    if last != head and repository.is_shallow():
        raise Refused(
            "the checkout does not have the complete history, so the settings that were approved "
            "before this change are unknown",
            remedy=COMPLETE_HISTORY,
        )
    last = last if knows_base(daybook, repository) else ""
    if not last:
        yield from _of_all_workspaces(repository, head, settings)
    approved = (last,) if last else repository.parents(head)
    passed = () if last == head else repository.on_the_branch(file, since=last, until=head)
    passed = (*passed, *(repository.parents(head) if last and last != head else ()))
    seen: set[tuple[bytes, bool, tuple[tuple[str, bytes], ...]]] = set()
    contents = repository.contents((one, file) for one in (*approved, *passed))
    for commit in dict.fromkeys((*approved, *passed)):
        place, of_approved = file, commit in approved
        data = contents.get((commit, file))
        if data is None and of_approved:
            place, data = _moved(repository, commit, settings)
        found = None if data is None else settings_in(data)
        # Nothing was ever applied under settings that cannot be read.
        if data is None or (commit == head or found is None) > of_approved:
            continue
        files = {} if found is None else _files_of(repository, commit, place, found)
        state = data, of_approved, tuple(sorted(files.items()))
        if state not in seen:
            seen.add(state)
            where = f"commit {commit[:10]}"
            yield EarlierSettings(where=where, settings=found, files=files, passed=not of_approved)


def _of_all_workspaces(
    repository: Repository, head: str, settings: Settings
) -> Iterator[EarlierSettings]:
    """What other workspaces of the branch required, where nobody knows what was applied before.

    A workspace in another directory and under another name is no way around their approvals.
    """
    own = repository.path_of(WORKSPACE_FILE)
    seen: list[tuple[Policy, Target | None]] = []
    for (commit, place), data in repository.contents(
        found for found in repository.states_of(WORKSPACE_FILE, until=head) if found[1] != own
    ).items():
        known = settings_in(data)
        if known is None or (known.policy, known.target) in seen:
            continue
        seen.append((known.policy, known.target))
        yield EarlierSettings(
            where=f"{place} of commit {commit[:10]}",
            settings=replace(settings, policy=known.policy, target=known.target or settings.target),
            files=_files_of(repository, commit, place, known),
            passed=True,
        )


def settings_at(
    repository: Repository, commit: str, settings: Settings, *, where: str
) -> tuple[str, EarlierSettings | None]:
    """The path of the workspace's settings in a commit, and what they are; None without any."""
    file = repository.path_of(WORKSPACE_FILE)
    data = repository.contents([(commit, file)]).get((commit, file))
    if data is None:
        file, data = _moved(repository, commit, settings)
    if data is None:
        return "", None
    found = settings_in(data)
    files = {} if found is None else _files_of(repository, commit, file, found)
    return file, EarlierSettings(where=where, settings=found, files=files)


def knows_base(daybook: DaybookReader, repository: Repository | None) -> bool:
    """Whether the checkout has the commit whose settings an apply completed under."""
    last = _last_applied(daybook)
    return bool(last) and repository is not None and repository.has(last)


def _last_applied(daybook: DaybookReader) -> str:
    """The commit whose settings an apply completed under, with the approvals that they took."""
    if not daybook.policy:
        return ""
    try:
        recorded = msgspec.json.decode(daybook.policy, type=_RecordedBase)
    except msgspec.MsgspecError:
        return ""
    # Earlier versions recorded only the commit whose files were applied.
    return recorded.base_commit or daybook.applied_commit


def _moved(repository: Repository, commit: str, settings: Settings) -> tuple[str, bytes | None]:
    """The settings of the workspace of this name, if it was in another directory then."""
    out = repository.run_checked("ls-tree", "-r", "-z", "--name-only", commit)
    names = [name for name in out.split("\0") if name.rpartition("/")[2] == WORKSPACE_FILE]
    for (_, name), data in repository.contents((commit, name) for name in names).items():
        found = settings_in(data)
        if found is not None and found.name == settings.name:
            return name, data
    return "", None


def _files_of(
    repository: Repository, commit: str, place: str, settings: Settings
) -> Mapping[str, bytes]:
    folder = place.rpartition("/")[0]
    if not files_named_in(settings):
        return {}
    paths = {f"{folder}/{name}" if folder else name: name for name in files_named_in(settings)}
    found = repository.contents((commit, path) for path in paths)
    return {paths[path]: data for (_, path), data in found.items()}


def _files_there(root: Path, settings: Settings) -> Mapping[str, bytes]:
    there = ((name, root / name) for name in files_named_in(settings))
    return {name: file.read_bytes() for name, file in there if file.is_file()}
