"""Running campaigns: how one is written down, planned, started and stopped."""
