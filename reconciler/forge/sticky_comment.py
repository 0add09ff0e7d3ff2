"""Keeps one comment on a change: finds it, updates it, and deletes duplicates."""

from collections.abc import Callable

from reconciler.errors import ForgeUnsure
from reconciler.forge.protocol import Comment, Forge
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StickyComment:
    """The comment: made or updated, and the number of deleted duplicates."""

    number: int
    made: bool
    removed: int = 0


def put(forge: Forge, change: int, *, marker: str, body: Callable[[str], str]) -> StickyComment:
    """Set the text of the comment with this marker to `body(present text)`.

    It begins with the marker and was made with this token: anyone may paste a marker. If two
    runs make a comment each, the older one remains.
    """
    me = forge.whoami()
    ours = _ours(forge, change, marker, me)
    if not ours:
        me, made = _make(forge, change, marker, body(""), me)
        ours = _ours(forge, change, marker, me)
        if made is not None and ours and ours[0].number == made:
            return StickyComment(number=made, made=True, removed=_remove(forge, change, ours[1:]))
        if not ours:
            # The list is not up to date yet: the comment exists.
            return StickyComment(number=made or 0, made=True)
    kept, *duplicates = ours
    forge.update(change, kept.number, body(kept.body))
    return StickyComment(number=kept.number, made=False, removed=_remove(forge, change, duplicates))


def _make(
    forge: Forge, change: int, marker: str, text: str, me: str | None
) -> tuple[str | None, int | None]:
    """Make a comment. The response names the login of the token's comments."""
    try:
        made = forge.create(change, text)
    except ForgeUnsure:
        if me is not None and _ours(forge, change, marker, me):
            return me, None
        # The list has no comment. If it appears later, the next run deletes it.
        made = forge.create(change, text)
    return made.author, made.number


def _ours(forge: Forge, change: int, marker: str, me: str | None) -> list[Comment]:
    """Our comments with the marker, the oldest first."""
    if me is None:
        return []
    found = (
        comment
        for comment in forge.comments(change)
        if comment.author == me and comment.body.partition("\n")[0].rstrip("\r") == marker
    )
    return sorted(found, key=lambda comment: comment.number)


def _remove(forge: Forge, change: int, duplicates: list[Comment]) -> int:
    for comment in duplicates:
        forge.delete(change, comment.number)
    return len(duplicates)
