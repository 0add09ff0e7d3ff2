"""A server's clock that moves only when told to."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Stands still at the real time of its making, until time is said to pass."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, **spans: float) -> None:
        self.time += timedelta(**spans)
