"""Holds each declaration to the rules, unless an earlier run found the same content sound."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from hashlib import sha256

from reconciler.core.model.enumerations import PeriodStatus
from reconciler.core.model.finding import Finding
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import Declared, Source, text_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.entries import check_content, check_period, economics
from reconciler.core.rules.rates import NO_ECONOMICS, Economics
from reconciler.workspace.cache.known_files import KnownFile, facts_of


class Judging:
    """The rules about one declaration, under the facts of a tenant.

    Of `files`, those that were found sound under the same facts are not judged again.
    """

    def __init__(self, files: Mapping[str, KnownFile], tenant: Tenant) -> None:
        self._files, self._tenant = files, tenant
        # What is kept must not depend on the status of a period: that changes every month.
        self._timeless = replace(
            tenant, periods=tuple(replace(one, status=PeriodStatus.OPEN) for one in tenant.periods)
        )
        self._found: dict[Source, tuple[Finding, ...]] = {}
        self._postings: dict[Source, Economics] = {}
        self._periods: dict[Source, str] = {}
        for file in files.values():
            if file.judged and file.judged == self._facts:
                sources = [one.source for one in file.declared]
                self._postings.update(zip(sources, file.postings, strict=True))
                self._periods.update(zip(sources, file.periods, strict=True))
        self.sound = frozenset(
            path for path, one in files.items() if one.sound and one.judged == self._facts
        )
        """The paths of the files that are not judged again."""

    def findings(self, declared: Declared) -> tuple[Finding, ...]:
        """What the rules find in a declaration."""
        # Most specs are never decoded.
        if declared.source not in self._periods:
            self._periods[declared.source] = text_of(declared.spec.get(JOURNAL_ENTRY.period)) or ""
        period = self._tenant.periods_by_name.get(self._periods[declared.source])
        found = self._content(declared)
        if period is None or period.status != PeriodStatus.CLOSED:
            return found
        return (*found, *check_period(declared, self._tenant))

    def posting(self, declared: Declared) -> Economics:
        """What an entry posts; nothing for any other declaration."""
        if declared.source not in self._postings:
            is_entry = declared.address.kind == JOURNAL_ENTRY.name
            found = economics(declared.spec, self._timeless) if is_entry else NO_ECONOMICS
            self._postings[declared.source] = found
        return self._postings[declared.source]

    def confirms(self, again: Iterable[Declared]) -> bool:
        """Whether the rules find nothing in declarations of files that count as sound."""
        judged = (one for one in again if one.source.path in self.sound)
        return not any(check_content(one, self._timeless) for one in judged)

    def judged_files(self) -> Mapping[str, KnownFile]:
        """The files that were judged in this run, by the digest of their content."""
        return {
            file.digest: replace(
                file,
                judged=self._facts,
                sound=not any(self._content(one) for one in file.declared),
                periods=tuple(
                    text_of(one.spec.get(JOURNAL_ENTRY.period)) or "" for one in file.declared
                ),
                postings=tuple(map(self.posting, file.declared)),
            )
            for file in self._files.values()
            if file.judged != self._facts
        }

    @cached_property
    def _facts(self) -> str:
        return sha256(facts_of(self._timeless).encode()).hexdigest()

    def _content(self, declared: Declared) -> tuple[Finding, ...]:
        if declared.source.path in self.sound:
            return ()
        if declared.source not in self._found:
            self._found[declared.source] = check_content(declared, self._timeless)
        return self._found[declared.source]
