"""Options that several verbs share."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import field, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from reconciler.cli.streams import use_log_format, write_line
from reconciler.core.model.command import completed, suggested
from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.errors import ReconcilerError, UsageError
from reconciler.render.escaping import escaped
from reconciler.values import dataclass

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(slots=True)
class CommonOptions:
    """The common options, given on the root or on the verb; the verb's value wins."""

    workspace: Path = field(
        default_factory=lambda: Path("journals") if Path("journals").is_dir() else Path()
    )
    no_color: bool = False
    quiet: bool = False
    verbose: bool = False
    own_process: bool = False
    """Whether the process ends with this command."""
    named: bool = False
    """Whether somebody named the workspace, on the command line or in the environment."""
    style: str = "text"
    """The output format of a verb that has several."""
    command: str = ""
    """The verb, with its group."""
    result: dict[str, object] = field(default_factory=dict)
    """What the verb reports as JSON."""
    printed: bool = False
    """Whether stdout has a document already."""
    recorded: bool = False
    """Whether the verb keeps the record of its run, and so of the error that ends it."""
    typed: set[str] = field(default_factory=set)
    """The options of these that are on the command line."""
    verb_variables: frozenset[str] = frozenset()
    """The environment variables of single verbs, as far as their prefix occurs."""
    words: tuple[str, ...] = ()
    """The words of the command line."""

    @property
    def again(self) -> str:
        """This command, to be run once more."""
        return suggested(*self.words)

    @property
    def completed(self) -> Callable[[str], str]:
        """Lets the suggested commands of a text name the workspace, where somebody named it."""
        return partial(completed, workspace=escaped(str(self.workspace))) if self.named else str


def given_options() -> CommonOptions:
    """The common options of the running command."""
    return click.get_current_context().ensure_object(CommonOptions)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    source = ctx.get_parameter_source(param.name or "")
    given, name = ctx.ensure_object(CommonOptions), param.name or ""
    if source is click.core.ParameterSource.COMMANDLINE:
        given.typed.add(name)
    elif source is click.core.ParameterSource.DEFAULT or name in given.typed:
        # A variable speaks to the verb too, and what was typed before the verb wins.
        return
    setattr(given, name, value)
    given.named = given.named or name == "workspace"


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
        *("-w", "--workspace"),
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="The workspace: a directory with a reconciler.yaml. [default: journals, else .]",
    ),
    _common("--no-color", is_flag=True, help="Disable colour, as NO_COLOR does."),
    _common("-q", "--quiet", is_flag=True, help="Show only results and problems."),
    _common("-v", "--verbose", is_flag=True, help="Show every call, on stderr."),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        expose_value=False,
        callback=lambda *given: use_log_format(given[-1]),
        help="Write stderr as text, or as a JSON object for each line. [default: text]",
    ),
)


def completing(what: str) -> Callable[..., list[CompletionItem]]:
    """What a shell proposes for a parameter: one sort of the words of `app.completion`."""

    def found(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        # Only a shell that completes loads it.
        from reconciler.app.completion import candidates

        try:
            words = candidates(what, ctx.ensure_object(CommonOptions).workspace)
        except (ReconcilerError, OSError, ValueError):
            # An error would be written into the line that somebody types.
            return []
        return [
            CompletionItem(word, help=said)
            for word, said in sorted(words.items())
            if word.startswith(incomplete)
        ]

    return found


HELP: Mapping[str, Any] = {"help_option_names": ["-h", "--help"]}
"""The settings of a group whose commands all know `-h`."""

FILE = click.Path(path_type=Path, dir_okay=False)
EXISTING_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


def flag_option(*names: str, text: str) -> Callable[[_Command], _Command]:
    """An option without a value."""
    return click.option(*names, is_flag=True, help=text)


def file_option(*names: str, text: str) -> Callable[[_Command], _Command]:
    """An option that names a file."""
    return click.option(*names, type=FILE, metavar="FILE", help=text)


def fitting(pattern: str, remedy: str) -> Callable[..., str | None]:
    """A callback that refuses a text of another form."""

    def checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(pattern, value):
            raise click.BadParameter(remedy)
        return value

    return checked


sound_name = fitting(
    r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?",
    "A name consists of at most 63 lower-case letters and digits, with . _ - inside.",
)
"""A callback that refuses a name that the schemas do not allow."""


_Value = TypeVar("_Value")


def take(kind: Callable[..., _Value], given: dict[str, Any]) -> _Value:
    """Take the fields of a dataclass out of what the options gave, and make it of them."""
    names = [item.name for item in fields(kind) if item.name in given]  # type: ignore[arg-type]
    return kind(**{name: given.pop(name) for name in names})


class _Format(click.Choice[str]):
    """The formats of one verb. The variable of all verbs may name a format of another verb."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if param is None or ctx is None or value in self.choices or not param.envvar:
            return super().convert(value, param, ctx)
        own, *shared = param.envvar
        source = ctx.get_parameter_source(param.name or "")
        if source is not click.core.ParameterSource.ENVIRONMENT or os.environ.get(own):
            return super().convert(value, param, ctx)
        usual = str(param.get_default(ctx))
        text = f"{shared[0]}={value} is ignored: this verb has {', '.join(self.choices)}"
        write_line(f"{text}, and uses {usual}", to_stderr=True)
        return usual


def _remember_style(ctx: click.Context, param: click.Parameter, value: str) -> str:
    given = ctx.ensure_object(CommonOptions)
    given.style, given.command = value, ctx.command_path.partition(" ")[2]
    return value


def format_option(*formats: str, exposed: bool = True) -> Callable[[_Command], _Command]:
    """The option that chooses the output format; the first one is the default."""
    return click.option(
        *("--format", "style"),
        type=_Format(formats),
        default=formats[0],
        show_default=True,
        help="The output format.",
        callback=_remember_style,
        # An error in the other options has the format too.
        is_eager=True,
        expose_value=exposed,
    )


json_option = format_option("text", "json", exposed=False)
"""For a verb whose texts and JSON both go through `cli.terminal`, which prints one of them."""

json_output = together(json_option, common_options)


def output_options(*formats: str) -> Callable[[_Command], _Command]:
    """The output format and the common options: the last options of a verb."""
    return together(format_option(*formats), common_options)


def _labels(ctx: click.Context, param: click.Parameter, labels: tuple[str, ...]) -> tuple[str, ...]:
    for label in labels:
        if not all(label.partition("=")):
            remedy = "Write it such as team=revenue."
            raise UsageError(f"--select takes LABEL=VALUE, not {label}", remedy=remedy)
    return labels


def _scope(flag: str, name: str, metavar: str, what: str, **attributes: Any) -> Any:
    return click.option(
        flag, name, multiple=True, metavar=metavar, help=f"{what} Repeatable.", **attributes
    )


def _allowance(flag: str, text: str) -> Callable[[_Command], _Command]:
    return click.option(flag, type=click.IntRange(min=0), metavar="N", help=text)


adopt_found_option = _allowance(
    "--adopt-found",
    "Adopt up to N entries that have the marker of this workspace but no record in the daybook.",
)

strict_option = flag_option(
    "--strict", text="Let every warning fail, as `policy.strict: true` does."
)

reading_options = together(
    click.option(
        "--live",
        type=click.Choice(["query", "reads"]),
        help="How to learn what the ledger holds: a Data Query that says what changed, or a read "
        "of every entry. [default: query from 200 entries on; for drift reads]",
    ),
    click.option(
        "--max-age",
        type=click.IntRange(0, 366),
        default=7,
        show_default=True,
        metavar="DAYS",
        help="With a query, how long the last read of an unchanged entry counts.",
    ),
    flag_option("--no-cache", text="Use nothing that an earlier run read."),
)
"""The options of verbs that read the live state of every entry."""

narrowing_options = together(
    _scope(
        *("--period", "periods", "PERIOD"),
        "Only what is posted in this accounting period.",
        shell_complete=completing("period"),
    ),
    _scope(
        *("--select", "labels", "LABEL=VALUE"),
        "Only declarations with this label.",
        callback=_labels,
    ),
)
"""The options that narrow what is declared by period and by label."""

plan_options = together(
    strict_option,
    reading_options,
    _scope(
        *("--target", "targets", "NAME"),
        "Only this NAME, KIND/NAME, or pattern with *.",
        shell_complete=completing("name"),
    ),
    _scope(
        *("--exclude", "excludes", "NAME"),
        "Everything except this; takes what --target takes.",
        shell_complete=completing("name"),
    ),
    narrowing_options,
    _allowance("--max-removals", "Allow up to N removals instead of max(3, 10 %)."),
    _allowance(
        "--max-missing", "Allow up to N entries missing in the ledger instead of max(3, 10 %)."
    ),
    adopt_found_option,
    _allowance(
        "--allow-equal",
        "With a new daybook, post up to N entries although the ledger has equal ones of others.",
    ),
    flag_option(
        "--find",
        text="Search the ledger for all entries of this workspace, including those that the "
        "daybook does not record.",
    ),
    click.option(
        "--probe-from",
        callback=fitting(
            RUN_ENTRY_KIND.number_pattern, "Give an entry's number, such as JE-00000100."
        ),
        metavar="JE-NUMBER",
        help="If the ledger cannot be searched, probe every number from this one on. The "
        "daybook must record every entry of this workspace with a lower number.",
    ),
    flag_option(
        "--first-apply",
        text="Continue with a new daybook if the ledger cannot be searched. Use it only if "
        "nothing of this workspace was ever applied to this ledger, except what "
        "--probe-from finds.",
    ),
)
"""The options of plan and apply: what narrows a plan, what it may do, and how it searches."""


ca_bundle_option = click.option(
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="A PEM file of certificate authorities to trust in addition to the machine's.",
)
"""For the ledger, and where a verb calls a forge, for that too."""

forge_options = together(
    click.option(
        "--forge",
        type=click.Choice(["github", "gitlab"]),
        help="Where the code is hosted. [default: from the CI job]",
    ),
    click.option(
        "--forge-url",
        metavar="URL",
        help="The base URL of the host's API: https, or http on this machine.",
    ),
    click.option(
        "--repo", metavar="NAME", help="The repository as OWNER/NAME, or the project's id."
    ),
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
        # An abbreviated hash may become ambiguous, and a name may move to another commit.
        callback=fitting(r"[0-9A-Fa-f]{40}([0-9A-Fa-f]{24})?", "Give the full hash of a commit."),
        help="The full hash of the commit that is reviewed.",
    ),
    ca_bundle_option,
)
"""The options that name a change; in a CI job, its variables do."""

writing_options = together(
    flag_option("--dry-run", text="Write nothing; show a unified diff."),
    flag_option("--check", text="Write nothing; exit 7 if a file would change."),
)
"""The options of verbs that compute files of the workspace."""

parallelism_option = click.option(
    "--parallelism",
    type=click.IntRange(1, 40),
    default=8,
    show_default=True,
    help="The maximum number of concurrent calls.",
)

ledger_options = together(parallelism_option, ca_bundle_option)
"""How a ledger is read."""
