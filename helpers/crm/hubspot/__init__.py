"""HubSpot, date-versioned API: spec crm.md section 4.5."""

from helpers.crm.hubspot.connector import HubSpotConnector

__all__ = ["HubSpotConnector"]
