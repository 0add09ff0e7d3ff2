"""N01 to N30: each network fault at each call, at its first and its last turn; then one clean run.

I-01, I-02, I-03, I-05, I-10 from the ledger's database; I-11 by the clock; I-34 by the mapping.
"""

import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from actions import ACTIONS, NAMES
from laboratory import Lab
from ledger_databases import POSTGRESQL, SQLITE
from name_lookup import VARIABLE as NAMELESS
from network_faults import FAULTS, NetworkFault
from proxy import CALLS, Proxy, Strike

ACTION_OF = {
    "token": "create",
    "create": "create",
    "get": "update",
    "update": "update",
    "cancel": "cancel",
    "delete": "delete",
    "list by run": "run create",
    "run create": "run create",
    "run get": "run create",
    "run cancel": "run cancel",
    "run delete": "run delete",
}
"""The action whose plan makes the call."""

QUICK = frozenset({
    *("N01", "N02", "N03", "N04", "N05", "N06", "N07", "N08", "N09", "N10", "N11", "N12", "N13"),
    *("N14", "N15 a date", "N16", "N17 502", "N18", "N19 rule", "N20 not JSON", "N21 nobody's"),
    *("N22 twice", "N23", "N24", "N25 307", "N26 in progress", "N26 replayed", "N27", "N28"),
    *("N29", "N30 bomb"),
})  # fmt: skip
"""Of each fault the form that the default suite has."""

QUICK_TOO = {("N28", "run cancel"), ("N21 somebody else's", "run create")}
"""And what it has besides creates."""

POLLED = ("run get", "list by run")

FIRST, LAST = "first", "last"


def cells() -> list[Any]:
    """A test for each fault, call and turn on each database; the first create is not marked."""
    found = []
    for name, fault in FAULTS.items():
        for call, _, _ in CALLS:
            codes = fault.codes(call)
            turns = (FIRST,) if call == "token" else (FIRST, LAST)
            for kind in (SQLITE, POSTGRESQL) if codes is not None else ():
                for turn in turns:
                    plain = "token" if fault.create is None else "create"
                    quick = (turn, kind) == (FIRST, SQLITE) and (
                        (name in QUICK and call == plain) or (name, call) in QUICK_TOO
                    )
                    marks = [pytest.mark.reaches(name.split(" ")[0], call)]
                    found.append(
                        pytest.param(
                            kind,
                            name,
                            fault,
                            call,
                            turn,
                            id=f"{name}-{call}-{turn}-{kind}",
                            marks=marks if quick else [*marks, pytest.mark.faults],
                        )
                    )
    return found


@pytest.fixture(scope="session")
def orders() -> dict[str, list[str]]:
    """The calls of an undisturbed run, by action."""
    return {}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's context with a certificate that it has signed itself."""
    if shutil.which("openssl") is None:
        pytest.skip("makes certificates")
    file = tmp_path_factory.mktemp("tls") / "self.pem"
    key = file.with_suffix(".key")
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", file)
    named = ("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(["openssl", *made, *named], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context


def order_of(action: str, make_lab: Callable[..., Lab], orders: dict[str, list[str]]) -> list[str]:
    if action not in orders:
        lab = make_lab(action, ACTIONS[action].prepare)
        with lab.hosted():
            proxy = Proxy(lab)
            ended = lab.run(*ACTIONS[action].verb, ZUORA_BASE_URL=proxy.url)
            proxy.stop()
        assert ended.code == 0, ended.said
        orders[action] = proxy.order
    return orders[action]


def place(order: list[str], call: str, turn: str) -> tuple[int, int]:
    """Where a call comes in a run: its turn among its kind, and what is answered before it."""
    places = [at for at, one in enumerate(order) if one == call]
    return (1, places[0]) if turn == FIRST else (len(places), places[-1])


@pytest.mark.parametrize(("kind", "name", "fault", "call", "turn"), cells())
def test_network_i01_i02_i03_i05_i07_i11_i34(
    make_lab, tally, orders, request, kind, name, fault, call, turn
):
    action = ACTIONS[ACTION_OF[call]]
    nth, before = place(order_of(action.name, make_lab, orders), call, turn)
    lab = make_lab(action.name, action.prepare, kind=kind)
    foreign = action.untouched(lab)
    counted = name.split(" ")[0]
    context = request.getfixturevalue("certificate") if fault.secure else None
    with tally.watching(counted, call), lab.hosted():
        # How often a run is looked at is a matter of time; when it was asked for is not.
        asked = ("run create", 1 if turn == FIRST else len(NAMES))
        strike = Strike(call=call, nth=nth, lasting=fault.lasting)
        if call in POLLED:
            strike = replace(strike, nth=1, since=asked)
        proxy = struck(lab, fault, strike, context)
        if fault.gate is not None and call in POLLED:
            proxy.after(*asked, fault.gate)
        elif fault.gate is not None:
            proxy.at(before, fault.gate)
        try:
            ended = lab.run(
                *action.verb, ZUORA_BASE_URL=proxy.url, **{NAMELESS: str(proxy.nameless)}
            )
        finally:
            Path(proxy.nameless).unlink(missing_ok=True)
            proxy.stop()
        assert proxy.struck or fault.secure, f"the run made {proxy.order}"
        tally.reached(counted, call)
        assert ended.code in (fault.codes(call) or ()), ended.said
        assert "Traceback" not in ended.said
        lab.calm()
        lab.require_always()
        for held in proxy.held:
            # What was delivered late comes when everybody has gone home.
            proxy.forward(held)
        again = lab.run(*action.verb)
        assert again.code == 0, (ended.said, again.said)
        lab.require_converged(action.wanted, foreign=foreign, runs=action.now.runs)


def struck(lab: Lab, fault: NetworkFault, strike: Strike, context: ssl.SSLContext | None) -> Proxy:
    proxy = Proxy(lab, strike if fault.gate is None else None, fault.fault, context=context)
    if fault.secure and fault.fault is not None:
        proxy.resets = True
    return proxy
