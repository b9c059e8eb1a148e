"""The tables as data: keys, indexes, stream and TTL (crm.md section 7). Terraform declares the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fleet.execution_index import SCHEDULE_INDEX
from fleet.settings import FleetSettings


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index that projects every attribute."""

    name: str
    partition_key: str
    sort_key: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with string keys, billed per request. ``setting`` is the field of FleetSettings with its name."""

    setting: str
    partition_key: str
    indexes: tuple[Index, ...] = ()
    ttl_attribute: str = ""
    stream: bool = False
    description: str = field(default="", compare=False)

    def definition(self, name: str) -> dict[str, Any]:
        """The CreateTable request."""
        keys = {self.partition_key} | {
            key for index in self.indexes for key in (index.partition_key, index.sort_key) if key
        }
        request: dict[str, Any] = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in sorted(keys)],
            "KeySchema": [{"AttributeName": self.partition_key, "KeyType": "HASH"}],
        }
        if self.indexes:
            request["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index.name,
                    "KeySchema": [{"AttributeName": index.partition_key, "KeyType": "HASH"}]
                    + ([{"AttributeName": index.sort_key, "KeyType": "RANGE"}] if index.sort_key else []),
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index in self.indexes
            ]
        if self.stream:
            request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        return request


TABLES = (
    Table("connections_table", "connection_id", (Index("AccountIdIndex", "account_id"),)),
    Table("platform_connection_auths_table", "auth_id", (Index("ConnectionIdIndex", "connection_id"),)),
    Table("platforms_table", "platform_id", (Index("SlugIndex", "slug"),)),
    Table(
        "helpers_table",
        "helper_id",
        (Index("AccountIdIndex", "account_id"), Index("ShortKeyIndex", "short_key")),
    ),
    Table(
        "executions_table",
        "execution_id",
        (
            Index("AccountIdCreatedAtIndex", "account_id", "created_at"),
            Index("HelperIdCreatedAtIndex", "helper_id", "created_at"),
            Index(SCHEDULE_INDEX, "schedule_bucket", "not_before"),
        ),
        ttl_attribute="ttl",
        stream=True,
    ),
    Table("api_keys_table", "key_id", (Index("AccountIdIndex", "account_id"), Index("KeyHashIndex", "key_hash"))),
    Table("router_leases_table", "lease_key"),
    Table("state_table", "state_key", ttl_attribute="ttl"),
)


def table_name(settings: FleetSettings, table: Table) -> str:
    """The name of the table in this environment."""
    name: str = getattr(settings, table.setting)
    return name
