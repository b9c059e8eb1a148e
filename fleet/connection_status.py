"""The status of a connection, as its owner sees it (crm.md section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fleet.marshalling import attribute, item

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient


async def set_status(
    dynamodb: DynamoDBClient,
    connections_table: str,
    connection_id: str,
    status: Literal["active", "error"],
    **also: str,
) -> None:
    """Write the status and ``also`` other attributes; a connection that was deleted meanwhile stays deleted."""
    values = {"status": status, **also}
    try:
        await dynamodb.update_item(
            TableName=connections_table,
            Key={"connection_id": attribute(connection_id)},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ConditionExpression="attribute_exists(connection_id)",
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues=item({f":{name}": value for name, value in values.items()}),
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return  # a row of nothing but a status would haunt the list
