"""The transcript: what both ends keep of every exchange, that no secret is in it, and how it is read again."""

from __future__ import annotations

import asyncio
import io
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from http_world import (
    CAK,
    CHANNEL,
    CONNECTION,
    HOME,
    KEY,
    MD5,
    PROOF,
    SECRETS,
    RecordingService,
    TestSigner,
    World,
    client_context,
    connection,
    endpoint,
    feature,
    free_port,
    hear,
    mac_sec_key,
    run,
    world,
)

from xcnet.clock import FakeClock
from xcnet.coordinator.http.client import peer_caller
from xcnet.coordinator.http.client_base import ids_of
from xcnet.coordinator.http.faults import FaultKind, FaultPoint, FaultRule
from xcnet.coordinator.http.har import har_lines, write_har
from xcnet.coordinator.http.outcomes import NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.transcript import OLDER, SUFFIX, Ending, Exchange, Sent, Side, Transcript
from xcnet.coordinator.http.transcript_reader import merged, paired, read, transcripts_in
from xcnet.events import EventWriter
from xcnet.secret import Secret
from xcnet.spec.connections import ConfirmActivationKeyRequest, ConfirmActivationKeyResponse
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import OPERATIONS


@asynccontextmanager
async def watched(folder: Path, service: RecordingService | None = None, **options: Any) -> AsyncIterator[World]:
    """A world whose both ends keep a transcript and tell their events."""
    ends = {
        name: Transcript(folder / f"{name}{SUFFIX}", name, events=EventWriter(folder / f"{name}.events.jsonl", name))
        for name in ("aws-coord", "gcp-coord")
    }
    async with world(
        service, client_transcript=ends["aws-coord"], server_transcript=ends["gcp-coord"], **options
    ) as both:
        yield both
    for each in ends.values():
        each.shut()


def told(folder: Path, name: str) -> list[Exchange]:
    return list(read(folder / f"{name}{SUFFIX}"))


def test_both_ends_keep_the_same_of_an_exchange(tmp_path: Path) -> None:
    async def go() -> None:
        async with watched(tmp_path) as both:
            await both.client.create_connection(HOME, "c-1", connection(), proof=Secret.from_text(PROOF))
            assert both.service.last.proof is not None

    run(go)
    (client,), (server,) = told(tmp_path, "aws-coord"), told(tmp_path, "gcp-coord")
    for each in (client, server):
        assert (each.operation, each.method, each.status) == ("CreateConnection", "POST", 200)
        assert (each.path, each.query["connectionId"]) == (f"/{HOME}/connections", "c-1")
        assert each.ending is Ending.ANSWERED
        assert each.request_body is not None
        assert each.request_body["bandwidthMbps"] == 1000
        assert each.request_body["activationKey"] == "<secret>"
        assert each.request_headers["x-customer-proof"] == "<secret>"
        assert 0 <= each.duration < 30
    assert (client.side, client.source, client.peer) == (Side.CLIENT, "aws-coord", "gcp")
    assert (server.side, server.source, server.peer) == (Side.SERVER, "gcp-coord", "aws")
    assert client.trace == server.trace != ""
    assert server.request_headers["authorization"] == "<secret>"


def test_no_secret_is_kept_by_anybody(tmp_path: Path) -> None:
    answers = {
        "CreateFeature": feature(),
        "GetFeature": feature(),
        "CreateMacSecKey": mac_sec_key(),
        "ConfirmActivationKey": ConfirmActivationKeyResponse(),
        "GetConnection": connection(),
    }

    async def go() -> None:
        async with watched(tmp_path, RecordingService(answers)) as both:
            proof = Secret.from_text(PROOF)
            await both.client.create_connection(HOME, "c-1", connection(), proof=proof)
            await both.client.delete_connection(CONNECTION, proof=proof)
            await both.client.get_connection(CONNECTION)
            await both.client.create_feature(CONNECTION, "f-1", feature())
            await both.client.get_feature(CONNECTION.child("features", "f-1"))
            await both.client.create_mac_sec_key(CHANNEL, "k-1", mac_sec_key())
            request = ConfirmActivationKeyRequest(encoded_key=Secret.from_text(KEY))
            await both.client.confirm_activation_key(HOME.parent, request)
            # Refused before it could be read, and in words that hold what was sent.
            reader, writer = await both.raw()
            for body in (f'{{"activationKey": ["{KEY}"]}}', f'{{"md5": "{MD5}", "cak": "{CAK}"', f"{CAK} {KEY}"):
                writer.write(both.signed("POST", f"/{HOME}/connections?connectionId=c&secret={CAK}", body.encode()))
                assert (await hear(reader)).status == 400
            writer.close()
            both.service.answers["CreateFeature"] = ApiError(Reason.INVALID_ARGUMENT, f"{MD5} is not secret enough")
            with pytest.raises(ApiError):
                await both.client.create_feature(CONNECTION, "f-1", feature())

    run(go)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert len(kept) == 4
    client = {name: text for name, text in kept.items() if name.startswith("aws")}
    for name, text in kept.items():
        # What a service says in its own words is its own responsibility; a client trusts no peer's words.
        looked = text if name in client else text.replace(f"{MD5} is not secret enough", "")
        assert not [secret for secret in SECRETS if secret in looked], name
        assert "Test aws:" not in text, "a signature"
    har = "".join(har_lines(merged(transcripts_in(tmp_path)))).replace(f"{MD5} is not secret enough", "")
    assert not [secret for secret in SECRETS if secret in har]


@pytest.mark.parametrize(
    ("kind", "ending"), [(FaultKind.PEER_DOWN, Ending.NOT_SENT), (FaultKind.ANSWER_LOST, Ending.UNKNOWN)]
)
def test_what_had_no_answer_says_why(tmp_path: Path, kind: FaultKind, ending: Ending) -> None:
    async def go() -> None:
        faults = FaultPoint()
        faults.add(FaultRule(kind=kind))
        async with watched(tmp_path, client_faults=faults) as both:
            with pytest.raises((NotSentError, UnknownOutcomeError)):
                await both.client.get_connection(CONNECTION)

    run(go)
    (client,) = told(tmp_path, "aws-coord")
    assert (client.ending, client.status) == (ending, 0)
    assert f"fault 1: {kind.value}" in client.note


def test_a_peer_that_is_not_reached_and_a_call_that_is_given_up(tmp_path: Path) -> None:
    async def go() -> None:
        transcript = Transcript(tmp_path / f"a{SUFFIX}", "a")
        caller = peer_caller(endpoint(free_port()), client_context(), TestSigner(), transcript=transcript)
        with pytest.raises(NotSentError):
            await caller.call(OPERATIONS["GetConnection"], ids_of(CONNECTION))
        task = asyncio.create_task(caller.call(OPERATIONS["GetConnection"], ids_of(CONNECTION)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await caller.close()
        transcript.shut()

    run(go)
    first, second = told(tmp_path, "a")
    assert (first.ending, second.ending, second.note) == (Ending.NOT_SENT, Ending.UNKNOWN, "given up")


def test_a_request_that_breaks_off_is_kept_by_the_server(tmp_path: Path) -> None:
    async def go() -> None:
        async with watched(tmp_path) as both:
            _, writer = await both.raw()
            writer.write(both.signed("POST", f"/{HOME}/connections?connectionId=c", b"{}")[:-1])
            await writer.drain()
            writer.transport.abort()
            await both.client.get_connection(CONNECTION)

    run(go)
    broken = [each for each in told(tmp_path, "gcp-coord") if each.ending is Ending.BROKEN]
    assert [(each.method, each.status, each.operation) for each in broken] == [("POST", 0, "")]


def test_every_exchange_is_two_events_at_each_end(tmp_path: Path) -> None:
    async def go() -> None:
        async with watched(tmp_path, RecordingService({"GetConnection": ApiError(Reason.NOT_FOUND, "none")})) as both:
            with pytest.raises(ApiError):
                await both.client.get_connection(CONNECTION)

    run(go)
    for name in ("aws-coord", "gcp-coord"):
        events = [json.loads(line) for line in (tmp_path / f"{name}.events.jsonl").read_text().splitlines()]
        text = json.dumps(events)
        assert len(events) == 2
        assert all(word in text for word in ("api.request", "api.response", "NOT_FOUND", "GetConnection"))


# -- reading


def exchange(began: float, took: float = 1.0, **other: Any) -> Exchange:
    made = Exchange(
        monotonic=began,
        wall=1_800_000_000.0 + began,
        duration=took,
        side=Side.CLIENT,
        source="a",
        peer="b",
        authority="b:443",
        method="GET",
        path="/providers/a",
        operation="GetProvider",
        ending=Ending.ANSWERED,
        status=200,
    )
    return replace(made, **other)


def write(path: Path, exchanges: list[Exchange]) -> Path:
    path.write_text("".join(each.to_json() + "\n" for each in sorted(exchanges, key=lambda each: each.end)))
    return path


def test_an_exchange_is_read_as_it_was_written() -> None:
    made = exchange(1.0, query={"pageSize": "7"}, request_body={"a": [1]}, note="n", trace="t")
    assert Exchange.from_json(made.to_json()) == made
    for wrong in ("", "{", "{}", "[]", "1", '{"side": "middle"}'):
        with pytest.raises(ValueError):
            Exchange.from_json(wrong)


def test_a_half_written_last_line_is_passed_over_and_no_file_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path / f"a{SUFFIX}", [exchange(1.0), exchange(2.0)])
    with path.open("a") as stream:
        stream.write(exchange(3.0).to_json()[:50])
    assert [each.monotonic for each in read(path)] == [1.0, 2.0]
    assert list(read(tmp_path / "none")) == []


def test_those_of_several_processes_come_in_order_of_their_beginnings(tmp_path: Path) -> None:
    # The long one began first, and was written last.
    first = write(tmp_path / f"a{SUFFIX}", [exchange(1.0, 100.0), exchange(3.0), exchange(50.0)])
    second = write(tmp_path / f"b{SUFFIX}", [exchange(2.0, 60.0), exchange(4.0), exchange(40.0)])
    assert transcripts_in(tmp_path) == [first, second]
    for longest in (300.0, 101.0):
        assert [each.monotonic for each in merged([first, second], longest=longest)] == [1, 2, 3, 4, 40, 50]
    # What took longer than anything should comes late, and is not lost.
    assert sorted(each.monotonic for each in merged([first, second], longest=5.0)) == [1, 2, 3, 4, 40, 50]


def test_both_ends_records_of_an_attempt_are_found(tmp_path: Path) -> None:
    async def go() -> None:
        faults = FaultPoint()
        async with watched(tmp_path, client_faults=faults) as both:
            await both.client.get_connection(CONNECTION)
            for kind in (FaultKind.DUPLICATED, FaultKind.REQUEST_LOST):
                faults.add(FaultRule(kind=kind, count=1))
                try:
                    await both.client.get_connection(CONNECTION)
                except UnknownOutcomeError:
                    assert kind is FaultKind.REQUEST_LOST
            reader, writer = await both.raw()
            writer.write(both.signed())
            assert (await hear(reader)).status == 200
            writer.close()

    run(go)
    pairs = list(paired(merged(transcripts_in(tmp_path))))
    assert [(each.client is not None, len(each.servers)) for each in pairs] == [
        (True, 1),
        (True, 2),
        (True, 0),
        (False, 1),
    ]


# -- the file


def sent() -> Sent:
    return Sent(Side.CLIENT, "GET", "/providers/a", operation=OPERATIONS["GetProvider"])


def keep(transcript: Transcript, count: int) -> None:
    for _ in range(count):
        transcript.close(transcript.begin(sent()), Ending.ANSWERED, status=200)


def test_it_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    path = tmp_path / f"a{SUFFIX}"
    clock = FakeClock()
    transcript = Transcript(path, "a", limit=10_000, clock=clock)
    for _ in range(200):
        clock.advance(1.0)
        keep(transcript, 1)
        assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= 10_000
    times = [each.monotonic for each in read(path)]
    assert times == sorted(times)
    assert len(times) > 5
    assert times[-1] == clock.monotonic()
    assert {each.name for each in tmp_path.iterdir()} == {path.name, path.name + OLDER}
    transcript.shut()


def test_it_goes_on_where_a_process_before_it_ended(tmp_path: Path) -> None:
    path = tmp_path / f"a{SUFFIX}"
    for _ in range(2):
        transcript = Transcript(path, "a")
        keep(transcript, 3)
        transcript.shut()
    assert len(list(read(path))) == 6
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="this machine has no device that is always full")
def test_a_full_disk_costs_records_and_no_call(caplog: pytest.LogCaptureFixture) -> None:
    transcript = Transcript(Path("/dev/full"), "a")
    keep(transcript, 5)
    assert transcript.lost == 5
    assert len([each for each in caplog.records if "cannot be written" in each.message]) == 1
    transcript.shut()


def test_without_a_file_events_are_told_all_the_same(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    transcript = Transcript(None, "a", events=EventWriter(events, "a"))
    keep(transcript, 1)
    assert "api.response" in events.read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["events.jsonl"]


# -- HAR


def test_the_archive_has_what_the_format_demands(tmp_path: Path) -> None:
    """HAR 1.2: the fields that are not optional."""

    async def go() -> None:
        async with watched(tmp_path, RecordingService({"GetFeature": ApiError(Reason.NOT_FOUND, "none")})) as both:
            await both.client.list_connections(HOME, page_size=7)
            await both.client.create_connection(HOME, "c-1", connection())
            with pytest.raises(ApiError):
                await both.client.get_feature(CONNECTION.child("features", "f-1"))

    run(go)
    stream = io.StringIO()
    write_har(merged(transcripts_in(tmp_path)), stream)
    log = json.loads(stream.getvalue())["log"]
    assert log["version"] == "1.2"
    assert log["creator"].keys() >= {"name", "version"}
    assert len(log["entries"]) == 6
    for entry in log["entries"]:
        assert entry.keys() >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        request, response = entry["request"], entry["response"]
        assert request.keys() >= {
            *("method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"),
        }
        assert response.keys() >= {
            *("status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"),
            *("headersSize", "bodySize"),
        }
        assert response["content"].keys() >= {"size", "mimeType"}
        assert entry["timings"].keys() >= {"send", "wait", "receive"}
        assert request["url"].startswith("https://")
        assert sum(entry["timings"].values()) == entry["time"]
        if "text" in response["content"]:
            json.loads(response["content"]["text"])
    statuses = sorted((each["response"]["status"], each["response"]["statusText"]) for each in log["entries"])
    assert statuses == [(200, "OK")] * 4 + [(404, "Not Found")] * 2
    posted = [each for each in log["entries"] if each["request"]["method"] == "POST"]
    assert all(json.loads(each["request"]["postData"]["text"])["bandwidthMbps"] == 1000 for each in posted)


def test_an_archive_of_nothing_is_one() -> None:
    assert json.loads("".join(har_lines([])))["log"]["entries"] == []
