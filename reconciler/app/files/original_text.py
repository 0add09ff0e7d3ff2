"""The document of an entry as it was posted: from a commit with its comments, or the daybook."""

from collections.abc import Iterator
from pathlib import Path

from reconciler.app.files.posted_entries import Original
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import Source
from reconciler.core.model.tenant import Tenant
from reconciler.git.repository import Repository
from reconciler.workspace.declarations import declared_from
from reconciler.workspace.formatter.editing import documents_in
from reconciler.workspace.formatter.writer import declarations_text, metadata_of
from reconciler.workspace.json_schema import is_valid
from reconciler.workspace.yaml_reader import read


def restored_text(root: Path, original: Original, *, commit: str, tenant: Tenant) -> str:
    """The text of the document that declared what is posted.

    It is that of the commit of the last apply, or of the one that is checked out, if one of them
    has it. Otherwise it is written from what was applied.
    """
    assert original.declared is not None
    for text in _committed(root, original.declared.source.path, commit):
        for part in documents_in(text):
            documents, problems = read(part.encode(), path="")
            value = documents[0].value if documents and not problems else None
            if not isinstance(value, dict) or not is_valid(JOURNAL_ENTRY.name, value):
                continue
            there = declared_from(JOURNAL_ENTRY.name, value, Source(""))
            if there.address == original.declared.address and original.equals(there):
                return part
    recorded = original.recorded.spec if original.recorded is not None else None
    metadata = metadata_of(original.declared)
    return declarations_text([(JOURNAL_ENTRY.name, metadata, recorded or original.spec)], tenant)


def _committed(root: Path, path: str, commit: str) -> Iterator[str]:
    """The texts of a file in the commits that may have it as it was applied."""
    repository = Repository.around(root)
    head = repository.head() if repository is not None else None
    if repository is None or head is None:
        return
    commits = [one for one in dict.fromkeys((commit, head)) if one and repository.has(one)]
    places = [(one, repository.path_of(path)) for one in commits]
    found = repository.contents(places)
    yield from (found[place].decode() for place in places if place in found)
