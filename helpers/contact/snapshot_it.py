"""snapshot_it: store a full copy of the contact as it is now."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Flag
from helpers.rules.instants import instant_text
from helpers.rules.text import to_text

TABLE_NAME = "myfusion_helper_contact_snapshots"

# A state entry is one DynamoDB item, at most 400 KB with its keys; larger records go to the artifact store.
LARGEST_ENTRY_BYTES = 380_000

# A custom field of one of these names is kept in the nested map only.
RECORD_KEYS = frozenset(
    {
        "id", "timestamp", "snapshot_contact_id", "table_name", "account_id", "helper_id", "contact_id",
        "first_name", "last_name", "email", "phone", "company", "job_title", "full_name", "source_crm",
        "created_at", "updated_at", "custom_fields", "tags", "tag_count",
    }
)  # fmt: skip


class Config(HelperConfig):
    """How much is kept."""

    include_tags: Flag = Field(default=True, description="Keep the tags.")
    include_custom_fields: Flag = Field(default=True, description="Keep the custom fields.")


class SnapshotIt(Helper[Config]):
    """Snapshots are stored under the account, then contact, then time; every run adds one."""

    type = "snapshot_it"
    name = "Snapshot It"
    category = "contact"
    description = "Store a full copy of the contact as it is now."
    example = Example(
        config={"include_tags": True},
        crm={
            "contact": {
                "id": "c1",
                "first_name": "Ada",
                "email": "ada@example.com",
                "tags": [{"id": "5", "name": "VIP"}],
                "custom_fields": {"plan": "Gold"},
            }
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        record = snapshot(ctx)
        await store(ctx, record)
        captured = Action(type="snapshot_captured", target=ctx.contact_id, value=record["id"])
        return HelperOutput.ok("snapshot stored", modified_data=record, actions=[captured])


def snapshot(ctx: HelperContext[Config]) -> dict[str, Any]:
    """The record; its keys are fixed, stored automations read them."""
    contact = ctx.contact
    record: dict[str, Any] = {
        "id": str(uuid4()),
        "timestamp": int(ctx.clock.now().timestamp()),
        "snapshot_contact_id": f"{ctx.helper_id}_{ctx.account_id}_{ctx.contact_id}",
        "table_name": TABLE_NAME,
        "account_id": ctx.account_id,
        "helper_id": ctx.helper_id,
        "contact_id": ctx.contact_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "phone": contact.phone,
        "company": contact.company,
        "job_title": contact.job_title,
        "full_name": contact.full_name,
        "source_crm": ctx.crm.slug,
    }
    for key, moment in (("created_at", contact.created_at), ("updated_at", contact.updated_at)):
        if moment is not None:
            record[key] = instant_text(moment)
    if ctx.config.include_custom_fields:
        record |= {key: value for key, value in contact.custom_fields.items() if key not in RECORD_KEYS}
        record["custom_fields"] = dict(contact.custom_fields)
    if ctx.config.include_tags:
        record["tags"] = [{"id": tag.id, "name": tag.name} for tag in contact.tags]
        record["tag_count"] = len(contact.tags)
    return record


async def store(ctx: HelperContext[Config], record: dict[str, Any]) -> None:
    """Keep the record durably; raises the store's error."""
    payload = json.dumps(record, default=to_text).encode()
    place = f"{record['snapshot_contact_id']}/{record['timestamp']}-{record['id']}"
    key = f"snapshot:{ctx.account_id}:{place}"
    if len(payload) <= LARGEST_ENTRY_BYTES:
        await ctx.state.put(key, json.loads(payload))
        return
    file = await ctx.files.put(f"{ctx.account_id}/snapshots/{place}.json", payload, "application/json")
    head = {name: record[name] for name in ("id", "timestamp", "snapshot_contact_id", "account_id", "contact_id")}
    await ctx.state.put(key, {**head, "file": file.reference})
