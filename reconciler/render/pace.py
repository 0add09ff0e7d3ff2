"""How far a task is, how fast it goes, and how long the rest takes."""

from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A task at one moment; `elapsed` is in seconds."""

    task: str
    done: int
    total: int
    elapsed: float

    @property
    def per_second(self) -> float:
        """The steps a second since the task began."""
        return self.done / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def seconds_left(self) -> int | None:
        """How long the rest takes at this rate; None while nothing is known of the rate."""
        return round((self.total - self.done) / self.per_second) if self.per_second else None

    @property
    def text(self) -> str:
        """As `120 of 1,000, 4.1 a second, 3 min 35 s left`."""
        parts = [f"{self.done:,} of {self.total:,}"]
        left = self.seconds_left
        if left is not None:
            rate, unit = self.per_second, "second"
            if rate < 1:
                rate, unit = rate * 60, "minute"
            parts += [f"{rate:,.{rate < 10:d}f} a {unit}", f"{_duration(left)} left"]
        return ", ".join(parts)


def _duration(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
