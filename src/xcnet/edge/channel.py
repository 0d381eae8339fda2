"""One channel driven by our own MKA: frames between the bare port and the protocol, its decisions to the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable, Sequence

from xcnet.edge.executor import SecyExecutor, SecyOutput
from xcnet.edge.kernel import RouterKernel
from xcnet.edge.report import ChannelReport, SakReport, digest
from xcnet.errors import KernelError
from xcnet.events import EventWriter
from xcnet.mka import MkaPort, PortConfig
from xcnet.mka import outputs as mka
from xcnet.mka.codec import ETHERTYPE, GROUP_ADDRESS
from xcnet.model.desired import Channel
from xcnet.model.observed import ChannelObservation
from xcnet.netlink.links import Link
from xcnet.netlink.macsec_types import SecY, sci_of
from xcnet.secret import Secret

_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_MR_MULTICAST = 0
_PACKET_OUTGOING = 4
_LARGEST = 2048
"""Bytes. MKPDUs are far smaller; what is longer is cut, and refused by the codec."""


class MkaChannel:
    """Key agreement on one channel, from its start until :meth:`stop`.

    The MACsec device is down except while key agreement says *secured*: that is the gate which routing sees.

    :param changed: called when :meth:`observe` would say something else than before.
    """

    def __init__(
        self, channel: Channel, kernel: RouterKernel, events: EventWriter, changed: Callable[[], None]
    ) -> None:
        self.wanted = channel
        self._kernel = kernel
        self._events = events
        self._changed = changed
        self._told: ChannelObservation | None = None
        held = kernel.links()
        self._port_link = held[channel.port]
        self._device_link = held[channel.device]
        self._executor = SecyExecutor(kernel.macsec, self._device_link.index)
        self._sci = sci_of(self._port_link.mac)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._lit = self._port_link.carrier
        # After a restart nothing that stands in the SecY can be vouched for: closed, emptied, agreed anew.
        self._kernel.set_link(channel.device, up=False)
        self._executor.flush()
        self._mka = MkaPort(self._config(channel))
        if not self._lit:
            self._mka.carrier_lost(time.monotonic())
        self._socket = _open_port(channel.port, self._port_link.index)
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self.update(channel)

    def _config(self, channel: Channel) -> PortConfig:
        return PortConfig(
            sci=self._sci.to_bytes(8, "big"),
            priority=channel.macsec.key_server_priority,
            cipher_suite=channel.macsec.cipher_suite,
            sak_rekey_seconds=channel.macsec.sak_rekey_seconds,
            pn_exhaustion=channel.macsec.pn_exhaustion,
        )

    def can_become(self, channel: Channel) -> bool:
        """True if the running agreement can take the new state over without a gap: the SecY stays the same device."""

        def secy(each: Channel) -> tuple[object, ...]:
            return each.name, each.port, each.device, each.macsec.cipher_suite, each.key_agreement, each.enabled

        return secy(channel) == secy(self.wanted)

    def update(self, channel: Channel) -> None:
        """Take part in the CAs that are wanted, in the manner that is wanted, and leave those that are not."""
        self.wanted = channel
        now = time.monotonic()
        self._mka.configure(now, self._config(channel))
        wanted = {bytes.fromhex(cak.ckn): cak for cak in channel.keys}
        for ckn, cak in wanted.items():
            self._mka.add_ca(now, ckn, cak.cak, preferred=cak.preferred)
        for ckn in set(self._mka.participants) - set(wanted):
            self._mka.remove_ca(now, ckn)
        self._carry_out()

    def stop(self) -> None:
        """Close the channel and remove its keys."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        with contextlib.suppress(KernelError):  # the device may have been deleted already
            self._kernel.set_link(self.wanted.device, up=False)
            self._executor.flush()
        self._events.emit("macsec.closed", self.wanted.name, reason="stopped")

    # -- what comes in

    def _readable(self) -> None:
        while True:
            try:
                frame, origin = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                break
            except OSError as error:
                # The port went down or away; its notification says which.
                self._events.emit("mka.port_error", self.wanted.name, error=error.strerror)
                break
            if origin[2] != _PACKET_OUTGOING:
                self._mka.receive(time.monotonic(), frame)
        self._carry_out()

    @property
    def device_index(self) -> int:
        """Of the MACsec device that this channel was started on."""
        return self._executor.index

    def link_changed(self, link: Link, *, deleted: bool) -> None:
        """A notification about one of the router's links."""
        if deleted and link.index == self._executor.index:
            self._agree_anew("the MACsec device is gone")
            self._schedule()
            return
        lit = link.carrier and not deleted
        if link.index != self._port_link.index or lit == self._lit:
            return
        self._lit = lit
        now = time.monotonic()
        self._events.emit("link.carrier_found" if self._lit else "link.carrier_lost", self.wanted.name, port=link.name)
        if self._lit:
            self._mka.carrier_found(now)
        else:
            self._mka.carrier_lost(now)
        self._carry_out()

    def report_packet_numbers(self, secy: SecY) -> None:
        """Tell key agreement how far the SAs have come."""
        now = time.monotonic()
        for an, sa in secy.tx_sas.items():
            received = [channel.sas[an].pn for channel in secy.rx_scs.values() if an in channel.sas]
            self._mka.report_packet_number(now, an, transmitted=sa.pn, received=max(received, default=1))
        self._carry_out()

    def _tick(self) -> None:
        self._timer = None
        self._mka.tick(time.monotonic())
        self._carry_out()

    # -- what goes out

    def _carry_out(self) -> None:
        try:
            self._execute(self._mka.outputs())
        except KernelError as error:
            self._events.emit("macsec.kernel_refused", self.wanted.name, error=error.cause)
            self._agree_anew("the kernel refused an order")
        self._schedule()

    def _execute(self, outputs: list[mka.Output]) -> None:
        """:raises KernelError: the kernel refused an order; those after it were not carried out."""
        pending: list[SecyOutput] = []
        for output in outputs:
            match output:
                case mka.Transmit(frame):
                    # What an MKPDU says about this end must be true when it is sent.
                    self._to_kernel(pending)
                    self._send(frame)
                case mka.Secured(ckn, an, number):
                    self._to_kernel(pending)
                    self._kernel.set_link(self.wanted.device, up=True)
                    self._events.emit("macsec.secured", self.wanted.name, ckn=ckn.hex(), an=an, key_number=number)
                case mka.Unsecured(reason):
                    self._kernel.set_link(self.wanted.device, up=False)
                    self._events.emit("macsec.closed", self.wanted.name, reason=reason)
                case mka.Happened(kind, data):
                    self._events.emit(kind, self.wanted.name, **data)
                case _:
                    pending.append(output)
        self._to_kernel(pending)

    def _to_kernel(self, pending: list[SecyOutput]) -> None:
        if pending:
            batch = list(pending)
            pending.clear()
            self._executor.execute(batch)

    def _agree_anew(self, reason: str) -> None:
        """What stands in the SecY is not what was agreed: close it, empty it, and have key agreement begin again."""
        self._mka.start_over(time.monotonic(), reason)
        for output in self._mka.outputs():
            # Orders are void: the SecY is emptied whole. News are news.
            if isinstance(output, mka.Happened):
                self._events.emit(output.kind, self.wanted.name, **output.data)
        with contextlib.suppress(KernelError):  # a device that is gone is closed
            self._kernel.set_link(self.wanted.device, up=False)
            self._executor.flush()
        self._events.emit("macsec.closed", self.wanted.name, reason=reason)

    def _send(self, frame: bytes) -> None:
        try:
            self._socket.send(frame)
        except OSError as error:
            # A dark or overfull port loses frames, as fibres do; the protocol repeats itself.
            self._events.emit("mka.send_failed", self.wanted.name, error=error.strerror)

    def _schedule(self) -> None:
        if self._told != (seen := self.observe()):
            self._told = seen
            self._changed()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._mka.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_later(max(0.0, deadline - time.monotonic()), self._tick)

    # -- what it says of itself

    def observe(self) -> ChannelObservation:
        associations = self._mka.associations
        transmitting = associations.transmitting
        ready = self._lit and transmitting is not None
        return ChannelObservation(
            name=self.wanted.name,
            carrier=self._lit,
            ready=ready,
            ckn=transmitting.ckn.hex() if ready and transmitting is not None else None,
            settled=associations.old is None,
            live=tuple(sorted(ckn.hex() for ckn, each in self._mka.participants.items() if each.live)),
        )

    def report(self, secy: SecY | None, gate_dropped: tuple[int, int]) -> ChannelReport:
        principal = self._mka.principal
        transmitting = self._mka.associations.transmitting
        sa = secy.tx_sas.get(transmitting.an) if secy is not None and transmitting is not None else None
        return ChannelReport(
            name=self.wanted.name,
            device=self.wanted.device,
            key_agreement=self.wanted.key_agreement.value,
            secured=self._mka.secured,
            cipher_suite=self.wanted.macsec.cipher_suite,
            association=principal.ckn.hex() if principal else None,
            associations=tuple(ckn.hex() for ckn in self._mka.participants),
            key_server=principal.is_server if principal else None,
            association_number=transmitting.an if transmitting else None,
            key_number=transmitting.key_number if transmitting else None,
            next_packet_number=sa.pn if sa else None,
            old_key_installed=self._mka.associations.old is not None,
            live_peers=len(principal.live) if principal else 0,
            cak_digests={ckn.hex(): digest(each.cak) for ckn, each in self._mka.participants.items()},
            pn_exhaustion=self.wanted.macsec.pn_exhaustion,
            counters=summed_counters(secy),
            gate_dropped=gate_dropped,
        )

    def saks(self) -> list[SakReport]:
        """Both directions of every SAK that stands on this port."""
        found = []
        for installed in self._mka.associations.installed:
            for sci, ssci in installed.members.items():
                found.append(
                    SakReport(
                        channel=self.wanted.name,
                        sci=int.from_bytes(sci, "big"),
                        an=installed.an,
                        cipher_suite=installed.sak.cipher_suite,
                        key=installed.sak.key,
                        ssci=ssci,
                        salt=Secret(installed.sak.salt),
                    )
                )
        return found


def summed_counters(secy: SecY | None) -> dict[str, int]:
    """The SecY's, transmit SC's and receive SCs' counters in one mapping; those of several SCs are added up."""
    if secy is None:
        return {}
    total = dict(secy.stats)
    groups: Sequence[dict[str, int]] = [dict(secy.tx_stats), *(dict(channel.stats) for channel in secy.rx_scs.values())]
    for group in groups:
        for name, value in group.items():
            total[name] = total.get(name, 0) + value
    return total


def _open_port(name: str, index: int) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
    membership = struct.pack("iHH8s", index, _PACKET_MR_MULTICAST, 6, GROUP_ADDRESS)
    opened.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
    opened.bind((name, ETHERTYPE))
    return opened


__all__ = ["MkaChannel", "summed_counters"]
