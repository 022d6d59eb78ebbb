"""`dashboards push`: data views and dashboards to a running Kibana, and what that changes there."""
