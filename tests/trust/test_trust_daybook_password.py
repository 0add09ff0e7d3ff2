"""The daybook's password goes to a host that the environment names, over TLS, and nowhere else."""

import contextlib
import os
import select
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import postgresql_server
import pytest
from listening import end_listening
from program import Program

from reconciler.cli.main import run
from reconciler.core.model.urls import without_password
from reconciler.daybook.postgresql_url import HOSTS, destination_of
from reconciler.errors import DaybookError

PASSWORD = "hunter2"
AWAY = "0.0.0.0"
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
ASKS_FOR_PASSWORD = b"R" + struct.pack("!ii", 8, 3)

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates")


class Host:
    """A host on this machine that records what it is sent, and asks everybody for a password.

    With a certificate it speaks TLS. With `behind`, a port, it passes everything on.
    """

    def __init__(self, certificate=None, behind=None):
        self.received, self.connections = b"", 0
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._behind = behind
        self._socket = socket.create_server((AWAY, 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            if connection.recv(8, socket.MSG_PEEK) == SSL_REQUEST:
                connection.recv(8)
                connection.sendall(b"S" if self._context else b"N")
            with (
                self._context.wrap_socket(connection, server_side=True)
                if self._context
                else contextlib.nullcontext(connection) as spoken
            ):
                self._answer(spoken)

    def _answer(self, connection):
        if self._behind:
            self._pass_on(connection)
        else:
            self.received += connection.recv(4096)
            connection.sendall(ASKS_FOR_PASSWORD)
            sent = connection.recv(4096)
            self.received += sent
            fault = b"SFATAL\0C28P01\0M" + sent.strip(b"\0") + b"\0\0"
            connection.sendall(b"E" + struct.pack("!i", len(fault) + 4) + fault)

    def _pass_on(self, connection):
        with socket.create_connection(("127.0.0.1", self._behind)) as server:
            while True:
                waiting = connection.pending() and [connection]
                ready = waiting or select.select([connection, server], [], [])[0]
                for one in ready:
                    chunk = one.recv(65536)
                    if not chunk:
                        return
                    (server if one is connection else connection).sendall(chunk)

    def stop(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        end_listening(self._socket)


@pytest.fixture
def start():
    with contextlib.ExitStack() as stack:

        def started(*arguments, **named):
            host = Host(*arguments, **named)
            stack.callback(host.stop)
            return host

        yield started


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Certificates by the host that they name, each with its key in the same file."""
    folder = tmp_path_factory.mktemp("daybook-tls")
    made = {}
    for name, host in (("right", f"IP:{AWAY}"), ("wrong", "DNS:db.example.com")):
        file, key = folder / f"{name}.pem", folder / f"{name}.key"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=daybook"),
                *("-addext", f"subjectAltName={host}", "-keyout", key, "-out", file),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        file.write_text(file.read_text() + key.read_text())
        made[name] = file
    return made


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Sets variables on top of an environment that says nothing of PostgreSQL."""
    for name in [*os.environ]:
        if name.startswith(("PG", "RECONCILER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def having(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return having


@pytest.fixture
def books(tmp_path):
    """Writes a workspace with its daybook at a URL."""
    root = tmp_path / "books"
    assert run(["init", str(root)]) == 0
    settings = root / "reconciler.yaml"
    written = settings.read_text()

    def at(url):
        settings.write_text(f"{written}  daybook: {url}\n")
        return root

    return at


def said(capsys, *words):
    code = run([str(word) for word in words])
    told = capsys.readouterr()
    return code, " ".join((told.out + told.err).split())


@pytest.mark.parametrize(
    ("host", "query", "variables", "fact"),
    [
        pytest.param(AWAY, "", {}, "RECONCILER_DAYBOOK_HOSTS does not name", id="no host is named"),
        pytest.param(
            AWAY, "", {HOSTS: "db.example.com, {host}1:{port}"},
            "RECONCILER_DAYBOOK_HOSTS does not name", id="other hosts are named",
        ),
        pytest.param(
            AWAY, "", {HOSTS: "{host}"}, "does not name", id="another port of the host is named"
        ),
        pytest.param(
            "localhost", "", {}, "does not name", id="this machine, with a password and no name"
        ),
        pytest.param(
            "db.example.com", "", {HOSTS: "db.example.com:{port}", "PGHOSTADDR": AWAY},
            "PGHOSTADDR would send", id="an address beside the name",
        ),
        pytest.param(
            "db.example.com", "", {HOSTS: "db.example.com:{port}", "PGSERVICE": "evil"},
            "PGSERVICE would send", id="a service file",
        ),
        *(
            pytest.param(
                AWAY, f"?sslmode={mode}", {HOSTS: "{host}:{port}"},
                f"sslmode={mode} in the daybook's URL does not prove", id=mode,
            )
            for mode in ("disable", "allow", "prefer", "require", "verify-ca")
        ),
        *(
            pytest.param(
                AWAY, "?sslmode=verify-full" if ends else "",
                {HOSTS: "{host}:{port}", "PGSSLMODE": mode}, "cannot be", id=f"no TLS, {mode}",
            )
            for mode, ends in (("disable", False), ("allow", True))
        ),
    ],
)  # fmt: skip
def test_t23_nothing_is_sent_to_a_host_that_only_the_change_names(
    start, environment, books, capsys, host, query, variables, fact
):
    server = start()
    named = {name: value.format(host=host, port=server.port) for name, value in variables.items()}
    environment(PGPASSWORD=PASSWORD, **named)
    root = books(f"postgresql://ci@{host}:{server.port}/daybook{query}")
    code, text = said(capsys, "apply", "-y", "-w", root)
    assert code == 1
    assert fact in text
    assert PASSWORD not in text
    assert PASSWORD.encode() not in server.received
    assert server.connections == 0 or "no TLS" in os.environ["PYTEST_CURRENT_TEST"]


@openssl
@pytest.mark.parametrize(
    ("certificate", "root"),
    [
        pytest.param("right", None, id="an unknown authority"),
        pytest.param("wrong", "wrong", id="the name of another host"),
    ],
)
def test_t23_a_host_that_does_not_prove_its_name_gets_nothing(
    start, environment, books, certificates, capsys, certificate, root
):
    server = start(certificates[certificate])
    environment(PGPASSWORD=PASSWORD, **{HOSTS: f"{AWAY}:{server.port}"})
    if root:
        environment(PGSSLROOTCERT=certificates[root])
    books = books(f"postgresql://ci@{AWAY}:{server.port}/daybook")
    code, text = said(capsys, "apply", "-y", "-w", books)
    assert (code, server.received) == (1, b"")
    assert server.connections > 0
    assert "its certificate is valid for its name" in text


@openssl
def test_t23_a_daybook_behind_tls_is_used_by_the_command(
    start, environment, books, certificates, postgresql
):
    """The real server, behind one that ends TLS; the real command, in a process of its own."""
    postgresql.make("daybook")
    server = start(certificates["right"], behind=postgresql.port)
    environment(PGSSLROOTCERT=certificates["right"])
    environment(**{HOSTS: f"db.example.com {AWAY}:{server.port}"})
    root = books(f"postgresql://{postgresql_server.USER}@{AWAY}:{server.port}/daybook")
    for words in (["apply", "-y"], ["plan", "--detailed-exitcode"]):
        running = Program(
            [*words, "-w", root],
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        told, _ = running.communicate()
        assert running.returncode == 0, told
    assert server.connections > 0


def test_t23_a_named_host_gets_the_password_and_its_answer_is_not_repeated(
    start, environment, books, capsys
):
    server = start()
    environment(PGPASSWORD=PASSWORD, **{HOSTS: f"localhost:{server.port}"})
    root = books(f"postgresql://ci@localhost:{server.port}/daybook")
    code, text = said(capsys, "-v", "apply", "-y", "-w", root)
    assert (code, PASSWORD.encode() in server.received) == (1, True)
    assert PASSWORD not in text


@pytest.mark.parametrize("named", [True, False])
def test_t23_a_password_file_is_read_for_a_named_host_alone(
    start, environment, books, capsys, tmp_path, named
):
    server = start()
    file = tmp_path / "passwords"
    file.write_text(f"*:*:*:*:{PASSWORD}\n")
    file.chmod(0o600)
    environment(PGPASSFILE=file, **({HOSTS: f"localhost:{server.port}"} if named else {}))
    said(capsys, "apply", "-y", "-w", books(f"postgresql://ci@localhost:{server.port}/daybook"))
    assert server.connections > 0
    assert (PASSWORD.encode() in server.received) is named


URLS = (
    f"postgresql://ci:{PASSWORD}@db.example.com/books",
    f"postgresql://ci:{PASSWORD}%40x@db.example.com/books",
    f"postgresql://ci:%68unter2{PASSWORD}@db.example.com/books",
    f"postgresql://ci:a/b@c#{PASSWORD}@db.example.com/books",
    f"postgresql://ci@db.example.com/books?password={PASSWORD}",
    f"postgresql://ci@db.example.com/books?sslmode=verify-full&sslpassword={PASSWORD}",
    f"postgresql://{PASSWORD}:{PASSWORD}@db.example.com/books",
    f"postgres://:{PASSWORD}@db.example.com/books",
    f"https://api:{PASSWORD}@rest.test.zuora.com",
)


@pytest.mark.parametrize("url", URLS)
def test_t23_a_password_in_a_url_is_never_repeated(tmp_path, capsys, url):
    head = "apiVersion: journal.reconciler/v1\nkind: Workspace\nmetadata: {name: books}\n"
    spec = f"  daybook: '{url}'\n  target: {{baseUrl: '{url}', hosts: ['{url}']}}\n"
    (tmp_path / "reconciler.yaml").write_text(f"{head}spec:\n{spec}")
    told = ""
    for words in (
        *(["validate", "--format", form] for form in ("text", "json", "sarif", "github")),
        ["-v", "plan"],
        ["apply", "-y"],
        ["doctor"],
        ["daybook", "show"],
        ["fmt", "--check"],
    ):
        code, text = said(capsys, *words, "-w", tmp_path)
        told += text
        assert code != 0 or words[0] == "fmt"
    assert PASSWORD not in told
    assert "db.example.com" in told or "rest.test.zuora.com" in told


@pytest.mark.parametrize(
    "query", ["host=evil", "hostaddr=1.2.3.4", "options=-cx", "service=evil", "passfile=/etc/x"]
)
def test_t23_a_parameter_that_leads_elsewhere_is_refused(environment, query):
    for url in (
        f"postgresql://ci@db.example.com/books?{query}",
        f"postgresql://ci@db.example.com/books?sslmode=verify-full&{query}",
    ):
        with pytest.raises(DaybookError, match="can lead to another server"):
            destination_of(url, {HOSTS: "db.example.com"})


@pytest.mark.parametrize("host", ["a,b", "", "%2Ftmp", "/tmp", "a:1,b:2"])
def test_t23_a_url_names_one_host(host):
    with pytest.raises(DaybookError, match=r"does not name|cannot be read"):
        destination_of(f"postgresql://ci@{host}/books", {HOSTS: host})


@pytest.mark.parametrize(
    "text",
    ["10:30 to 11:00", "postgresql://ci@db/books", "https://rest.zuora.com:443/v1", "a: b@c"],
)
def test_a_text_without_a_password_stays_as_it_is(text):
    assert without_password(text) == text
