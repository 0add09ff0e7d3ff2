"""The document of an entry as it was posted: from a commit with its comments, or the daybook."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.app.files.posted_entries import Original
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import Source
from reconciler.core.model.tenant import Tenant
from reconciler.git.repository import Repository
from reconciler.workspace.declarations import declared_from
from reconciler.workspace.encoding import decode
from reconciler.workspace.files import SUFFIXES
from reconciler.workspace.formatter.editing import documents_in, edited
from reconciler.workspace.formatter.writer import declarations_text, metadata_of
from reconciler.workspace.json_schema import is_valid
from reconciler.workspace.yaml_reader import read


def committed_text(root: Path, original: Original, *, commit: str, tenant: Tenant) -> str | None:
    """The text of the document that declared what is posted, with its comments.

    It is that of the commit of the last apply, or of the one that is checked out. The file may have
    had another path, and the entry its previous name. None if neither commit has it.
    """
    declared = original.declared
    assert declared is not None
    names = tuple(filter(None, (declared.address.name, declared.previous_name)))
    for text in _committed(root, declared.source.path, commit, names):
        for part in documents_in(text):
            documents, problems = read(part.encode(), path="")
            value = documents[0].value if documents and not problems else None
            if not isinstance(value, dict) or not is_valid(JOURNAL_ENTRY.name, value):
                continue
            there = declared_from(JOURNAL_ENTRY.name, value, Source(""))
            if there.address.name not in names or not original.equals(there):
                continue
            if there.address == declared.address:
                return part
            renamed = {"name": names[0], "previousName": names[1]}
            edits = {("metadata", field): name for field, name in renamed.items()}
            return edited(part, edits, tenant)
    return None


def recorded_text(original: Original, tenant: Tenant) -> str:
    """The text of a document that declares what was applied, which has no comments."""
    assert original.declared is not None
    recorded = original.recorded.spec if original.recorded is not None else None
    metadata = metadata_of(original.declared)
    return declarations_text([(JOURNAL_ENTRY.name, metadata, recorded or original.spec)], tenant)


def _committed(root: Path, path: str, commit: str, names: tuple[str, ...]) -> Iterator[str]:
    """The texts of files in the commits that may have an entry: first that of its path."""
    repository = Repository.around(root)
    head = repository.head() if repository is not None else None
    if repository is None or head is None:
        return
    commits = [one for one in dict.fromkeys((commit, head)) if one and repository.has(one)]

    def texts(files: Iterable[tuple[str, str]]) -> Iterator[str]:
        places = [(one, repository.path_of(name)) for one, name in files]
        found = repository.contents(places)
        # One that is no sound text was never applied.
        yield from (decode(found[place], path="")[0] for place in places if place in found)

    yield from texts((one, path) for one in commits)
    others = ((one, name) for one in commits for name in repository.files(one))
    declaring = texts((one, name) for one, name in others if name.endswith(SUFFIXES))
    yield from (text for text in declaring if any(name in text for name in names))
