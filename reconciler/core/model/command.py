"""Commands that messages suggest: as a shell reads them, and for the workspace of the run."""

import re
import shlex

_PROGRAM = "reconciler"
_COMMAND = re.compile(
    # Text in double quotes is a value from a file or a ledger, and stays as it is.
    r'"(?:[^"\\]|\\.)*"'
    r"|`reconciler (?P<verb>[a-z]+)(?P<rest>(?:'[^']*'|\"[^\"]*\"|[^`'\"])*)`"
)
_WITHOUT_WORKSPACE = frozenset({"ledger", "schema", "version"})


def suggested(*words: object) -> str:
    """A command of this program in backquotes, which a shell reads as these words."""
    return f"`{shlex.join([_PROGRAM, *map(str, words)])}`"


def completed(text: str, workspace: str) -> str:
    """A text whose suggested commands name a workspace, as somebody named it for this run."""
    return _COMMAND.sub(lambda found: _completed(found, shlex.quote(workspace)), text)


def _completed(found: re.Match[str], workspace: str) -> str:
    verb, rest = found["verb"], found["rest"] or ""
    if verb is None or verb in _WITHOUT_WORKSPACE or re.search(r" (?:-w|--workspace)\b", rest):
        return found[0]
    # The verb that begins a workspace takes its directory as it is.
    option = "" if verb == "init" else "-w "
    return f"`{_PROGRAM} {verb}{rest} {option}{workspace}`"
