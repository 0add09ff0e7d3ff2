"""The run after a fault, and what must be so after it."""

from typing import Any

from actions import Action, transfer
from laboratory import Lab


def recover(lab: Lab, action: Action, foreign: dict[str, Any]) -> None:
    """One undisturbed run, and what must be so after it."""
    again = lab.run(*action.verb)
    if action.verb[0] == "import" and again.code == 4:
        # What was written or adopted already is not imported again; apply finishes it.
        again = lab.apply()
        unwritten = [number for number in action.verb[1:] if not lab.declares(number)]
        assert again.code == 0, again.said
        if unwritten:
            again = lab.run("import", *unwritten)
    if action.stuck:
        # The first run cannot be cancelled until the connector takes its entry back.
        assert again.code in (0, 4, 6), again.said
        assert "Traceback" not in again.said
        transfer(lab, "No")
        lab.calm()
        again = lab.apply()
    assert again.code == 0, again.said
    lab.require_converged(action.wanted, foreign=foreign, runs=action.now.runs)
