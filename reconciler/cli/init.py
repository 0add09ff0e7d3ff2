"""`reconciler init`: writes a starter workspace."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from reconciler.app.files.starter import MARKER, ReferenceChoices, write_starter
from reconciler.cli.inputs import unguarded
from reconciler.cli.options import fitting, flag_option, json_output, sound_name
from reconciler.cli.streams import stdin_is_terminal
from reconciler.cli.terminal import out, out_json
from reconciler.core.model.command import suggested
from reconciler.core.model.finding import joined
from reconciler.core.model.fiscal_calendar import Calendar
from reconciler.errors import UsageError
from reconciler.render.styled_text import line

_CALENDARS = click.Choice([one.value for one in Calendar])
_DAY = click.DateTime(["%Y-%m-%d"])
_SEGMENT = re.compile(r"[^\W_][\w &/-]*")


def _segments(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    if wrong := [name for name in names if not _SEGMENT.fullmatch(name)]:
        raise click.BadParameter(f"{wrong[0]} is not the name of a segment, such as Department.")
    return names


_currency = fitting("[A-Z]{3}", "Write three capital letters, such as USD.")
_marker = fitting(
    r"notes|[A-Za-z][A-Za-z0-9_]*__c", "Write a custom field, such as ReconcilerKey__c, or notes."
)


@click.command()
@click.argument("directory", default="journals", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--name", default="books", show_default=True, callback=sound_name, help="The workspace's name."
)
@click.option("--home-currency", callback=_currency, metavar="CODE", help="Your home currency.")
@click.option("--calendar", type=_CALENDARS, help="How your fiscal year is divided into periods.")
@click.option("--first-day", type=_DAY, metavar="DATE", help="The first day of your fiscal year.")
@flag_option("--long-year", text="The fiscal year has 53 weeks.")
@click.option(
    "--segments",
    callback=_segments,
    metavar="NAMES",
    help="Your segments in their order, separated by commas.",
)
@click.option(
    "--marker",
    default=MARKER,
    show_default=True,
    callback=_marker,
    metavar="FIELD",
    help="The custom field of Journal Entry that holds the marker, or notes.",
)
@flag_option("--example", text="Begin with the example data, and ask nothing.")
@json_output
def init(*, directory: Path, name: str, marker: str, example: bool, **given: Any) -> int:
    """Write a starter workspace to DIRECTORY. Never overwrites a file.

    With --home-currency, --calendar and --first-day it has the accounting periods of your fiscal
    year. On a terminal they are asked for. Otherwise it has the example data.
    """
    asked = {key: given[key] for key in ("home_currency", "calendar", "first_day")}
    if example and any(given.values()):
        raise UsageError(
            "--example cannot be combined with what describes your own books",
            remedy="Omit --example, or the other options.",
        )
    choices = None
    if any(given.values()) or (stdin_is_terminal() and not example):
        choices = _reference_choices(given, asked)
    written = write_starter(directory, name, marker=marker, choices=choices)
    out_json({"written": [str(path) for path in written]})
    out(line("wrote ", (f"{path}", "strong")) for path in written)
    place = () if directory == Path("journals") else ("-w", directory)
    out([line(f"Next: {suggested('plan', *place).strip('`')}")])
    return 0


def _reference_choices(given: dict[str, Any], asked: dict[str, Any]) -> ReferenceChoices:
    missing = [key for key, value in asked.items() if value is None]
    if missing and not stdin_is_terminal():
        flags = joined([f"--{key.replace('_', '-')}" for key in missing])
        raise UsageError("the fiscal year is not described in full", remedy=f"Name {flags} too.")
    with unguarded():
        currency = asked["home_currency"] or click.prompt("Home currency", "USD", err=True)
        calendar = asked["calendar"] or click.prompt(
            "Accounting periods", Calendar.MONTHS.value, type=_CALENDARS, err=True
        )
        first_day = asked["first_day"] or click.prompt(
            "First day of the fiscal year", f"{datetime.now(UTC).year}-01-01", type=_DAY, err=True
        )
        segments = given["segments"]
        if missing and not segments:
            segments = _segments(
                click.get_current_context(),
                click.Option(["--segments"]),
                click.prompt("Segments, separated by commas", "", show_default=False, err=True),
            )
    assert isinstance(first_day, datetime)
    return ReferenceChoices(
        home_currency=str(currency).upper(),
        calendar=Calendar(calendar),
        first_day=first_day.date(),
        long_year=given["long_year"],
        segments=segments,
    )
