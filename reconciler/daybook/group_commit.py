"""One commit for everything that several threads write at the same time."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from reconciler.values import dataclass

Wish = TypeVar("Wish")
Done = TypeVar("Done")


@dataclass(slots=True)
class _Member(Generic[Wish, Done]):
    wish: Wish
    done: Sequence[Done] = ()
    error: BaseException | None = None
    ended: bool = False


class GroupCommit(Generic[Wish, Done]):
    """Lets whoever finds nobody writing write for all who wait by then.

    `commit` writes several wishes in their order, in one commit, and returns what came of each.
    Where it fails, it fails for all of them.
    """

    def __init__(self, commit: Callable[[Sequence[Wish]], Sequence[Done]]) -> None:
        self._commit = commit
        self._changed = threading.Condition()
        self._waiting: list[_Member[Wish, Done]] = []
        self._writing = False

    def submit(self, wish: Wish) -> Done:
        """Write; returns after the commit that holds the wish. Raises what the commit raised."""
        mine: _Member[Wish, Done] = _Member(wish)
        group: list[_Member[Wish, Done]] = []
        with self._changed:
            self._waiting.append(mine)
            while self._writing and not mine.ended:
                self._changed.wait()
            if not mine.ended:
                group, self._waiting, self._writing = self._waiting, [], True
        if group:
            self._write(group)
        if mine.error is not None:
            raise mine.error
        return mine.done[0]

    def _write(self, group: Sequence[_Member[Wish, Done]]) -> None:
        """Write for a group, tell each of its members, and let the next group be written."""
        done: Sequence[Done] = ()
        error: BaseException | None = None
        try:
            done = self._commit([member.wish for member in group])
        except BaseException as raised:  # noqa: BLE001 - each member raises it
            error = raised
        with self._changed:
            self._writing = False
            for at, member in enumerate(group):
                member.done, member.error, member.ended = done[at : at + 1], error, True
            self._changed.notify_all()
