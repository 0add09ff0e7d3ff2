"""Scenarios of trust: without its evidence, a promise becomes a refusal that names it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))
sys.path.insert(0, str(Path(__file__).parents[1] / "forge"))
