"""The sandbox: a whole CRM on SQLite, for tests, `mfh run` and the embedded stack."""

from helpers.crm.sandbox.connector import SandboxConnector

__all__ = ["SandboxConnector"]
