"""What is known to be posted, and what that makes of findings about facts of the tenant."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.model.finding import Finding, Severity
from reconciler.core.model.history import Recorded, numbered_record
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address, Declared, Source
from reconciler.core.rules.file_rules import PASSING_FACTS
from reconciler.errors import ReconcilerError
from reconciler.values import dataclass
from reconciler.workspace.loader import WORKSPACE_FILE
from reconciler.workspace.rules import finding
from reconciler.workspace.settings import Settings

if TYPE_CHECKING:
    from reconciler.app.offline.fork import Unchanged


@dataclass(slots=True)
class PostedFacts:
    """What the daybook records, read when it is asked for; without settings there is none."""

    root: Path
    settings: Settings | None
    error: ReconcilerError | None = None
    found: Mapping[Address, Recorded] | None = None
    base: "Unchanged | None" = None
    left_out: dict[str, int] = field(default_factory=dict)

    def of(self, address: Address) -> Recorded | None:
        if self.found is None:
            self.found = {}
            if self.settings is not None:
                # Only facts of the tenant need it, and its modules take long to load.
                from reconciler.app.state_directory import recorded_if_readable

                self.found, self.error = recorded_if_readable(self.root, self.settings)
                if not self.found:
                    from reconciler.app.offline.fork import unchanged_in_job

                    self.base = unchanged_in_job(self.root, os.environ)
        return self.found.get(address)

    def leave_out(self, one: Finding, declared: Declared) -> bool:
        """Whether a warning is about what a change does not touch, without a daybook that knows.

        It is counted.
        """
        base = self.base
        if base is None or one.rule not in PASSING_FACTS or one.severity is not Severity.WARNING:
            return False
        if declared.source.path not in base.paths:
            return False
        self.left_out[str(base.base)] = self.left_out.get(str(base.base), 0) + 1
        return True

    def unread(self) -> Iterator[Finding]:
        """A finding if the daybook was asked for and could not be read."""
        if self.error is not None:
            yield finding(
                "daybook-unread",
                Source(WORKSPACE_FILE),
                ("spec", "daybook"),
                "what is posted is unknown, so it is judged as if it were new: "
                f"{self.error.message}",
                remedy=self.error.remedy,
            )


def _is_posted(declared: Declared, records: PostedFacts) -> bool:
    recorded = numbered_record(declared.address, declared, records.of)
    return recorded is not None and not recorded.cancelled and recorded.spec == declared.spec


def judged(
    findings: Iterable[Finding], declared: Declared, records: PostedFacts
) -> Iterator[Finding]:
    """The findings, with facts of the tenant as warnings where nothing would be posted.

    That a period was closed, or a code or currency ended, after the posting is no finding. Without
    a record the date of the entry decides: the fact may have begun later. What a change does not
    touch is counted then.
    """
    date = KINDS[declared.address.kind].date
    for one in findings:
        if one.rule in PASSING_FACTS and _is_posted(declared, records):
            continue
        if one.of_tenant and one.severity is Severity.ERROR:
            if _is_posted(declared, records):
                one = replace(one, severity=Severity.WARNING, remedy=POSTED_REMEDY)  # noqa: PLW2901
            elif one.since and str(declared.spec.get(date) or "") < one.since:
                one = replace(one, severity=Severity.WARNING)  # noqa: PLW2901
        if not records.leave_out(one, declared):
            yield one


def judged_marker(
    findings: Iterable[Finding], declared: Iterable[Declared], records: PostedFacts
) -> Iterator[Finding]:
    """Findings about the marker's field, as warnings where every entry has its marker."""
    marked = (item for item in declared if KINDS[item.address.kind].carries_marker)
    posted = [_is_posted(item, records) for item in marked]
    settled = bool(posted) and all(posted)
    for one in findings:
        yield replace(one, severity=Severity.WARNING) if settled else one


POSTED_REMEDY = "Nothing to do: the entry is posted. A later change of it cannot be posted."
