"""Ontraport, API v1: spec crm.md section 4.4."""

from helpers.crm.ontraport.connector import OntraportConnector

__all__ = ["OntraportConnector"]
