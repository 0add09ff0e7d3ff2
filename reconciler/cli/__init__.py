"""The command line: what people and pipelines type."""


def main() -> None:
    """Run the command line."""
