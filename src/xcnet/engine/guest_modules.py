"""Loading a user-mode kernel's modules by system call: all of them in the time that one modprobe would take."""

# The first process does without pathlib, which is slow to import.
# ruff: noqa: PTH123

from __future__ import annotations

import ctypes
import errno
import lzma
import os
from collections.abc import Iterable

WANTED = (
    # links and what runs over them
    *("veth", "dummy", "macsec", "8021q", "vrf", "bridge", "ifb", "tun", "vxlan"),
    # traffic control
    *("sch_netem", "sch_ingress", "sch_htb", "sch_tbf", "sch_prio", "sch_fq", "sch_fq_codel"),
    *("cls_matchall", "cls_flower", "cls_u32", "cls_bpf", "act_mirred", "act_gact", "act_police", "act_bpf"),
    # MACsec's ciphers, which it would otherwise ask modprobe for
    *("gcm", "ctr", "ghash_generic", "aes_generic", "cmac", "md5", "af_alg", "algif_aead"),
    # ss and packet sockets
    *("inet_diag", "tcp_diag", "udp_diag", "raw_diag", "unix_diag", "af_packet_diag", "netlink_diag"),
    # packet filters
    *("nf_tables", "openvswitch"),
)
"""What is loaded where the kernel has it as a module. What it has built in, or not at all, is passed over."""

_FINIT_MODULE = {"x86_64": 313}
_INIT_MODULE = {"x86_64": 175}
_libc = ctypes.CDLL(None, use_errno=True)


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1].split(".ko")[0].replace("-", "_")


class ModuleTree:
    """The modules of one kernel. :param folder: the one that holds ``modules.dep``."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._needs: dict[str, tuple[str, list[str]]] = {}
        self._loaded: set[str] = set()
        with open(f"{folder}/modules.dep") as lines:
            for line in lines:
                path, _, needs = line.partition(":")
                self._needs[_name(path)] = (path, needs.split())

    def load(self, wanted: Iterable[str] = WANTED) -> list[str]:
        """Load those that are there, with all that they need.

        :returns: what the kernel refused, with its reason.
        """
        refused: list[str] = []
        for name in wanted:
            if name in self._needs:
                self._load(name, refused)
        return refused

    def _load(self, name: str, refused: list[str]) -> None:
        if name in self._loaded:
            return
        self._loaded.add(name)
        path, needs = self._needs[name]
        for need in reversed(needs):
            self._load(_name(need), refused)
        number = self._insert(f"{self._folder}/{path}")
        if number not in (0, errno.EEXIST):
            refused.append(f"{name}: {os.strerror(number)}")

    def _insert(self, path: str) -> int:
        machine = os.uname().machine
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if path.endswith(".ko"):
                failed = _libc.syscall(_FINIT_MODULE[machine], fd, b"", 0)
            else:
                with lzma.open(path) as packed:
                    image = packed.read()
                failed = _libc.syscall(_INIT_MODULE[machine], image, len(image), b"")
        finally:
            os.close(fd)
        return ctypes.get_errno() if failed else 0


__all__ = ["WANTED", "ModuleTree"]
