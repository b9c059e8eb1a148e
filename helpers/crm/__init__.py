"""CRM connectors: one interface (`connector`), one folder per platform."""
