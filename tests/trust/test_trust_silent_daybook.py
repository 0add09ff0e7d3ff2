"""A daybook's server that goes silent: every wait ends by the client's clock, or by a signal."""

import contextlib
import json
import re
import select
import signal
import socket
import threading
import time
from itertools import product

import postgresql_server
import pytest
import short_patience
from listening import end_listening
from two_daybooks import Checkout, Tenant, ended

from reconciler.daybook import open_daybook
from reconciler.errors import DaybookError

NEVER = 10_000
SOON = 1
LONG_AGO = "2026-01-01T00:00:00+00:00"


class Relay:
    """Passes everything on to a server, until it is told to be silent: it accepts, and no more."""

    def __init__(self, port):
        self._port = port
        self.silent = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._pass_on, args=[connection], daemon=True).start()

    def _pass_on(self, client):
        with (
            contextlib.suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self._port)) as server,
        ):
            while True:
                for one in select.select([client, server], [], [], 0.05)[0]:
                    chunk = one.recv(65536)
                    if not chunk:
                        return
                    while self.silent.is_set():
                        time.sleep(0.02)
                    (server if one is client else client).sendall(chunk)

    def close(self):
        self.silent.clear()
        end_listening(self._socket)


@pytest.fixture
def job(postgresql, tmp_path, request):
    """A checkout whose daybook is on PostgreSQL, behind a relay."""
    name = f"daybook_{abs(hash(request.node.name))}"
    postgresql.make(name)
    relay = Relay(postgresql.port)
    tenant = Tenant(tmp_path)
    url = f"postgresql://{postgresql_server.USER}@127.0.0.1:{relay.port}/{name}"
    job = Checkout(tenant, "first", daybook=url)
    job.server, job.database, job.relay = postgresql, name, relay
    yield job
    relay.close()
    tenant.close()
    postgresql.drop(name)


def silent_when(job, moment):
    """Make the server silent at a moment of the next apply."""
    if moment == "it connects":
        job.relay.silent.set()
    elif moment == "the ledger is searched":
        job.tenant.searched = job.relay.silent.set
    else:
        job.tenant.arrived = lambda who, verb: job.relay.silent.set()


def let_lease_lapse(job):
    """Move the end of the lease to the past, where a minute of waiting would bring it."""
    with job.server.connect(job.database) as connection:
        ended = connection.execute(
            "update reconciler_books.head set until = %s where lease is not null", [LONG_AGO]
        )
        assert ended.rowcount == 1


def break_lease(job):
    """What a person does who is refused because of it."""
    code, said = job.apply()
    assert code == 1 and "another apply is writing" in said, said
    code, said = job.run("daybook", "unlock", re.search("daybook unlock ([0-9a-f-]+)", said)[1])
    assert code == 0, said


MOMENTS = ("it connects", "the ledger is searched", "an entry is created")


SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        *((moment, None) for moment in MOMENTS),
        *zip(MOMENTS, SIGNALS, strict=True),
        *(
            pytest.param(moment, number, marks=pytest.mark.long)
            for moment, number in product(MOMENTS, SIGNALS)
            if MOMENTS.index(moment) != SIGNALS.index(number)
        ),
    ],
    ids=str,
)
def test_t16_an_apply_ends_although_its_daybook_is_silent(job, moment, number):
    job.declare(a="5.00")
    silent_when(job, moment)
    job.keys[short_patience.VARIABLE] = str(NEVER if number else SOON)
    process = job.start("apply", "--auto-approve", install=["short_patience"])
    if number:
        assert job.relay.silent.wait(600)
        time.sleep(0.5)  # it waits for the daybook by now, or will: both end alike
        process.send_signal(number)
    code, said = ended(process)
    job.tenant.arrived, job.tenant.searched = (lambda who, verb: None), (lambda: None)
    assert code == (130 if number else 6 if moment == MOMENTS[2] else 1), said
    assert ("the run is to end" if number else "silent for") in said or "timeout" in said, said
    spilled = job.books / ".reconciler" / "daybook.rescue"
    assert spilled.exists() == (moment == MOMENTS[2])
    posted = job.tenant.posted()
    assert len(posted) == (moment == MOMENTS[2])
    if posted:
        assert json.loads(spilled.read_text())["number"] == posted[0]
    # When the server answers again, the lease of the dead run has lapsed or is broken.
    job.relay.silent.clear()
    if moment != MOMENTS[0]:
        let_lease_lapse(job) if number is None else break_lease(job)
    code, said = job.apply()
    assert code == 0, said
    assert len(job.tenant.posted()) == 1


@pytest.mark.parametrize("verb", [("plan",), ("daybook", "show"), ("doctor",)], ids=" ".join)
def test_t16_what_only_reads_ends_although_its_daybook_is_silent(job, verb):
    job.declare(a="5.00")
    assert job.apply()[0] == 0
    job.relay.silent.set()
    job.keys[short_patience.VARIABLE] = str(SOON)
    code, said = ended(job.start(*verb, install=["short_patience"]))
    assert code == 1, said
    assert "cannot be" in said and "damaged" not in said, said


def test_t16_a_server_that_sends_a_byte_now_and_then_is_given_up():
    """Each byte breaks the silence, so one exchange has a limit as well."""
    from reconciler.daybook.server_wait import ServerGivenUp, TimeLimits

    now = [0.0]
    exchange = TimeLimits(clock=lambda: now[0]).exchange()
    for _ in range(14):
        now[0] += 20
        exchange.heard()
        exchange.check()
    now[0] += 20
    exchange.heard()
    with pytest.raises(ServerGivenUp, match="longer than 300 s"):
        exchange.check()


def test_t16_a_daybook_that_is_given_up_in_a_hurry_is_not_waited_for_again(postgresql, monkeypatch):
    from reconciler.daybook import server_wait

    monkeypatch.setattr(server_wait, "HURRY", 0.2)
    monkeypatch.setattr(server_wait, "SILENCE", NEVER)
    postgresql.make("hurried")
    relay, hurry = Relay(postgresql.port), threading.Event()
    url = f"postgresql://{postgresql_server.USER}@127.0.0.1:{relay.port}/hurried"
    book = open_daybook(url, write=True, workspace="books", hurry=hurry)
    relay.silent.set()
    hurry.set()
    with pytest.raises(DaybookError, match="the run is to end"):
        book.begin("plan")
    with pytest.raises(DaybookError, match="given up because the run is to end"):
        book.begin("plan")
    book.close()
    relay.close()
    postgresql.drop("hurried")


@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_t16_a_signal_after_the_report_keeps_the_exit_code(tmp_path, number):
    tenant = Tenant(tmp_path)
    job = Checkout(tenant, "first")
    job.declare(**{f"e{index}": "1.00" for index in range(3)})
    try:
        for turn in range(6):
            process = job.start("apply", "--auto-approve")
            said = ""
            while "Applied:" not in said:
                part = process.stdout.readline()
                assert part, said
                said += part
            time.sleep(0.02 * turn)
            process.send_signal(number)
            code, rest = ended(process)
            assert code == 0, said + rest
    finally:
        tenant.close()


def test_t16_a_hangup_ends_an_apply_as_sigterm_does(tmp_path):
    tenant = Tenant(tmp_path)
    job = Checkout(tenant, "first")
    job.declare(a="1.00", b="2.00")
    tenant.arrived = lambda who, verb: process.send_signal(signal.SIGHUP)
    process = job.start("apply", "--auto-approve", "--parallelism", "1")
    code, said = ended(process)
    tenant.arrived = lambda who, verb: None
    assert code == 130, said
    assert "1 created, 1 not attempted" in said, said
    assert job.apply()[0] == 0
    assert len(tenant.posted("a")) == len(tenant.posted("b")) == 1
    tenant.close()
