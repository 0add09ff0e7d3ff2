"""The rules of verbs that write files, which `explain` prints."""

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.core.model.finding import Rule

_RULES = (
    Rule(
        id="file-modified",
        summary="A verb does not overwrite edits that no commit holds.",
        why="The edits would be lost, because nothing else has them.",
        remedy="Commit the edits, or discard them with `git restore`.",
    ),
)

WRITING_RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _RULES})
