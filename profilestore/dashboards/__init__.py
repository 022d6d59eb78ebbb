"""Dashboards as code: panels described once, for Kibana and for a preview that needs no Kibana."""
