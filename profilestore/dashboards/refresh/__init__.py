"""`dashboards refresh`: what panels need and the indices do not hold, derived from the log, profiles and products."""
