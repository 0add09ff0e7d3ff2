"""The root command: which verbs there are, and how every way to fail ends."""

import gc
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from types import MappingProxyType
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.options import HELP, common_options
from reconciler.cli.terminal import show_error
from reconciler.errors import ReconcilerError

USAGE_ERROR = 64
"""Not click's 2, which would read as "changes pending" under --detailed-exitcode."""

INTERRUPTED = 130

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "init": "reconciler.cli.init:init",
        "validate": "reconciler.cli.validate:validate",
        "fmt": "reconciler.cli.fmt:fmt",
        "plan": "reconciler.cli.plan:plan",
        "show": "reconciler.cli.plan:show",
        "apply": "reconciler.cli.apply:apply",
        "comment": "reconciler.cli.comment:comment",
        "drift": "reconciler.cli.drift:drift",
        "import": "reconciler.cli.importing:import_",
        "forget": "reconciler.cli.forgetting:forget",
        "daybook": "reconciler.cli.daybook:daybook",
        "doctor": "reconciler.cli.doctor:doctor",
        "schema": "reconciler.cli.lookup:schema",
        "explain": "reconciler.cli.lookup:explain",
        "version": "reconciler.cli.lookup:version",
        "ledger": "reconciler.cli.ledger:ledger",
    }
)


class LazyGroup(click.Group):
    """Loads a verb's module when the verb is used, so that no verb pays for another's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = _COMMANDS.get(cmd_name)
        if home is None:
            return None
        module, _, attribute = home.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        _read_environment(command)
        return command


def _read_environment(command: click.Command) -> None:
    """Every flag is also RECONCILER_<FLAG>, whichever verb it belongs to.

    The flag is its first long spelling, whatever the parameter behind it is called.
    """
    for option in command.params:
        if isinstance(option, click.Option) and not option.is_eager:
            flag = next(word for word in option.opts if word.startswith("--"))
            option.envvar = "RECONCILER_" + flag.removeprefix("--").upper().replace("-", "_")
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _read_environment(inner)


@click.group(
    cls=LazyGroup,
    context_settings={
        **HELP,
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="reconciler")
@common_options
def root() -> None:
    """Journal entries managed from git: declare them as YAML, review a plan, converge the ledger.

    \b
    Exit codes: 0 done or nothing to do, 1 error, 2 changes pending (--detailed-exitcode),
    3 findings in files, 4 refused by a guard or policy, 5 stale plan, 6 applied in part,
    7 expectation failed, 8 authentication or permission, 64 usage, 130 interrupted.
    """


_read_environment(root)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with a documented exit code."""
    # Nearly all that is loaded and read lives to the end: to look for what does not, as often as
    # Python usually does, takes a tenth of the time of a plan and more.
    gc.set_threshold(50_000, 20, 50)
    # Notes and names may hold any character, whatever the locale has.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        result: Any = root.main(args=args, prog_name="reconciler", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE_ERROR if isinstance(error, click.UsageError) else error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except ReconcilerError as error:
        show_error(error)
        return error.exit_code
    except OSError as error:
        # A path that no system can have, a full disk: not ours to tell one from the other.
        show_error(ReconcilerError(f"{error.filename or 'the output'}: {error.strerror}"))
        return ReconcilerError.exit_code
    return result if isinstance(result, int) else 0
