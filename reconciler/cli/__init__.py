"""The command line: what people and pipelines type."""


def main() -> None:
    """Run the command line and end the process with a documented exit code.

    The root's own help and version are printed before anything of the command line is loaded.
    """
    import sys

    if not _printed(sys.argv[1:]):
        from reconciler.cli.main import main as run

        run()


def _printed(words: list[str]) -> bool:
    """Whether the words ask for a text that is known, and all of it was written."""
    import os

    import reconciler

    if words == ["--version"]:
        text = f"reconciler, version {reconciler.__version__}\n".encode()
    elif words in (["--help"], ["-h"]):
        text = help_text()
    else:
        return False
    try:
        return os.write(1, text) == len(text)
    except OSError:
        # The command line knows what to say of a stream that is closed or full.
        return False


def help_text() -> bytes:
    """The help of the root, as click prints it."""
    with open(f"{__path__[0]}/help.txt", "rb") as file:  # noqa: PTH123 - pathlib takes as long
        return file.read()
