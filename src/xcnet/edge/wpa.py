"""One channel driven by Debian's wpa_supplicant instead of our own MKA: a foreign implementation on the same port.

``wpa_supplicant``'s macsec_linux driver makes a MACsec device of its own, unless one with the same SCI stands on the port
already: then it uses that one. So the device that the router made, with its name and the VLANs on it, stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from xcnet.edge.channel import summed_counters
from xcnet.edge.executor import SecyExecutor
from xcnet.edge.kernel import RouterKernel
from xcnet.edge.report import ChannelReport, SakReport, digest
from xcnet.errors import InputError, KernelError
from xcnet.events import EventWriter
from xcnet.model.desired import Cak, Channel, CipherSuite
from xcnet.model.observed import ChannelObservation
from xcnet.netlink.links import Link
from xcnet.netlink.macsec_types import SecY

_TEMPLATE = """eapol_version=3
ap_scan=0
network={{
  key_mgmt=NONE
  eapol_flags=0
  macsec_policy=1
  mka_cak={cak}
  mka_ckn={ckn}
  mka_priority={priority}
  macsec_replay_protect=1
  macsec_replay_window={window}
}}
"""

_WORDS = 5
"""Lines of its output that are told when it has ended: the reason is among them, and what it tears down after that."""


class WpaChannel:
    """Runs wpa_supplicant on the port, from its start until :meth:`stop`.

    :param folder: a folder on a file system in memory, readable by this user alone: the configuration holds the CAK.
    :param changed: called when :meth:`observe` would say something else than before.
    :raises InputError: wpa_supplicant is not installed, or the channel has no key.
    """

    def __init__(
        self, channel: Channel, kernel: RouterKernel, events: EventWriter, folder: Path, changed: Callable[[], None]
    ) -> None:
        self.wanted = channel
        self._kernel = kernel
        self._events = events
        self._folder = folder
        self._changed = changed
        held = kernel.links()
        self._index = held[channel.device].index
        self._port_index = held[channel.port].index
        self._lit = held[channel.port].carrier
        self._open = False
        self._output = folder / f"wpa-{channel.name}.log"
        program = shutil.which("wpa_supplicant", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            raise InputError(
                "wpa_supplicant is not installed",
                where=f"channel {channel.name}: key_agreement",
                remedy="install the package wpasupplicant, or set key_agreement to xcnet",
            )
        self._program = program
        self._kernel.set_link(channel.device, up=False)
        SecyExecutor(kernel.macsec, self._index).flush()
        self._pid, self._pidfd = self._start(self._key(channel))

    @staticmethod
    def _key(channel: Channel) -> Cak:
        preferred = [cak for cak in channel.keys if cak.preferred] or list(channel.keys)
        if not preferred:
            raise InputError(
                f"channel {channel.name} has no key for wpa_supplicant",
                where="keys",
                remedy="give it exactly one: wpa_supplicant cannot be without and cannot roll over",
            )
        return preferred[-1]

    def _start(self, cak: Cak) -> tuple[int, int]:
        config = self._folder / f"wpa-{self.wanted.name}.conf"
        config.unlink(missing_ok=True)
        text = _TEMPLATE.format(
            cak=cak.cak.reveal().hex(),
            ckn=cak.ckn,
            priority=self.wanted.macsec.key_server_priority,
            window=self.wanted.macsec.replay_window,
        )
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        argv = [self._program, "-D", "macsec_linux", "-i", self.wanted.port, "-c", str(config)]
        if (setpriv := shutil.which("setpriv")) is not None:
            # Nobody is left to end it, or to close the channel, when this daemon is killed.
            argv = [setpriv, "--pdeathsig", "KILL", *argv]
        pid = os.posix_spawn(
            argv[0],
            argv,
            dict(os.environ),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsigdef=[signal.SIGPIPE],
        )
        pidfd = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(pidfd, self._exited)
        self._events.emit("mka.wpa_supplicant_started", self.wanted.name, pid=pid)
        return pid, pidfd

    def _exited(self) -> None:
        self._forget_process()
        with contextlib.suppress(KernelError):  # the device may have been deleted already
            self._kernel.set_link(self.wanted.device, up=False)
            SecyExecutor(self._kernel.macsec, self._index).flush()
        self._events.emit("mka.wpa_supplicant_died", self.wanted.name, pid=self._pid, said=self._last_words())
        self._events.emit("macsec.closed", self.wanted.name, reason="wpa_supplicant ended")
        self._changed()

    def _last_words(self) -> list[str]:
        """What it said at the end; it may quote a line of its configuration, but not the key to anybody else."""
        key = self._key(self.wanted).cak
        said = self._output.read_text(errors="replace").replace(key.reveal().hex(), str(key))
        return said.strip().splitlines()[-_WORDS:]

    def _forget_process(self) -> None:
        if self._pidfd < 0:
            return
        asyncio.get_running_loop().remove_reader(self._pidfd)
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        os.close(self._pidfd)
        self._pidfd = -1

    def can_become(self, channel: Channel) -> bool:
        """wpa_supplicant cannot roll a CAK: any change is a restart."""
        return channel == self.wanted

    def update(self, channel: Channel) -> None:
        self.wanted = channel

    def stop(self) -> None:
        """End wpa_supplicant, close the channel, remove its keys."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                # Not asked politely: on SIGTERM it would delete the MACsec device, which is not its own.
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._forget_process()
        with contextlib.suppress(KernelError):  # the device may have been deleted already
            self._kernel.set_link(self.wanted.device, up=False)
            SecyExecutor(self._kernel.macsec, self._index).flush()
        (self._folder / f"wpa-{self.wanted.name}.conf").unlink(missing_ok=True)
        self._events.emit("macsec.closed", self.wanted.name, reason="stopped")

    @property
    def device_index(self) -> int:
        """Of the MACsec device that this channel was started on."""
        return self._index

    def link_changed(self, link: Link, *, deleted: bool) -> None:
        """A notification about one of the router's links."""
        if link.index == self._port_index and self._lit != (link.carrier and not deleted):
            self._lit = not self._lit
            self._changed()
        opened = link.up and not deleted
        if link.index == self._index and opened != self._open:
            self._open = opened
            self._events.emit("macsec.secured" if opened else "macsec.closed", self.wanted.name, by="wpa_supplicant")
            self._changed()

    def report_packet_numbers(self, secy: SecY) -> None:
        """wpa_supplicant watches the kernel's packet numbers itself."""

    def observe(self) -> ChannelObservation:
        """It opens the device when it has keys; which CA it is follows from its having one only."""
        ready = self._lit and self._open and self._pidfd >= 0
        ckn = self._key(self.wanted).ckn if ready else None
        live = (ckn,) if ckn is not None else ()
        return ChannelObservation(name=self.wanted.name, carrier=self._lit, ready=ready, ckn=ckn, live=live)

    def report(self, secy: SecY | None, gate_dropped: tuple[int, int]) -> ChannelReport:
        sa = secy.tx_sas.get(secy.encoding_sa) if secy is not None else None
        transmits = sa is not None and sa.active
        return ChannelReport(
            name=self.wanted.name,
            device=self.wanted.device,
            key_agreement=self.wanted.key_agreement.value,
            secured=transmits and self._open,
            cipher_suite=CipherSuite.GCM_AES_128,
            association=self.wanted.keys[-1].ckn if self.wanted.keys else None,
            # It does not show its keys; these are the ones that it was given.
            cak_digests={key.ckn: digest(key.cak) for key in self.wanted.keys},
            associations=tuple(cak.ckn for cak in self.wanted.keys),
            association_number=sa.an if sa is not None and transmits else None,
            key_number=int.from_bytes(sa.key_id[12:], "big") if sa is not None and transmits else None,
            next_packet_number=sa.pn if sa is not None else None,
            live_peers=len(secy.rx_scs) if secy is not None else 0,
            counters=summed_counters(secy),
            gate_dropped=gate_dropped,
        )

    def saks(self) -> list[SakReport]:
        """wpa_supplicant tells nobody its SAKs; the other end of the channel knows them."""
        return []


__all__ = ["WpaChannel"]
