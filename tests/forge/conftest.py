"""A forge on a socket for each test, and the client that speaks to it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))

from forge_fixtures import (  # noqa: F401 - fixtures are found by their names here
    checkout,
    empty,
    empty_template,
    github,
    gitlab,
    no_forge,
    opened,
    plain_environment,
    speak,
)
