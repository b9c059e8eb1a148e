"""Keap (Infusionsoft), REST v2: spec crm.md section 4.1."""

from helpers.crm.keap.connector import KeapConnector

__all__ = ["KeapConnector"]
