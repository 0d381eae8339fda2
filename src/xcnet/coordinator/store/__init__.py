"""What a coordinator knows for certain: one SQLite file, written in named transactions, each of which is a commit point."""
