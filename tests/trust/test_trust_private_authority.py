"""A ledger behind a private authority is trusted when the authority is named, and only then."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from urllib.parse import urlsplit

import click
import pytest
from books_harness import process, reconciler
from listening import end_listening
from socket_server import on_a_socket

from reconciler.cli.main import root as command_line
from reconciler.ledger import create_app, open_ledger

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A PEM file that is a private authority, and the certificate of this machine with its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "authority.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    make += ["-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=ledger"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(make, check=True, capture_output=True, timeout=60)
    return certificate, key


class Front:
    """TLS in front of a port of this machine, as a gateway does it. It counts what gets in."""

    def __init__(self, authority, behind):
        self.requests = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*authority)
        self._behind = behind
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(
                    target=self._serve, args=[self._socket.accept()[0]], daemon=True
                ).start()

    def _serve(self, plain):
        with (
            contextlib.suppress(OSError),
            plain,
            self._context.wrap_socket(plain, server_side=True) as secured,
            socket.create_connection(("127.0.0.1", self._behind)) as ledger,
        ):
            threading.Thread(target=self._pump, args=[ledger, secured], daemon=True).start()
            while data := secured.recv(65536):
                self.requests += 1
                ledger.sendall(data)

    @staticmethod
    def _pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)

    def close(self):
        end_listening(self._socket)


@pytest.fixture
def secured(served_small, authority):
    """Applied books whose ledger answers over TLS, with a certificate of the private authority."""
    with open_ledger(f"sqlite:///{served_small.database}") as ledger:
        app = create_app(ledger)

        def behind_tls(environ, start):
            # The pages of a list are named as the gateway's.
            return app({**environ, "wsgi.url_scheme": "https"}, start)

        with on_a_socket(behind_tls) as url:
            front = Front(authority, urlsplit(url).port)
            # The daybook belongs to the tenant, whatever way leads there.
            served_small.env["ZUORA_BASE_URL"] = front.url
            served_small.front = front
            yield served_small
            front.close()


VERBS = [
    ["plan"],
    ["apply", "--auto-approve"],
    ["drift"],
    ["doctor"],
    ["import", "--write-only", "--period", "Jan-2026"],
    ["forget", "-y", "nosuch"],
    ["daybook", "recover"],
    ["daybook", "recover", "--dry-run"],
]
"""Every verb that calls the ledger."""


@openssl
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_t28_a_verb_trusts_the_authority_that_is_named(*, secured, authority, verb):
    first, *rest = verb
    refused = secured.run(first, *rest)
    assert refused.code == 1, refused.said
    assert "certificate was not accepted, so nothing was sent" in refused.said
    assert "--ca-bundle" in refused.said
    assert secured.front.requests == 0
    trusted = secured.run(first, *rest, "--ca-bundle", authority[0])
    assert "certificate" not in trusted.said
    assert secured.front.requests > 0
    assert trusted.code == (4 if first == "forget" else 0), trusted.said


@openssl
def test_t28_the_environment_names_it_too(secured, authority):
    """With the real command line."""
    secured.declare("new")
    env = {**secured.env, "RECONCILER_CA_BUNDLE": str(authority[0])}
    ended = process("apply", "-w", secured.root, "--auto-approve", env=env)
    assert ended.code == 0, ended.said
    assert "new" in secured.posted()


@openssl
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_t28_nothing_else_names_it(secured, authority, variable):
    secured.env[variable] = str(authority[0])
    assert "certificate was not accepted" in secured.plan().said


@openssl
def test_t28_doctor_names_the_authorities(secured, authority):
    ended = secured.run("doctor", "--ci", "--ca-bundle", authority[0])
    assert f"authorities: those of this machine, and those in {authority[0]}" in ended.out


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_t28_a_bundle_that_holds_nothing_is_refused(served_small, tmp_path, content):
    bundle = tmp_path / "authorities.pem"
    if content is not None:
        bundle.write_text(content)
    served_small.env["ZUORA_BASE_URL"] = "https://127.0.0.1:9"
    ended = served_small.plan("--ca-bundle", bundle)
    assert ended.code == (64 if content is None else 1)
    assert "authorities.pem" in ended.err


def test_t28_every_verb_that_calls_the_ledger_takes_it():
    def takes(words):
        command, context = command_line, click.Context(command_line)
        for word in filter(str.isalpha, words):
            if isinstance(command, click.Group):
                command = command.get_command(context, word)
        return any("--ca-bundle" in option.opts for option in command.params)

    assert all(map(takes, VERBS))


PROXIES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]


def test_t28_a_proxy_of_the_environment_gets_nothing(served_small):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        address = f"http://user:hunter2@127.0.0.1:{trap.getsockname()[1]}"
        served_small.env |= dict.fromkeys(PROXIES, address)
        assert served_small.plan().code == 0
        told = served_small.run("doctor")
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert told.code == 0
    for name in PROXIES:
        assert name in told.out
    assert "not used, calls to ledger and forge are direct" in told.out
    assert "hunter2" not in told.said


def test_t28_without_a_proxy_doctor_says_nothing_of_it(served_small):
    assert "proxies" not in reconciler("doctor", "-w", served_small.root).said
