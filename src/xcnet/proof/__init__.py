"""The proof that a path is encrypted, closed, balanced and as wide as negotiated."""
