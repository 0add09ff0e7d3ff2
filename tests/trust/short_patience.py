"""A short patience with a silent server of a daybook, so that no test waits half a minute."""

import os

VARIABLE = "RECONCILER_LAB_SILENCE"


def install_from_environment():
    text = os.environ.pop(VARIABLE, "")
    if text:
        from reconciler.daybook import server_wait

        server_wait.SILENCE = float(text)
        server_wait.HURRY = min(server_wait.HURRY, 0.3)
