"""The options every verb has, before or after its name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from reconciler.core.model.kinds import RUN_ENTRY_KIND

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(slots=True)
class CommonOptions:
    """What was said in common options, on the root or on the verb; the verb's word counts."""

    said: dict[str, Any] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        """The workspace's directory: what was said, else `journals`, else the current one."""
        said = self.said.get("workspace")
        if said is not None:
            return Path(said)
        return Path("journals") if Path("journals").is_dir() else Path()

    @property
    def color(self) -> bool:
        """Whether colour is allowed as far as options go; the screen decides the rest."""
        return not self.said.get("no_color", False)

    @property
    def quiet(self) -> bool:
        """Whether only results and problems are wanted."""
        return bool(self.said.get("quiet", False))

    @property
    def verbose(self) -> bool:
        """Whether every step is wanted on stderr."""
        return bool(self.said.get("verbose", False))


def given_options() -> CommonOptions:
    """The common options of the running command."""
    return click.get_current_context().ensure_object(CommonOptions)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    source = ctx.get_parameter_source(param.name or "")
    if source is not click.core.ParameterSource.DEFAULT:
        ctx.ensure_object(CommonOptions).said[param.name or ""] = value


def together(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Several options as one decorator, shown in this order."""

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _common(*flags: str, **attributes: Any) -> Callable[[_Command], _Command]:
    return click.option(*flags, expose_value=False, callback=_remember, **attributes)


common_options = together(
    _common(
        "-w",
        "--workspace",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="The workspace: a directory with a reconciler.yaml. [default: journals, else .]",
    ),
    _common("--no-color", is_flag=True, help="No colour, as with NO_COLOR."),
    _common("-q", "--quiet", is_flag=True, help="Results and problems only."),
    _common("-v", "--verbose", is_flag=True, help="Every step, on stderr."),
)

HELP: Mapping[str, Any] = MappingProxyType({"help_option_names": ["-h", "--help"]})
"""The settings of a group whose commands all know `-h`."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
"""What the schemas take as a name."""


def sound_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A callback that refuses a name which no document may have."""
    if value is not None and not _NAME.fullmatch(value):
        raise click.BadParameter(
            "A name has lower-case letters and digits, with . _ - inside, at most 63 characters."
        )
    return value


_Value = TypeVar("_Value")


def take(kind: Callable[..., _Value], given: dict[str, Any]) -> _Value:
    """Take the fields of a dataclass out of what the options gave, and make it of them."""
    names = [item.name for item in fields(kind) if item.name in given]  # type: ignore[arg-type]
    return kind(**{name: given.pop(name) for name in names})


def format_option(*formats: str) -> Callable[[_Command], _Command]:
    """The option that chooses the form of the result; the first format is the default."""
    return click.option(
        "--format",
        "style",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="The form of the result.",
    )


def _labels(ctx: click.Context, param: click.Parameter, labels: tuple[str, ...]) -> tuple[str, ...]:
    for label in labels:
        if not all(label.partition("=")):
            raise click.UsageError(f"--select takes LABEL=VALUE, as in team=revenue; not {label}.")
    return labels


def _scope(flag: str, name: str, metavar: str, what: str, **attributes: Any) -> Any:
    return click.option(
        flag, name, multiple=True, metavar=metavar, help=f"{what} Repeatable.", **attributes
    )


scope_options = together(
    _scope(
        "--target", "targets", "NAME", "Only what has this name: KIND/NAME and patterns with * too."
    ),
    _scope("--exclude", "excludes", "NAME", "All but what has this name, as with --target."),
    _scope("--period", "periods", "PERIOD", "Only what is posted in this accounting period."),
    _scope(
        "--select",
        "labels",
        "LABEL=VALUE",
        "Only what is declared with this label.",
        callback=_labels,
    ),
)
"""The options that narrow a plan. Each may be repeated, and any of its values matches."""


def _allowance(flag: str, what: str) -> Any:
    return click.option(
        flag,
        type=click.IntRange(min=0),
        metavar="N",
        help=f"Allow so many {what} instead of max(3, 10 %).",
    )


allowance_options = together(
    _allowance("--max-removals", "removals"),
    _allowance("--max-missing", "entries to be missing in the ledger"),
)
"""The options by which one run allows what the guards would refuse."""

_COMMIT = re.compile(r"[0-9A-Fa-f]{40}([0-9A-Fa-f]{24})?")


def _whole_commit(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An abbreviated hash may come to mean another commit, and a name may be moved."""
    if value is not None and not _COMMIT.fullmatch(value):
        raise click.BadParameter("Give the hash of a commit with all its digits.")
    return value.lower() if value else None


forge_options = together(
    click.option(
        "--forge",
        type=click.Choice(["github", "gitlab"]),
        help="Where the change is. [default: as the CI job says]",
    ),
    click.option(
        "--forge-url",
        metavar="URL",
        help="The base URL of its API: https, or http on this machine.",
    ),
    click.option("--repo", metavar="NAME", help="The repository, OWNER/NAME, or the project's id."),
    click.option(
        "--pr",
        "--mr",
        "change_number",
        type=click.IntRange(min=1),
        metavar="NUMBER",
        help="The pull request or merge request.",
    ),
    click.option(
        "--commit",
        metavar="SHA",
        callback=_whole_commit,
        help="The commit that is spoken of, with all its digits.",
    ),
    click.option(
        "--ca-bundle",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="A PEM file of authorities to trust besides the public ones.",
    ),
)
"""The options that say where a change is; in a CI job its variables say it."""


def _entry_number(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(RUN_ENTRY_KIND.number_pattern, value):
        raise click.BadParameter("An entry's number is meant, as JE-00000100.")
    return value


search_options = together(
    click.option(
        "--find",
        is_flag=True,
        help="Search the ledger for all entries of this workspace, also those that the daybook "
        "does not know.",
    ),
    click.option(
        "--probe-from",
        callback=_entry_number,
        metavar="JE-NUMBER",
        help="Where the ledger cannot be searched, look at every number from this one on: nothing "
        "of this workspace was posted under a lower one, or the daybook knows it.",
    ),
)

parallelism_option = click.option(
    "--parallelism",
    type=click.IntRange(1, 40),
    default=8,
    show_default=True,
    help="Calls in flight.",
)
