"""Where a change is, from options and from the CI job: for the verbs that ask a forge."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.forge.ci_context import CiContext
    from reconciler.forge.protocol import Forge

MAX_EVENT = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOptions:
    """What the options say of a change; the environment of the job completes it."""

    forge: str | None = None
    forge_url: str | None = None
    repo: str | None = None
    change_number: int | None = None
    commit: str | None = None
    ca_bundle: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @staticmethod
    def from_options(options: dict[str, Any]) -> "ChangeOptions":
        """Take the options of `forge_options` out of those of a verb."""
        names = ("forge", "forge_url", "repo", "change_number", "commit", "ca_bundle")
        return ChangeOptions(**{name: options.pop(name) for name in names})

    def place(self) -> "CiContext":
        """The place, completed. Raises ForgeError when something is not known."""
        from reconciler.forge.ci_context import CiContext, ci_context_from

        said = CiContext(
            forge=self.forge or "",
            url=self.forge_url or "",
            repository=self.repo or "",
            change=self.change_number,
            commit=self.commit or "",
            ca_bundle=self.ca_bundle,
        )
        return ci_context_from(said, self.environment, self._event())

    @contextmanager
    def open_forge(self, place: "CiContext") -> Iterator["Forge"]:
        """The forge of a place, for as long as the block lasts."""
        from reconciler.forge.ci_context import forge_at

        forge, caller = forge_at(place, self.environment)
        try:
            yield forge
        finally:
            caller.close()

    def _event(self) -> str:
        """The event of a workflow run, which GitHub leaves in a file."""
        path = self.environment.get("GITHUB_EVENT_PATH", "")
        if not path:
            return ""
        file = Path(path)
        try:
            if file.stat().st_size > MAX_EVENT:
                raise ReconcilerError(f"{path} is too large to be an event")
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            # The options may say all that is needed; what is missing is asked for by name.
            return ""
