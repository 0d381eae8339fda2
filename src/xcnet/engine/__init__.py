"""Which kernel a lab runs in: the machine's own, or a user-mode kernel that comes with it."""
