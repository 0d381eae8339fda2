"""MKPDUs for hypothesis: every parameter set with any values that it can have."""

from __future__ import annotations

from hypothesis import strategies as st

from xcnet.mka.codec import Mkpdu
from xcnet.mka.parameters import (
    Basic,
    DistributedCak,
    DistributedSak,
    KeyUse,
    Member,
    Parameter,
    Peers,
    SakUse,
    Unknown,
    Xpn,
)
from xcnet.model.desired import CipherSuite

u32 = st.integers(0, 2**32 - 1)
mis = st.binary(min_size=12, max_size=12)
members = st.builds(Member, mis, u32)
basics = st.builds(
    Basic,
    version=st.integers(1, 3),
    priority=st.integers(0, 255),
    key_server=st.booleans(),
    desired=st.booleans(),
    capability=st.integers(0, 3),
    sci=st.binary(min_size=8, max_size=8),
    member=members,
    ckn=st.binary(min_size=1, max_size=32),
)
peers = st.builds(Peers, st.booleans(), st.lists(members, min_size=1, max_size=20).map(tuple), st.integers(0, 255))
uses = st.builds(
    KeyUse, mis, st.integers(1, 2**32 - 1), st.integers(0, 3), u32, transmits=st.booleans(), receives=st.booleans()
)
sak_uses = st.builds(SakUse, uses, uses, st.booleans(), st.booleans(), st.booleans())


@st.composite
def distributed_saks(draw: st.DrawFn) -> DistributedSak:
    suite = draw(st.sampled_from(CipherSuite))
    wrapped = draw(st.binary(min_size=suite.key_length + 8, max_size=suite.key_length + 8))
    return DistributedSak(draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(u32), suite, wrapped)


distributed_caks = st.builds(DistributedCak, st.binary(min_size=24, max_size=24), st.binary(min_size=1, max_size=32))
xpns = st.builds(Xpn, u32, u32)
unknowns = st.builds(
    Unknown,
    st.sampled_from([6, 7, *range(9, 255)]),
    st.integers(0, 255),
    st.integers(0, 15),
    st.binary(max_size=64),
)
parameters: st.SearchStrategy[Parameter] = st.one_of(
    peers, sak_uses, distributed_saks(), distributed_caks, xpns, unknowns
)
mkpdus = st.builds(Mkpdu, basics, st.lists(parameters, max_size=6).map(tuple))
