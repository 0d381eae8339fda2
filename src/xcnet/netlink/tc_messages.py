"""The kernel's traffic control messages as far as they are used here (linux/pkt_sched.h, linux/pkt_cls.h)."""

from __future__ import annotations

from typing import Any

from pyroute2.netlink import NLA_F_NESTED, nla, nlmsg

RTM_NEWQDISC, RTM_DELQDISC, RTM_GETQDISC = 36, 37, 38
RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER = 44, 45, 46

TC_H_ROOT = 0xFFFFFFFF
TC_H_CLSACT = 0xFFFFFFF1
CLSACT_HANDLE = 0xFFFF0000
INGRESS = 0xFFFFFFF2
EGRESS = 0xFFFFFFF3


class _netem(nla):  # type: ignore[misc]
    """Times twice: in ticks, where the kernel's are ignored beside the 64-bit ones in nanoseconds."""

    fields = (("delay", "I"), ("limit", "I"), ("loss", "I"), ("gap", "I"), ("duplicate", "I"), ("jitter", "I"))
    nla_map = (
        ("TCA_NETEM_UNSPEC", "none"),
        ("TCA_NETEM_CORR", "none"),
        ("TCA_NETEM_DELAY_DIST", "none"),
        ("TCA_NETEM_REORDER", "chance"),
        ("TCA_NETEM_CORRUPT", "chance"),
        ("TCA_NETEM_LOSS", "none"),
        ("TCA_NETEM_RATE", "rate"),
        ("TCA_NETEM_ECN", "none"),
        ("TCA_NETEM_RATE64", "uint64"),
        ("TCA_NETEM_PAD", "none"),
        ("TCA_NETEM_LATENCY64", "int64"),
        ("TCA_NETEM_JITTER64", "int64"),
    )

    class chance(nla):  # type: ignore[misc]
        fields = (("probability", "I"), ("correlation", "I"))

    class rate(nla):  # type: ignore[misc]
        fields = (("rate", "I"), ("packet_overhead", "i"), ("cell_size", "I"), ("cell_overhead", "i"))


class _tbf(nla):  # type: ignore[misc]
    nla_map = (
        ("TCA_TBF_UNSPEC", "none"),
        ("TCA_TBF_PARMS", "parms"),
        ("TCA_TBF_RTAB", "none"),
        ("TCA_TBF_PTAB", "none"),
        ("TCA_TBF_RATE64", "uint64"),
        ("TCA_TBF_PRATE64", "none"),
        ("TCA_TBF_BURST", "uint32"),
        ("TCA_TBF_PBURST", "none"),
        ("TCA_TBF_PAD", "none"),
    )

    class parms(nla):  # type: ignore[misc]
        """Two ``tc_ratespec``, the second of them (the peak rate) always zero here; ``buffer`` is in ticks."""

        fields = (
            *(
                ("cell_log", "B"),
                ("linklayer", "B"),
                ("overhead", "H"),
                ("cell_align", "h"),
                ("mpu", "H"),
                ("rate", "I"),
            ),
            ("peakrate", "12s"),
            *(("limit", "I"), ("buffer", "I"), ("mtu", "I")),
        )


class _stats2(nla):  # type: ignore[misc]
    nla_map = (
        ("TCA_STATS_UNSPEC", "none"),
        ("TCA_STATS_BASIC", "basic"),
        ("TCA_STATS_RATE_EST", "none"),
        ("TCA_STATS_QUEUE", "queue"),
        ("TCA_STATS_APP", "none"),
        ("TCA_STATS_RATE_EST64", "none"),
        ("TCA_STATS_PAD", "none"),
        ("TCA_STATS_BASIC_HW", "none"),
        ("TCA_STATS_PKT64", "uint64"),
    )

    class basic(nla):  # type: ignore[misc]
        fields = (("bytes", "Q"), ("packets", "I"))

    class queue(nla):  # type: ignore[misc]
        fields = (("qlen", "I"), ("backlog", "I"), ("drops", "I"), ("requeues", "I"), ("overlimits", "I"))


class _gact(nla):  # type: ignore[misc]
    nla_flags = NLA_F_NESTED
    nla_map = (("TCA_GACT_UNSPEC", "none"), ("TCA_GACT_TM", "none"), ("TCA_GACT_PARMS", "parms"))

    class parms(nla):  # type: ignore[misc]
        fields = (("index", "I"), ("capab", "I"), ("action", "i"), ("refcnt", "i"), ("bindcnt", "i"))


class _mirred(nla):  # type: ignore[misc]
    nla_flags = NLA_F_NESTED
    nla_map = (("TCA_MIRRED_UNSPEC", "none"), ("TCA_MIRRED_TM", "none"), ("TCA_MIRRED_PARMS", "parms"))

    class parms(nla):  # type: ignore[misc]
        fields = (
            ("index", "I"),
            ("capab", "I"),
            ("action", "i"),
            ("refcnt", "i"),
            ("bindcnt", "i"),
            ("eaction", "i"),
            ("ifindex", "I"),
        )


class _police(nla):  # type: ignore[misc]
    nla_flags = NLA_F_NESTED
    nla_map = (
        ("TCA_POLICE_UNSPEC", "none"),
        ("TCA_POLICE_TBF", "parms"),
        ("TCA_POLICE_RATE", "none"),
        ("TCA_POLICE_PEAKRATE", "none"),
        ("TCA_POLICE_AVRATE", "none"),
        ("TCA_POLICE_RESULT", "int32"),
    )

    class parms(nla):  # type: ignore[misc]
        """``tc_police``; its two ``tc_ratespec`` are always zero here."""

        fields = (
            *(("index", "I"), ("action", "i"), ("limit", "I"), ("burst", "I"), ("mtu", "I")),
            *(("rates", "24s"), ("refcnt", "i"), ("bindcnt", "i"), ("capab", "I")),
        )


class _action(nla):  # type: ignore[misc]
    nla_flags = NLA_F_NESTED
    nla_map = (
        ("TCA_ACT_UNSPEC", "none"),
        ("TCA_ACT_KIND", "asciiz"),
        ("TCA_ACT_OPTIONS", "options"),
        ("TCA_ACT_INDEX", "uint32"),
        ("TCA_ACT_STATS", "stats2"),
    )
    stats2 = _stats2

    @staticmethod
    def options(cell: Any, *_: Any, **__: Any) -> Any:
        return {"gact": _gact, "mirred": _mirred, "police": _police}.get(cell.get_attr("TCA_ACT_KIND"), cell.hex)


class _actions(nla):  # type: ignore[misc]
    """The first action is number 1."""

    nla_flags = NLA_F_NESTED
    nla_map = (("NONE", "none"), ("FIRST", "action"))
    action = _action


class _matchall(nla):  # type: ignore[misc]
    nla_flags = NLA_F_NESTED
    nla_map = (("TCA_MATCHALL_UNSPEC", "none"), ("TCA_MATCHALL_CLASSID", "uint32"), ("TCA_MATCHALL_ACT", "actions"))
    actions = _actions


class tc_message(nlmsg):  # type: ignore[misc]
    """A qdisc or a filter."""

    prefix = "TCA_"
    fields = (
        ("family", "B"),
        ("pad1", "B"),
        ("pad2", "H"),
        ("index", "i"),
        ("handle", "I"),
        ("parent", "I"),
        ("info", "I"),
    )
    nla_map = (
        ("TCA_UNSPEC", "none"),
        ("TCA_KIND", "asciiz"),
        ("TCA_OPTIONS", "options"),
        ("TCA_STATS", "none"),
        ("TCA_XSTATS", "none"),
        ("TCA_RATE", "none"),
        ("TCA_FCNT", "none"),
        ("TCA_STATS2", "stats2"),
    )
    stats2 = _stats2

    @staticmethod
    def options(cell: Any, *_: Any, **__: Any) -> Any:
        return {"netem": _netem, "tbf": _tbf, "matchall": _matchall}.get(cell.get_attr("TCA_KIND"), cell.hex)


__all__ = [
    "CLSACT_HANDLE",
    "EGRESS",
    "INGRESS",
    "RTM_DELQDISC",
    "RTM_DELTFILTER",
    "RTM_GETQDISC",
    "RTM_GETTFILTER",
    "RTM_NEWQDISC",
    "RTM_NEWTFILTER",
    "TC_H_CLSACT",
    "TC_H_ROOT",
    "tc_message",
]
