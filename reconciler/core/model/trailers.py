"""People and plans named in commit messages and reviews, which are untrusted text."""

import re

_CO_AUTHOR = re.compile(
    r"^[ \t]*co-authored-by[ \t]*:[^<\n]*<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE
)
_ENDORSER = re.compile(
    r"^(?:reviewed-by|signed-off-by)[ \t]*:[^<\n]*<([^<>\s]+)>[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}(?![0-9a-f])")


def co_authors(message: str) -> tuple[str, ...]:
    """The addresses of all Co-authored-by trailers, anywhere in a message."""
    return tuple(dict.fromkeys(found.casefold() for found in _CO_AUTHOR.findall(message)))


def endorsers(message: str) -> tuple[str, ...]:
    """The addresses of all Reviewed-by and Signed-off-by trailers."""
    return tuple(dict.fromkeys(found.casefold() for found in _ENDORSER.findall(message)))


def digests_in(text: str) -> tuple[str, ...]:
    """The digests of plans that a text names."""
    return tuple(dict.fromkeys(_DIGEST.findall(text)))
