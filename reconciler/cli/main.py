"""The root command: which verbs there are, and how every way to fail ends."""

import gc
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from keyword import iskeyword
from types import MappingProxyType
from typing import Any, cast

import click

from reconciler import __version__
from reconciler.cli import streams
from reconciler.cli.options import HELP, CommonOptions, common_options, json_output
from reconciler.cli.terminal import err, json_text, out, out_json, show_error
from reconciler.core.model.command import completed_document, suggested
from reconciler.core.model.variables import (
    FLAG_PREFIX,
    ci_variable,
    flag_variable,
    known_variables,
    unknown_variables,
)
from reconciler.errors import MissingPackage, ReconcilerError, UsageError
from reconciler.render.styled_text import line

USAGE_ERROR = 64
"""Not click's 2, which would read as "changes pending" under --detailed-exitcode."""

INTERRUPTED = 130

HELP_WIDTH = 78

_COMMANDS: Mapping[str, str] = {
    "init": "Write a starter workspace.",
    "validate": "Check all files offline: YAML, schema, accounting rules.",
    "fmt": "Rewrite files in canonical order and spelling.",
    "plan": "Show what apply would do. Changes nothing.",
    "show": "Show a saved plan, or how it differs from another.",
    "apply": "Apply the declarations to the ledger, as planned.",
    "comment": "Post a saved plan as a comment on its pull request.",
    "drift": "Show what changed in the ledger since the last apply.",
    "close-check": "Show whether accounting periods are ready to be closed.",
    "import": "Declare entries of the ledger or of a spreadsheet.",
    "export": "Write the declared entries as a spreadsheet.",
    "generate": "Write the entries of schedules, and reversals that entries ask for.",
    "reverse": "Write the reversal of posted entries.",
    "forget": "Stop managing entries. They stay in the ledger.",
    "daybook": "Show, verify, unlock, export and import the daybook.",
    "doctor": "Check that everything an apply needs is there.",
    "schema": "Print the JSON Schema of a kind of document.",
    "explain": "Explain a rule that a message names.",
    "version": "Print the version.",
    "ledger": "Serve the embedded ledger, and create clients for it.",
}
"""The verbs, each in the module of its name. Kept here so that `--help` loads none of them."""

_WRITING_FILES = frozenset({"export", "fmt", "generate", "import", "reverse"})
"""The verbs whose modules are in the folder `files`."""


class VerbGroup(click.Group):
    """A group that names the nearest of its commands for a word that is none of them."""

    elsewhere: Mapping[str, str] = MappingProxyType({})
    """Commands of other groups, which are asked for here: the word, and the whole command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        asked = not ctx.resilient_parsing and not word.startswith("-")
        if asked and self.get_command(ctx, word) is None:
            from difflib import get_close_matches

            known = {**self.elsewhere, **{name: name for name in self.list_commands(ctx)}}
            close = get_close_matches(word.lower(), known, n=1)
            remedy = "`reconciler` alone lists the commands."
            if close:
                path = (*ctx.command_path.split()[1:], *known[close[0]].split())
                remedy = f"Did you mean {suggested(*path, *args[1:])}?"
            raise UsageError(f"there is no command {word}", remedy=remedy)
        return super().resolve_command(ctx, args)


class LazyGroup(VerbGroup):
    """Loads a verb's module when the verb is used, so that no verb pays for another's imports."""

    elsewhere = MappingProxyType(
        {
            **{word: f"daybook {word}" for word in ("verify", "unlock", "export", "recover")},
            **{word: f"ledger {word}" for word in ("serve", "create-client", "load-transactions")},
        }
    )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = super().resolve_command(ctx, args)
        if ctx.resilient_parsing:
            return found
        given = ctx.ensure_object(CommonOptions)
        given.verb_variables = self._verb_variables(ctx)
        # `doctor` shows them among all else that a job lacks.
        if found[0] != "doctor" and not {"-h", "--help"}.intersection(args):
            _check_variables(given.verb_variables)
        return found

    def _verb_variables(self, ctx: click.Context) -> frozenset[str]:
        """The variables of the verbs that a variable seems to name. No other verb is loaded."""
        shared = known_variables()
        others = [
            name for name in os.environ if name.startswith(FLAG_PREFIX) and name not in shared
        ]
        named = {
            verb
            for verb in _COMMANDS
            for name in others
            if name.startswith(flag_variable("", verb))
        }
        commands = (self.get_command(ctx, verb) for verb in sorted(named))
        return frozenset().union(*(_variables_of(command) for command in commands if command))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS or cmd_name in self.commands:
            return super().get_command(ctx, cmd_name)
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name.replace("-", "_")
        place = "files." if cmd_name in _WRITING_FILES else ""
        command = getattr(import_module(f"reconciler.cli.{place}{name}"), name)
        assert isinstance(command, click.Command)
        _read_environment(command, cmd_name)
        self.commands[cmd_name] = command
        return command

    def get_help(self, ctx: click.Context) -> str:
        """The help in `help.txt`, which is as wide on every terminal."""
        formatter = click.HelpFormatter(width=HELP_WIDTH)
        self.format_help(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _check_variables(of_verbs: frozenset[str]) -> None:
    """Warn of variables that set nothing although they look so. Raises UsageError in CI."""
    unknown = unknown_variables(os.environ, of_verbs)
    if unknown and ci_variable(os.environ):
        raise UsageError(
            f"unknown-variable: {', '.join(unknown)}",
            remedy="Correct each name, or remove the variable.",
        )
    err(line(("warning[unknown-variable]: ", "warning"), fact) for fact in unknown)


def _read_environment(command: click.Command, *verb: str) -> None:
    """Every flag is also RECONCILER_<VERB>_<FLAG>, or RECONCILER_<FLAG> for all verbs at once.

    The flag is its first long spelling, whatever the parameter behind it is called. The variable
    of the verb counts before the shared one.
    """
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in ("help", "version"):
            flag = next(word for word in option.opts if word.startswith("--"))
            option.envvar = [flag_variable(flag, *verb), flag_variable(flag)]
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            _read_environment(inner, *verb, name)


def _variables_of(command: click.Command) -> set[str]:
    found = {name for option in command.params for name in option.envvar or ()}
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    return found.union(*map(_variables_of, inner))


@click.group(cls=LazyGroup, context_settings={**HELP, "max_content_width": 100})
@click.version_option(__version__, prog_name="reconciler")
@common_options
def root() -> None:
    """Journal entries managed from git: declare them as YAML, review a plan, apply it to a ledger.

    \b
    Exit codes: 0 done or nothing to do, 1 error, 2 changes pending (--detailed-exitcode),
    3 findings in files, 4 refused by a guard or policy, 5 stale plan, 6 applied in part,
    7 expectation failed, 8 authentication or permission, 64 usage, 130 interrupted.
    """


@root.command()
@json_output
def version() -> None:
    """Print the version."""
    python = platform.python_version()
    out_json({"reconciler": __version__, "python": python})
    out([line(f"reconciler {__version__} on Python {python}")])


_read_environment(root)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with a documented exit code."""
    # Nearly all that is loaded and read lives to the end: to look for what does not, as often as
    # Python usually does, takes a tenth of the time of a plan and more.
    gc.set_threshold(50_000, 20, 50)
    streams.take_over_process()
    code = run(args, own_process=True)
    # At the end of a process Python looks for garbage in all that is left, and none of it is.
    gc.freeze()
    sys.exit(code)


def run(args: Sequence[str] | None = None, *, own_process: bool = False) -> int:
    """Run the command line; returns the exit code. With `own_process` the process ends with it."""
    streams.begin()
    if COMPLETION in os.environ:
        return _complete(os.environ[COMPLETION])
    words = tuple(sys.argv[1:] if args is None else args)
    code = _run(words, CommonOptions(own_process=own_process, words=words))
    if not streams.lost():
        return code
    if why := streams.lost("stdout"):
        show_error(ReconcilerError(f"the output: {why}"))
    # What nobody could read is no success; whatever failed has its own code.
    return ReconcilerError.exit_code if code in _GOOD else code


COMPLETION = "_RECONCILER_COMPLETE"
"""The variable by which a shell asks for completions, or for the script that asks for them."""


def _complete(asked: str) -> int:
    """Answer a shell. An error is silent: it would be written into the line that is typed."""
    with suppress(click.ClickException, ReconcilerError, OSError):
        try:
            root.main(prog_name="reconciler", complete_var=COMPLETION)
        except SystemExit as ended:
            if not ended.code:
                return 0
    if not asked.endswith("_complete"):
        remedy = "Write bash_source, zsh_source or fish_source, or remove the variable."
        show_error(UsageError(f"{COMPLETION} is {asked}", remedy=remedy))
    return USAGE_ERROR


_GOOD = frozenset({0, 2})
"""Codes that nobody would take for a failure: done, and changes pending."""


def _run(words: Sequence[str], given: CommonOptions) -> int:
    code, error = _ended(words, given)
    if error is not None and not given.recorded:
        # It was refused before its options were read, or before the verb began.
        _record_refusal(words, given, code, error)
    if given.style == "json" and not given.printed:
        streams.write_document(json_text(_output(given, code, error)))
    return code


def _record_refusal(
    words: Sequence[str], given: CommonOptions, code: int, error: Exception
) -> None:
    """Give a command line that was refused the output, the report and the events it asks for."""
    options = CommonOptions()
    asked: Mapping[str, Any] = {}
    # A verb may be the error: its module needs a package that is not there.
    with suppress(ModuleNotFoundError):
        options, asked = _readable_options(words)
    if not given.command:
        named = "--format=json" in words or ("--format", "json") in pairwise(words)
        given.style, given.command = "json" if named else options.style, options.command
    report, events = asked.get("report"), asked.get("events")
    if report or events:
        from reconciler.cli.run_record import RunRecord

        record = RunRecord(lambda event: None, style="text", report_file=report, events=events)
        try:
            record.refused(code, *_message_of(error))
        except ReconcilerError as lost:
            show_error(lost)


def _readable_options(words: Sequence[str]) -> tuple[CommonOptions, Mapping[str, Any]]:
    """The options of a verb as far as they can be read, from its variables too."""
    options = CommonOptions()
    rest, command, path = list(words), cast("click.Command", root), ["reconciler"]
    while isinstance(command, click.Group):
        names = command.list_commands(click.Context(command))
        at = next((at for at, word in enumerate(rest) if word in names), None)
        found = None if at is None else command.get_command(click.Context(command), rest[at])
        if at is None or found is None:
            return options, {}
        command, rest = found, rest[at + 1 :]
        path.append(str(command.name))
    context = command.make_context(
        " ".join(path), rest, resilient_parsing=True, ignore_unknown_options=True,
        allow_extra_args=True, obj=options,
    )  # fmt: skip
    return options, context.params


def _output(given: CommonOptions, code: int, error: Exception | None) -> Mapping[str, object]:
    """What `--format json` prints, as `schemas/output.schema.json` describes it."""
    said: dict[str, object] = {
        "format_version": OUTPUT_VERSION,
        "command": given.command,
        "exit_code": code,
    }
    if error is not None:
        said["error"] = dict(zip(("message", "remedy"), _message_of(error), strict=True))
    found = completed_document({**said, **given.result}, given.completed)
    assert isinstance(found, dict)
    return found


def _message_of(error: Exception) -> tuple[str, str]:
    """What an error says, and its remedy."""
    if isinstance(error, ReconcilerError):
        return error.message, error.remedy or ""
    return f"{error}", ""


OUTPUT_VERSION = "1.0"


def _refusal_of(error: click.UsageError) -> UsageError:
    """The refusal of a command line by its parser, with what to do about it."""
    kind = error.param.type if isinstance(error, click.BadParameter) and error.param else None
    remedy = f"Run `{error.ctx.command_path if error.ctx else 'reconciler'} --help`."
    if isinstance(kind, click.Path):
        remedy = "Name a directory, not a file."
        if kind.file_okay:
            remedy = "Name a file that exists." if kind.exists else "Name a file, not a directory."
    return UsageError(error.format_message(), remedy=remedy)


def _ended(args: Sequence[str], given: CommonOptions) -> tuple[int, Exception | None]:
    """The exit code of a command, and the error that ended it, which was shown."""
    try:
        result: Any = root.main(args=args, prog_name="reconciler", standalone_mode=False, obj=given)
    except click.exceptions.NoArgsIsHelpError as error:
        err(line(text) for text in error.format_message().splitlines())
        return USAGE_ERROR, error
    except click.UsageError as error:
        known: ReconcilerError = _refusal_of(error)
    except (click.Abort, KeyboardInterrupt):
        remedy = f"To run the command again: {given.again}."
        err([line(f"Interrupted. {remedy}")])
        return INTERRUPTED, ReconcilerError("Interrupted.", remedy=remedy)
    except (ReconcilerError, ModuleNotFoundError) as raised:
        known = raised if isinstance(raised, ReconcilerError) else MissingPackage.of(raised)
        known.message, known.remedy = map(given.completed, (known.message, known.remedy))
    except SystemExit:
        # click ends the process by itself when nobody reads its help.
        known = ReconcilerError("the output: nobody reads it")
    except OSError as error:
        # A path that no system can have, a full disk: not ours to tell one from the other.
        known = ReconcilerError(
            f"{error.filename or 'the output'}: {error.strerror}",
            remedy="Check the path, its permissions and the free space of its disk.",
        )
    else:
        return result if isinstance(result, int) else 0, None
    show_error(known, given.command)
    return known.exit_code, known
