"""The routing daemons: configuration, lifecycle, state."""
