"""A TCP transfer by iperf3: started in two namespaces, ended when told, and what its own report says."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
import time
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from xcnet.errors import LabError
from xcnet.netlink.netns import Netns
from xcnet.netlink.sockdiag import listeners
from xcnet.probe.results import TransferResult
from xcnet.waiting import Deadline, wait_until

_FOR_EVER = 86_400
"""Seconds that iperf3 is told to run: it is ended before, by the signal after which it reports what it has."""

_START_SECONDS = 20.0
_END_SECONDS = 15.0


class Transfer:
    """One transfer that runs from the start until :meth:`end`.

    :param source: (host, namespace), :param target: likewise. :param address: of the target.
    :raises LabError: there is no iperf3. :raises DeadlineError: its server does not listen.
    """

    def __init__(
        self,
        source: tuple[str, Netns],
        target: tuple[str, Netns],
        address: IPv4Address | IPv6Address,
        port: int,
        mbps: float,
    ) -> None:
        program = shutil.which("iperf3")
        if program is None:
            raise LabError("there is no iperf3 on this machine", remedy="install it, or probe without TCP transfers")
        self._names = source[0], target[0]
        self._target = target[1]
        self._version = address.version
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        server = [program, "--server", "--one-off", "--bind", str(address), "--port", str(port)]
        rate = ["--bitrate", f"{round(mbps * 1_000_000)}", "--time", str(_FOR_EVER)]
        client = [program, "--client", str(address), "--port", str(port), "--json", *rate]
        self._server = _start(server, target[1], subprocess.DEVNULL)
        self._client: subprocess.Popen[bytes] | None = None
        try:
            self._await_listening(port)
            self._client = _start(client, source[1], self._output)
        except BaseException:
            self.kill()
            raise

    def _await_listening(self, port: int) -> None:
        def seen() -> str | None:
            if self._server.poll() is not None:
                raise LabError(f"iperf3 ended with status {self._server.returncode}", where=self._names[1])
            return None if listeners(self._target, port) else "no listening socket"

        wait_until("iperf3 to listen", seen, Deadline(_START_SECONDS), where=self._names[1], interval=0.05)

    def end(self, began: float) -> TransferResult:
        """Stop it and read its report. :param began: seconds; what came before does not count.

        :raises LabError: it made no report.
        """
        assert self._client is not None
        ended = time.monotonic()
        self._client.send_signal(signal.SIGINT)
        try:
            self._client.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            raise LabError("iperf3 does not end", where=self._names[0], remedy="run the probe again") from None
        finally:
            self.kill()
        self._output.seek(0)
        words = self._output.read().decode(errors="replace")
        self._output.close()
        try:
            report = json.loads(words)
        except ValueError:
            raise LabError(f"iperf3 made no report: {words[:200]!r}", where=self._names[0]) from None
        return read_report(report, *self._names, self._version, began, ended)

    def kill(self) -> None:
        """End both of its processes, whatever they do."""
        for process in (self._client, self._server):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def read_report(
    report: dict[str, Any], source: str, target: str, version: int, began: float, ended: float
) -> TransferResult:
    """What ``iperf3 --json`` says of the sender's side.

    :param ended: when it was told to end, monotonic seconds: its last interval ends then, which places all of them. One that
        had not come to a connection by then has no intervals: 0 Mbit/s.
    """
    sums = [interval["sum"] for interval in report.get("intervals", ())]
    beginning = ended - sums[-1]["end"] if sums else ended
    counted = [each for each in sums if beginning + each["start"] >= began]
    seconds = sum(each["seconds"] for each in counted)
    return TransferResult(
        source=source,
        target=target,
        version=version,
        mbps=sum(each["bytes"] for each in counted) * 8 / 1e6 / seconds if seconds else 0.0,
        retransmits=sum(each.get("retransmits", 0) for each in counted),
        intervals=tuple((beginning + each["start"], each["bits_per_second"] / 1e6) for each in counted),
    )


def _start(argv: list[str], netns: Netns, output: Any) -> subprocess.Popen[bytes]:
    with netns.entered():
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)


__all__ = ["Transfer", "read_report"]
