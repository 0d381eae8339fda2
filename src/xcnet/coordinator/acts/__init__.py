"""What handlers and workflows do to the store: each act keeps the rules that hold between rows."""
