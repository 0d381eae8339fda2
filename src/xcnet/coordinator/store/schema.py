"""The tables, as migrations: each is applied once, in order, and never changed after it was published."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE key_pairs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, created REAL NOT NULL, private TEXT NOT NULL, public TEXT NOT NULL
    );

    -- Activation keys that this provider has given to its customers.
    CREATE TABLE activations (
        uuid TEXT PRIMARY KEY, environment TEXT NOT NULL, peer TEXT NOT NULL, bandwidth_mbps INTEGER NOT NULL,
        own_account TEXT NOT NULL, peer_account TEXT NOT NULL, version INTEGER NOT NULL, fingerprint TEXT NOT NULL,
        encoded TEXT, state TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX activations_fingerprint ON activations (fingerprint);

    -- What a customer has here: one routing table at the gateway and the edges, whatever interconnects it runs over.
    CREATE TABLE attachments (
        uuid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, number INTEGER NOT NULL UNIQUE,
        internal_vlan INTEGER NOT NULL UNIQUE, account TEXT NOT NULL, port TEXT, networks TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX attachments_port ON attachments (port) WHERE port IS NOT NULL;
    CREATE TABLE internal_links (
        uuid TEXT NOT NULL REFERENCES attachments ON DELETE CASCADE, edge TEXT NOT NULL, slot INTEGER NOT NULL UNIQUE,
        ipv4 TEXT, ipv6 TEXT, PRIMARY KEY (uuid, edge)
    ) WITHOUT ROWID;

    CREATE TABLE connections (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, interconnect TEXT NOT NULL, peer TEXT NOT NULL,
        role TEXT NOT NULL, driver TEXT NOT NULL, state TEXT NOT NULL, bandwidth_mbps INTEGER NOT NULL,
        target_mbps INTEGER, update_by TEXT, admin TEXT NOT NULL, deprefer INTEGER NOT NULL DEFAULT 0,
        own_final INTEGER NOT NULL DEFAULT 0, acknowledged INTEGER NOT NULL DEFAULT 0,
        peer_final INTEGER NOT NULL DEFAULT 0, peer_admin TEXT, version INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0, fingerprint TEXT, own_account TEXT NOT NULL, peer_account TEXT, created REAL NOT NULL,
        finalised REAL, enough_since REAL, missing_since REAL, audited REAL,
        complete_after REAL, notices INTEGER NOT NULL DEFAULT 0,
        UNIQUE (interconnect, uuid)
    );
    CREATE INDEX connections_uuid ON connections (uuid);

    CREATE TABLE features (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, interconnect TEXT NOT NULL, id TEXT NOT NULL,
        channel TEXT NOT NULL, state TEXT NOT NULL, maker TEXT NOT NULL, vlan INTEGER NOT NULL, mtu INTEGER NOT NULL,
        ipv4 TEXT NOT NULL, ipv6 TEXT, own_asn INTEGER NOT NULL, peer_asn INTEGER NOT NULL,
        own_ipv4 TEXT NOT NULL, peer_ipv4 TEXT NOT NULL, own_ipv6 TEXT, peer_ipv6 TEXT, md5 TEXT NOT NULL,
        peer_state TEXT, created REAL NOT NULL,
        UNIQUE (channel, vlan), UNIQUE (channel, ipv4), UNIQUE (channel, ipv6), UNIQUE (interconnect, uuid, channel),
        UNIQUE (interconnect, uuid, id),
        FOREIGN KEY (interconnect, uuid) REFERENCES connections (interconnect, uuid) ON DELETE CASCADE
    );

    -- A connection deleted here may not come back by a request that was on the way meanwhile.
    CREATE TABLE tombstones (
        interconnect TEXT NOT NULL, uuid TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (interconnect, uuid)
    ) WITHOUT ROWID;

    CREATE TABLE keys (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, id TEXT NOT NULL, ckn TEXT NOT NULL,
        cak TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 0, preferred INTEGER NOT NULL DEFAULT 0,
        been_active INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL,
        UNIQUE (channel, id), UNIQUE (channel, ckn)
    );
    CREATE TABLE rotations (interconnect TEXT PRIMARY KEY, ended REAL NOT NULL) WITHOUT ROWID;

    -- Why a channel is out of use. level: 'drain' and 'close' keep it up, 'down' takes it down once it is drained.
    CREATE TABLE holds (
        channel TEXT NOT NULL, reason TEXT NOT NULL, level TEXT NOT NULL, drained INTEGER NOT NULL DEFAULT 0,
        since REAL NOT NULL, PRIMARY KEY (channel, reason)
    ) WITHOUT ROWID;
    CREATE TABLE maintenance (
        owner TEXT NOT NULL, channel TEXT NOT NULL, id TEXT NOT NULL, start REAL NOT NULL, stop REAL NOT NULL,
        emergency INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (owner, channel, id)
    ) WITHOUT ROWID;

    -- direction: 'in' was opened here by the peer, 'out' by this provider at the peer.
    CREATE TABLE issues (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, direction TEXT NOT NULL, peer TEXT NOT NULL, id TEXT NOT NULL,
        state TEXT NOT NULL, content TEXT NOT NULL, created REAL NOT NULL, UNIQUE (direction, peer, id)
    );
    CREATE TABLE comments (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL REFERENCES issues (seq) ON DELETE CASCADE,
        author TEXT NOT NULL, body TEXT NOT NULL, created REAL NOT NULL
    );
    CREATE INDEX comments_issue ON comments (issue);

    -- Outcomes of changes that callers named with a requestId.
    CREATE TABLE requests (
        caller TEXT NOT NULL, operation TEXT NOT NULL, resource TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL,
        answer TEXT NOT NULL, headers TEXT NOT NULL, time REAL NOT NULL,
        PRIMARY KEY (caller, operation, resource, id)
    ) WITHOUT ROWID;
    CREATE INDEX requests_time ON requests (time);
    CREATE TABLE proofs (id TEXT PRIMARY KEY, expires REAL NOT NULL) WITHOUT ROWID;

    CREATE TABLE workflows (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, data TEXT NOT NULL,
        due REAL, started REAL NOT NULL, parent TEXT
    ) WITHOUT ROWID;
    CREATE INDEX workflows_subject ON workflows (subject);
    CREATE INDEX workflows_parent ON workflows (parent);
    CREATE TABLE outcomes (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, subject TEXT NOT NULL,
        state TEXT NOT NULL, message TEXT NOT NULL, started REAL NOT NULL, ended REAL NOT NULL
    );

    -- Calls to peers that are still to be answered: the outbox.
    CREATE TABLE calls (
        id TEXT PRIMARY KEY, workflow TEXT NOT NULL REFERENCES workflows ON DELETE CASCADE, peer TEXT NOT NULL,
        operation TEXT NOT NULL, ids TEXT NOT NULL, query TEXT NOT NULL, body TEXT, request_id TEXT NOT NULL,
        account TEXT, forever INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, unsettled INTEGER NOT NULL DEFAULT 0,
        due REAL NOT NULL, first REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX calls_workflow ON calls (workflow);
    """,
    """
    -- Whether it has worked at this side. A feature that joins a connection in use is the last to be used until then.
    ALTER TABLE features ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
    UPDATE features SET proven = 1 WHERE state = 'final';
    """,
    """
    -- Trouble that the monitor has found and that stands, each with the issue about it at the peer.
    -- subject: the channel, or the interconnect. since: policy time.
    CREATE TABLE findings (
        kind TEXT NOT NULL, subject TEXT NOT NULL, interconnect TEXT NOT NULL, issue TEXT NOT NULL UNIQUE,
        priority TEXT NOT NULL, connections TEXT NOT NULL, words TEXT NOT NULL, since REAL NOT NULL,
        PRIMARY KEY (kind, subject)
    ) WITHOUT ROWID;
    -- Comments on those issues that the peer has not been given yet.
    CREATE TABLE notes (seq INTEGER PRIMARY KEY AUTOINCREMENT, issue TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX notes_issue ON notes (issue);
    """,
)

__all__ = ["MIGRATIONS"]
