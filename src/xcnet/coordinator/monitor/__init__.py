"""The provider's monitor: what its network shows goes in with the time; trouble that is found, and channels that are better used
last, come out. No input or output, no clock and no store of its own."""
