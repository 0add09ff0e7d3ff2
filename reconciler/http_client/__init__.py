"""HTTP for every API that is called: bounded, verified, without secrets in messages."""

import sys

# httpx loads its own command line where it can, and with it rich and pygments: a third of its time.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
