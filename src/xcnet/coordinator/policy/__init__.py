"""The coordinator's rules as functions of plain values: no store, no clock, no chance of their own."""
