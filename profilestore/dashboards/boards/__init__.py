"""The six dashboards, a module each."""
