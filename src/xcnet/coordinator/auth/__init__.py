"""Who calls, and for whom: certificates, signed requests, bearer tokens and customers' proofs, as pure functions of bytes and time."""
