"""GoHighLevel, API version 2021-07-28: spec crm.md section 4.2."""

from helpers.crm.gohighlevel.connector import GoHighLevelConnector

__all__ = ["GoHighLevelConnector"]
