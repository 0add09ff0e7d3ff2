"""Where plans come from: the version, the policy, and the commit that is checked out."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler import __version__
from reconciler.core.documents.plan_file import expiry_of, moment
from reconciler.core.model.plan import Plan
from reconciler.core.model.scope import Provenance
from reconciler.core.model.variables import PLAN_KEY
from reconciler.errors import ReconcilerError
from reconciler.git.discovery import RepositoryRefused
from reconciler.git.repository import Repository
from reconciler.workspace.files import SUFFIXES
from reconciler.workspace.settings import Settings, policy_digest

_LEAST_KEY = 32
"""Characters: as many as 128 bits take in hexadecimal."""


def origin_of(settings: Settings) -> Provenance:
    """What is known of a plan's origin without asking anybody."""
    return Provenance(tool_version=__version__, policy_digest=policy_digest(settings.policy))


def committed(origin: Provenance, root: Path) -> Provenance:
    """The origin with the commit that the workspace's files are from; none without a repository.

    Raises RepositoryRefused if there is one that git does not trust.
    """
    try:
        repository = Repository.around(root)
        commit = None if repository is None else repository.head()
        changed = () if repository is None or commit is None else repository.changed()
        dirty = any(path.endswith(SUFFIXES) for path in changed)
    except RepositoryRefused:
        raise
    except (OSError, ReconcilerError):
        # Without an answer from git the plan names no commit.
        return origin
    return origin if commit is None else replace(origin, commit=commit, dirty=dirty)


def issued(plan: Plan, root: Path, *, at: datetime | None, hours: int) -> Plan:
    """The plan as it is saved: with its commit, and valid for that number of hours.

    `at` is the time by the ledger's clock; this machine's is used where that is not known.
    """
    made_at = at or datetime.now(UTC)
    origin = replace(
        committed(plan.basis.origin, root),
        made_at=moment(made_at),
        expires_at=expiry_of(made_at, hours),
    )
    return replace(plan, basis=replace(plan.basis, origin=origin))


def plan_key() -> str:
    """The key that saved plans are signed with; empty when there is none."""
    key = os.environ.get(PLAN_KEY, "")
    if key and len(key) < _LEAST_KEY:
        raise ReconcilerError(
            f"the key in {PLAN_KEY} has {len(key)} characters, which is too short",
            remedy=f"Use at least {_LEAST_KEY} characters. `openssl rand -hex 32` creates a key.",
        )
    return key
