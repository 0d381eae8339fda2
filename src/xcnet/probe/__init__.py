"""What users would feel: datagrams, transfers and requests from host to host, and what became of them."""
