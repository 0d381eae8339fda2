"""``xcnet spec``: what is printed, with which exit status, and what is said of bad input, word for word."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ruamel.yaml import YAML

from xcnet.cli import spec_commands
from xcnet.cli.output import print_error, print_json
from xcnet.errors import XcnetError
from xcnet.spec.document import document
from xcnet.spec.known_differences import KNOWN

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The sub-command as the whole command runs it: exit status, standard output, standard error."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        words = [str(each) for each in arguments]
        try:
            spec_commands.app(words, standalone_mode=True)
        except XcnetError as error:
            if "--json" in words:
                print_json(error.as_dict())
            print_error(error)
            status = error.exit_code
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 0
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return status, said.out, said.err

    return call


def upstream_like(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
    """A copy of a specification that differs from the served document as the public one does, in one file; and by a change."""
    doc = json.loads(json.dumps(document()))
    for path in list(doc["paths"]):
        item = doc["paths"][path]
        for method in list(item):
            operation = item[method]
            if operation["operationId"] in ("GetActivationKeyParameters", "UpdateFeature"):
                del item[method]
                continue
            operation["parameters"] = [
                each
                for each in operation["parameters"]
                if not each.get("$ref", "").endswith(("x-request-id", "x-customer-proof"))
            ]
            for each in operation["parameters"]:
                each.get("schema", {}).pop("minimum", None)
                if each.get("required"):
                    each["schema"].pop("pattern", None)
            operation.get("requestBody", {}).pop("required", None)
            del operation["responses"]["4XX"], operation["responses"]["5XX"]
    schemas = doc["components"]["schemas"]
    del schemas["Feature"]["properties"]["updatable"], schemas["ListProvidersResponse"]["properties"]["providers"]
    for name in ("FeatureConfig", "L3BaseConfig", "ProviderBgpConfig"):
        del schemas[name]["required"]
    del schemas["MacSecKey"]["type"]
    change(doc)
    folder.mkdir(exist_ok=True)
    # JSON is YAML.
    (folder / "openapi.yaml").write_text(json.dumps(doc, indent=1))
    return folder


# -- diff


def test_known_differences_are_explained_and_the_status_is_0(run: Run, tmp_path: Path) -> None:
    status, out, err = run("diff", upstream_like(tmp_path / "copy"))
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "131 differences explained, 0 not explained, 0 known ones gone"
    assert "*/query.requestId (33 times)" in out
    assert "amendment 4" in out and "not explained" not in out.replace("0 not explained", "")


def test_json_has_every_difference_with_its_justification(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("diff", upstream_like(tmp_path / "copy"), "--json")
    found = json.loads(out)
    assert (status, found["clean"], found["unexplained"], found["stale"]) == (0, True, [], [])
    assert len(found["explained"]) == 131
    assert {
        "kind": "field-extra",
        "where": "ListFeatures/Feature.updatable",
        "ours": "present",
        "theirs": "absent",
        "source": "amendment 3",
        "why": "Says beforehand whether UpdateFeature is worth a call; absent means no.",
    } in found["explained"]


def test_an_unexplained_difference_is_shown_first_and_the_status_is_1(run: Run, tmp_path: Path) -> None:
    def change(doc: dict[str, Any]) -> None:
        doc["components"]["schemas"]["Channel"]["properties"]["[bold]x"] = {"type": "string"}

    status, out, _ = run("diff", upstream_like(tmp_path / "copy", change))
    assert status == 1
    assert out.splitlines()[1].split() == [
        "field-missing",
        "ListChannels/Channel.[bold]x",
        "absent",
        "present",
        "not",
        "explained",
    ]
    assert out.splitlines()[-1] == "131 differences explained, 1 not explained, 0 known ones gone"


def test_a_known_difference_that_is_gone_is_shown_and_the_status_is_1(run: Run, tmp_path: Path) -> None:
    def change(doc: dict[str, Any]) -> None:
        doc["components"]["schemas"]["MacSecKey"]["type"] = "object"

    status, out, _ = run("diff", upstream_like(tmp_path / "copy", change))
    assert status == 1
    assert "*/MacSecKey" in out and "known, and not there any more" in out
    assert out.splitlines()[-1] == "130 differences explained, 0 not explained, 1 known ones gone"
    status, out, _ = run("diff", tmp_path / "copy", "--json")
    assert (status, [each["where"] for each in json.loads(out)["stale"]]) == (1, ["*/MacSecKey"])


def test_every_known_difference_is_met_with_in_the_copy_made_here(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("diff", upstream_like(tmp_path / "copy"), "--json")
    assert {each["why"] for each in json.loads(out)["explained"]} == {entry.why for entry in KNOWN}


# -- diff, bad input

REPAIR = "use a whole, unchanged copy of the specification"
BAD: dict[str, tuple[str | None, str]] = {
    "no such folder": (
        None,
        "error: there is no such folder\n  where: DIR\n  remedy: name the folder with a copy of the specification\n",
    ),
    "YAML that ends too early": (
        "openapi: 3.0.3\npaths: {\n",
        "error: what opens here is never closed\n  where: DIR/openapi.yaml:3:1\n"
        "  remedy: correct the file, or take a whole, unchanged copy of the specification\n",
    ),
    "a key twice": (
        "openapi: 3.0.3\npaths: {}\npaths: {}\n",
        "error: 'paths' is written twice\n  where: DIR/openapi.yaml:3:1, paths\n"
        "  remedy: correct the file, or take a whole, unchanged copy of the specification\n",
    ),
    "no OpenAPI": (
        "name: minimal\n",
        "error: this is not an OpenAPI document: 'openapi' or 'paths' is missing\n  where: DIR/openapi.yaml\n"
        "  remedy: name one of OpenAPI 3\n",
    ),
    "a dangling reference": (
        "openapi: 3.0.3\npaths:\n  /providers:\n    $ref: paths/providers.yaml#/All\n",
        "error: a reference leads to a file that is not there: 'paths/providers.yaml'\n"
        f"  where: DIR/openapi.yaml#/paths/~1providers\n  remedy: {REPAIR}\n",
    ),
    "a reference to nothing": (
        "openapi: 3.0.3\npaths:\n  /providers:\n    $ref: '#/components/All'\n",
        "error: the reference '#/components/All' leads to nothing\n"
        f"  where: DIR/openapi.yaml#/paths/~1providers\n  remedy: {REPAIR}\n",
    ),
    "a reference to the network": (
        "openapi: 3.0.3\npaths:\n  /providers:\n    $ref: https://example.org/x.yaml\n",
        "error: the reference 'https://example.org/x.yaml' leads out of the specification's folder\n"
        f"  where: DIR/openapi.yaml#/paths/~1providers\n  remedy: {REPAIR}\n",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_answered_with_cause_place_and_remedy(run: Run, tmp_path: Path, case: str) -> None:
    text, expected = BAD[case]
    folder = tmp_path / "copy"
    if text is not None:
        folder.mkdir()
        (folder / "openapi.yaml").write_text(text)
    status, out, err = run("diff", folder)
    assert (status, out, err.replace(str(folder), "DIR")) == (2, "", expected)


def test_errors_are_json_where_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("diff", tmp_path / "nowhere", "--json")
    assert status == 2
    assert json.loads(out)["cause"] == "there is no such folder"


# -- diff, what a server serves


@dataclass
class Server:
    url: str
    files: Path
    answers: list[tuple[int, bytes]]
    asked: list[str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An HTTPS server that demands a client's certificate, as a coordinator does; ``files`` has ca, cert and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "coordinator")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.load_verify_locations(tmp_path / "cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    made = Server("", tmp_path, [], [])

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, body = made.answers.pop(0)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    class Quiet(http.server.ThreadingHTTPServer):
        def get_request(self) -> tuple[Any, Any]:
            client, address = super().get_request()
            return context.wrap_socket(client, server_side=True), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            del request, client_address

    with Quiet(("127.0.0.1", 0), Answer) as listening:
        made.url = f"https://127.0.0.1:{listening.server_port}/openapi.json"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        listening.shutdown()
        thread.join()


def certificates(server: Server) -> list[object]:
    files = server.files
    return ["--ca", files / "cert.pem", "--cert", files / "cert.pem", "--key", files / "key.pem"]


def test_what_a_server_serves_is_compared(run: Run, server: Server, tmp_path: Path) -> None:
    folder = upstream_like(tmp_path / "copy")
    server.answers = [(200, json.dumps(document()).encode())]
    status, out, _ = run("diff", folder, "--url", server.url, *certificates(server), "--json")
    assert (status, json.loads(out)["clean"], server.asked) == (0, True, ["/openapi.json"])
    served = document()
    del served["components"]["schemas"]["Channel"]["properties"]["demarc"]
    server.answers = [(200, json.dumps(served).encode())]
    status, out, _ = run("diff", folder, "--url", server.url, *certificates(server), "--json")
    assert status == 1
    assert [each["where"] for each in json.loads(out)["unexplained"]] == ["ListChannels/Channel.demarc"]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((404, b""), "the server answers with status 404"),
        ((302, b""), "the server answers with status 302"),
        ((200, b"<html>"), "what is served there is not JSON"),
        ((200, b"[" * 100_000), "what is served there is not JSON"),
        ((200, b"[]"), "here must be a mapping, and is a list"),
        ((200, b"{}"), "this is not an OpenAPI document: 'openapi' or 'paths' is missing"),
        (
            (200, b'{"openapi":"3","paths":{"/a":{"$ref":"x.json"}}}'),
            "the reference 'x.json' leads to another file, and there is but one",
        ),
        ((200, b"x" * 4_000_001), "what is served there has more than 4,000,000 bytes"),
    ],
)
def test_what_is_served_and_is_no_document_is_said(
    run: Run, server: Server, tmp_path: Path, answer: tuple[int, bytes], cause: str
) -> None:
    server.answers = [answer]
    status, _, err = run("diff", upstream_like(tmp_path / "copy"), "--url", server.url, *certificates(server))
    assert status == 2
    assert err.splitlines()[0] == f"error: {cause}"
    assert f"where: {server.url}" in err


def test_a_server_that_is_not_trusted_or_does_not_trust_is_said(run: Run, server: Server, tmp_path: Path) -> None:
    folder = upstream_like(tmp_path / "copy")
    status, _, err = run("diff", folder, "--url", server.url)
    assert status == 2 and err.startswith("error: nothing can be had from the server: ")
    status, _, err = run("diff", folder, "--url", server.url, "--ca", server.files / "cert.pem")
    assert status == 2 and err.startswith("error: nothing can be had from the server: ")
    assert server.asked == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--url", "http://127.0.0.1/openapi.json"],
            "error: this is not an https URL\n  where: http://127.0.0.1/openapi.json\n"
            "  remedy: write it as https://host:port/openapi.json\n",
        ),
        (
            ["--url", "https://"],
            "error: this is not an https URL\n  where: https://\n  remedy: write it as https://host:port/openapi.json\n",
        ),
        (
            ["--url", "https://u:hunter2@127.0.0.1:1/"],
            "error: there is a user's name or password in the URL\n  where: --url\n"
            "  remedy: leave it out; --cert says who asks\n",
        ),
        (
            ["--url", "https://xn--/"],
            "error: this is not an https URL\n  where: https://xn--/\n  remedy: write it as https://host:port/openapi.json\n",
        ),
        (
            ["--url", "openapi.json"],
            "error: this is not an https URL\n  where: openapi.json\n  remedy: write it as https://host:port/openapi.json\n",
        ),
        (
            ["--ca", "ca.pem"],
            "error: --ca, --cert and --key are for --url\n  where: arguments\n  remedy: add --url, or leave them out\n",
        ),
        (
            ["--url", "https://127.0.0.1:1/", "--ca", "/nowhere/ca.pem"],
            "error: the file cannot be read: No such file or directory\n  where: /nowhere/ca.pem\n"
            "  remedy: name another with --ca\n",
        ),
        (
            ["--url", "https://127.0.0.1:1/", "--key", "/nowhere/key.pem"],
            "error: --key is for the certificate of --cert\n  where: /nowhere/key.pem\n  remedy: add --cert\n",
        ),
        (
            ["--url", "https://127.0.0.1:1/"],
            "error: nothing can be had from the server: [Errno 111] Connection refused\n  where: https://127.0.0.1:1/\n"
            "  remedy: look whether it runs; its certificate is checked against --ca, and it may ask for --cert and --key\n",
        ),
    ],
    ids=range(9),
)
def test_a_wrong_url_or_certificate_is_answered_word_for_word(
    run: Run, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    status, out, err = run("diff", upstream_like(tmp_path / "copy"), *arguments)
    assert (status, out, err) == (2, "", expected)


def test_a_host_that_cannot_have_a_name_is_said(run: Run, tmp_path: Path) -> None:
    status, _, err = run("diff", upstream_like(tmp_path / "copy"), "--url", f"https://{'x' * 300}.de/")
    assert status == 2
    assert err.startswith("error: nothing can be had from the server: ")


# -- show


def test_show_prints_yaml_that_is_the_document(run: Run) -> None:
    status, out, err = run("show")
    assert (status, err) == (0, "")
    assert out.startswith("openapi: 3.0.3\ninfo:\n")
    assert YAML(typ="safe").load(out) == document()
    assert run("show", "--yaml")[1] == out
    assert "&id" not in out


def test_show_prints_json_that_is_the_document(run: Run) -> None:
    status, out, _ = run("show", "--json")
    assert (status, json.loads(out)) == (0, document())


def test_show_prints_one_form(run: Run) -> None:
    status, _, err = run("show", "--json", "--yaml")
    assert status == 2
    assert err == "error: --json and --yaml exclude each other\n  where: arguments\n  remedy: leave one of them out\n"
