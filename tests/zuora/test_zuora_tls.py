"""Who may be spoken to, and only over a connection that proves it (N04, N05, threat A4)."""

import inspect
import shutil
import ssl
import subprocess

import pytest
from fault_server import RESET_ON_ACCEPT, FaultServer, answer

from reconciler.core.model.kinds import KINDS
from reconciler.errors import LedgerUnreachable
from reconciler.http_client import transport
from reconciler.http_client.transport import tls_context
from reconciler.zuora import client as client_module
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

KIND = KINDS["JournalEntry"]

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates")

AUTHORITY = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
default_md = sha256
policy = any
rand_serial = yes
[any]
commonName = supplied
[extensions]
subjectAltName = IP:127.0.0.1
basicConstraints = critical,CA:TRUE
"""


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Certificates by what is to be said of them, each with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    key = folder / "key.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    made = {}
    for name, host in (("right", "IP:127.0.0.1"), ("wrong host", "DNS:ledger.example")):
        made[name] = folder / f"{name}.pem"
        subject = ("-subj", "/CN=ledger", "-addext", f"subjectAltName={host}")
        openssl("req", "-x509", "-key", key, "-days", 2, *subject, "-out", made[name])
    made["expired"] = folder / "expired.pem"
    config = folder / "ca.cnf"
    config.write_text(AUTHORITY.format(folder=folder))
    (folder / "index.txt").write_text("")
    request = folder / "request.pem"
    openssl("req", "-new", "-key", key, "-subj", "/CN=ledger", "-out", request)
    span = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    signing = ("-selfsign", "-keyfile", key, "-extensions", "extensions", *span)
    openssl("ca", "-batch", "-config", config, "-in", request, *signing, "-out", made["expired"])
    for path in made.values():
        path.write_text(path.read_text() + key.read_text())
    return made


@pytest.fixture
def secured(certificates):
    """Starts servers with one of the certificates."""
    servers = []

    def start(name: str, **settings: object) -> FaultServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates[name])
        for setting, value in settings.items():
            setattr(context, setting, value)
        servers.append(FaultServer(context=context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_a_certificate_of_a_known_authority_is_good(secured, certificates, connect):
    server = secured("right")
    client = connect(server.url, ca_bundle=str(certificates["right"]))
    assert client.tenant().tenant_id == "4711"
    assert client.read(KIND, "JE-00000001").number == "JE-00000001"


def test_an_authority_that_the_machine_trusts_is_known(secured, certificates, connect, monkeypatch):
    """As a company installs that of its proxy."""
    server = secured("right")
    monkeypatch.setattr(transport, "MACHINE_STORES", ("/nowhere", str(certificates["right"])))
    assert connect(server.url).tenant().tenant_id == "4711"


def test_the_store_of_windows_is_read_beside_the_public_authorities(
    secured, certificates, connect, monkeypatch
):
    """What is trusted for mail alone is not."""
    server, pem = secured("right"), certificates["right"].read_text()
    der = ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END CERTIFICATE-----") + 26])
    monkeypatch.setattr(transport, "MACHINE_STORES", ())
    for trusted in ({"1.3.6.1.5.5.7.3.4"}, {ssl.Purpose.SERVER_AUTH.oid}, True):
        rows = [(b"no certificate", "pkcs_7_asn", True), (der, "x509_asn", trusted)]
        monkeypatch.setattr(ssl, "enum_certificates", lambda _, rows=rows: rows, raising=False)
        if trusted == {"1.3.6.1.5.5.7.3.4"}:
            with pytest.raises(LedgerUnreachable, match="certificate was not accepted"):
                connect(server.url).tenant()
        else:
            assert connect(server.url).tenant().tenant_id == "4711"


def test_without_a_store_of_the_machine_the_public_authorities_are_known(monkeypatch, tmp_path):
    (tmp_path / "empty.pem").touch()
    monkeypatch.setattr(transport, "MACHINE_STORES", ("/nowhere", str(tmp_path / "empty.pem")))
    assert len(tls_context().get_ca_certs()) > 100


@pytest.mark.parametrize(
    ("name", "trusted"),
    [
        pytest.param("right", False, id="N04 self-signed"),
        pytest.param("wrong host", True, id="N04 wrong host"),
        pytest.param("expired", True, id="N04 expired"),
    ],
)
def test_any_other_certificate_ends_the_call_at_once(
    *, secured, certificates, connect, clock, monkeypatch, name, trusted
):
    server = secured(name)
    # What curl, requests and Python offer to switch verification off or around is not heeded.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[name]))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates[name]))
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    bundle = str(certificates[name]) if trusted else None
    client = connect(server.url, ca_bundle=bundle)
    with pytest.raises(LedgerUnreachable, match="certificate was not accepted"):
        client.create(KIND, b"{}", key="k")
    assert server.connections == 1
    assert server.requests == []
    assert clock.slept == []


def test_a_result_of_a_query_comes_from_another_host_over_tls(
    server, secured, certificates, connect
):
    files = secured("right")
    files.play(answer(raw=b'{"number":"JE-1"}\n'))
    server.play(completed(files))
    client = connect(server.url, ca_bundle=str(certificates["right"]))
    assert client.query("SELECT 1") == ({"number": "JE-1"},)
    assert "authorization" not in files.requests[0].headers


@pytest.mark.parametrize("name", ["wrong host", "expired"])
def test_a_host_of_results_that_does_not_prove_who_it_is_gets_nothing(
    server, secured, certificates, connect, clock, name
):
    files = secured(name)
    server.play(completed(files))
    with pytest.raises(LedgerUnreachable, match="Downloading the result of a query"):
        connect(server.url, ca_bundle=str(certificates[name])).query("SELECT 1")
    assert (files.connections, files.requests, clock.slept) == (1, [], [])


def completed(files):
    job = {"id": "a1", "queryStatus": "completed", "dataFile": f"{files.url}/result"}
    return answer(document={"data": job})


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_that_cannot_be_read_is_named(connect, tmp_path, content):
    bundle = tmp_path / "authorities.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(LedgerUnreachable, match=r"authorities\.pem"):
        connect("https://rest.zuora.com", ca_bundle=str(bundle))


# When the reset is quick, CPython 3.11 drops the socket before it has a handshake to close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_n05_a_reset_in_the_handshake_is_tried_again(secured, connect, clock):
    server = secured("right")
    server.play(then=RESET_ON_ACCEPT)
    with pytest.raises(LedgerUnreachable, match="nothing was sent"):
        connect(server.url).cancel(KIND, "JE-00000001")
    assert server.connections == 6
    assert len(clock.slept) == 5


def test_a_server_without_tls_is_not_spoken_to(server, connect):
    impatient = CallLimits(attempts=2, connect_timeout=0.2)
    with pytest.raises(LedgerUnreachable):
        connect(server.url.replace("http:", "https:"), limits=impatient).tenant()
    assert server.token_requests == []


def test_tls_is_at_least_1_2_and_verifies():
    context = tls_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_there_is_no_switch_against_verification():
    switches = {*inspect.signature(Client).parameters, *Connection.__dataclass_fields__}
    assert not [name for name in switches if "verif" in name or "insecure" in name]
    assert "verify" not in inspect.getsource(client_module)


@pytest.mark.parametrize(
    ("base_url", "hosts"),
    [
        pytest.param("http://rest.zuora.com", None, id="http to another machine"),
        pytest.param("http://127.0.0.1.evil.example", None, id="http to a look-alike"),
        pytest.param("http://10.0.0.1:8021", None, id="http to a private address"),
        pytest.param("https://evil.example", {"rest.zuora.com"}, id="host not allowed"),
        pytest.param("http://127.0.0.1:8021", {"rest.zuora.com"}, id="loopback not allowed"),
        pytest.param("https://rest.zuora.com@evil.example", None, id="user information"),
        pytest.param("https://user:pw@rest.zuora.com", None, id="password in the URL"),
        pytest.param("https://rest.zuora.com\\@evil.example", None, id="backslash"),
        pytest.param("https://rest.zuora.com/?x=1", None, id="query"),
        pytest.param("https://rest.zuora.com/#x", None, id="fragment"),
        pytest.param("https://rest.zuora.com:99999", None, id="no such port"),
        pytest.param("https://rest.zuora.com:x", None, id="port is no number"),
        pytest.param("https://rest.z\u00fcora.com", None, id="not ASCII"),
        pytest.param("https://rest.zuora.com/\r\nX: 1", None, id="line end"),
        pytest.param("https://[::1", None, id="broken address"),
        pytest.param("ftp://rest.zuora.com", None, id="another scheme"),
        pytest.param("file:///etc/passwd", None, id="a file"),
        pytest.param("rest.zuora.com", None, id="no scheme"),
        pytest.param("https://", None, id="no host"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_base_url_that_may_not_be_spoken_to_is_refused_before_any_byte(base_url, hosts):
    connection = Connection(base_url=base_url, hosts=hosts and frozenset(hosts))
    with pytest.raises(LedgerUnreachable) as caught:
        Client(connection, Credentials(token="t"))
    assert caught.value.remedy
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "hosts"),
    [
        ("https://rest.zuora.com", None),
        ("https://REST.zuora.com/", {"rest.zuora.com"}),
        ("https://gateway.example/zuora/", None),
        ("http://localhost:8021", None),
        ("http://127.0.0.1:8021", None),
        ("http://[::1]:8021", None),
    ],
)
def test_other_base_urls_are_fine(base_url, hosts):
    connection = Connection(base_url=base_url, hosts=hosts and frozenset(hosts))
    Client(connection, Credentials(token="t")).close()


@pytest.mark.parametrize(
    "where",
    [
        {"entity_id": "a\r\nX-Evil: 1"},
        {"entity_id": ""},
        {"organization_ids": ("a,b",)},
        {"organization_ids": ("1", "\u00e4")},
        {"zuora_version": "2025 08 12"},
    ],
)
def test_no_text_of_a_workspace_becomes_a_header_of_its_own(where):
    with pytest.raises(LedgerUnreachable):
        Client(Connection(base_url="https://rest.zuora.com", **where), Credentials(token="t"))


def test_proxies_of_the_environment_are_not_used(server, connect, monkeypatch):
    trap = FaultServer()
    try:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, trap.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        connect(server.url).tenant()
        assert trap.connections == 0
    finally:
        trap.stop()
