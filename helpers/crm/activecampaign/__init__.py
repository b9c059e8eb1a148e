"""ActiveCampaign, API v3: spec crm.md section 4.3."""

from helpers.crm.activecampaign.connector import ActiveCampaignConnector

__all__ = ["ActiveCampaignConnector"]
