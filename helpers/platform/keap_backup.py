"""keap_backup: export chosen Keap record types to S3 as JSON pages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import StateConflict, TransientFailure
from helpers.platform.backup import Backup, Target
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import RequiredText, blank_is_default, distinct

RUNNING_SECONDS = 12 * 3600

DataType = Literal[
    "contacts", "companies", "notes", "automations", "tags", "campaigns", "payment_methods", "custom_fields"
]


def _prefix(text: str) -> str:
    prefix = text.strip().strip("/")
    if ".." in prefix.split("/"):
        raise ValueError("write a prefix without ..")
    return prefix or "keap-backups"


def _whole(value: Any) -> Any:
    if isinstance(value, bool | str) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("write a whole number from 1 to 1000")
    return value


class Config(FormConfig):
    """What is exported and where to."""

    data_types: Annotated[list[DataType], Strict(), distinct] = Field(min_length=1, description="Record types.")
    s3_bucket: RequiredText = Field(description="Target bucket.")
    s3_prefix: Annotated[str, AfterValidator(_prefix), blank_is_default] = Field(
        default="keap-backups", description="Key prefix."
    )
    page_size: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole), blank_is_default] = Field(
        default=1000, description="Records of a page."
    )


class KeapBackup(Helper[Config]):
    """A failing type does not stop the others; a page is written before the next is fetched."""

    type = "keap_backup"
    name = "Keap Backup"
    category = "platform"
    description = "Export chosen Keap record types to S3 as JSON pages."
    supported_crms = ("keap",)
    requires_contact = False
    external = True
    timeout_seconds = 3600.0
    example = Example(
        config={"data_types": ["tags"], "s3_bucket": "mfh-backups"},
        crm={"contact": {"id": "c1"}, "raw": {"tags": [[{"id": "1", "name": "VIP"}]]}},
        settings={"backup_buckets": ("mfh-backups",)},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        if ctx.crm.slug != "keap":
            return HelperOutput.failed(f"keap_backup works with Keap, the connection is {ctx.crm.slug}")
        target = _target(ctx)
        if target is None:
            return HelperOutput.failed(
                "s3_bucket: connect your AWS account (keys, or a role with its external id), "
                "or use the platform's backup bucket"
            )
        await _claim_account(ctx)
        backup = Backup(ctx, target, ctx.config.page_size)
        try:
            manifest_key = await backup.run(ctx.config.data_types)
        finally:
            await ctx.state.delete(_running_key(ctx))
        return _output(ctx, backup, manifest_key)


def _running_key(ctx: HelperContext[Config]) -> str:
    return f"keap_backup:running:{ctx.account_id}"


async def _claim_account(ctx: HelperContext[Config]) -> None:
    """At most one running backup an account. Raises TransientFailure while another execution runs."""
    key, busy = _running_key(ctx), TransientFailure("another backup of this account is running", retry_after=300.0)
    running = await ctx.state.get(key)
    if running is not None and running.value["execution_id"] != ctx.execution_id:
        raise busy
    version = running.version if running else 0
    try:
        await ctx.state.put(key, {"execution_id": ctx.execution_id}, if_version=version, ttl_seconds=RUNNING_SECONDS)
    except StateConflict:
        raise busy from None


def _target(ctx: HelperContext[Config]) -> Target | None:
    """The tenant's bucket with the tenant's credentials, or a bucket of the platform with the account in the key.

    None for any other bucket: without this rule any tenant could make the platform's role write into any bucket.
    """
    config, auth = ctx.config, ctx.service_auths.get("aws")
    if (auth.api_key and auth.api_secret) or (auth.role_arn and auth.external_id):
        return Target(config.s3_bucket, config.s3_prefix, auth)
    if config.s3_bucket not in ctx.settings.backup_buckets:
        return None
    return Target(config.s3_bucket, f"{config.s3_prefix}/{ctx.account_id}", None)


def _output(ctx: HelperContext[Config], backup: Backup, manifest_key: str) -> HelperOutput:
    """A backup with one type exported is a success."""
    results, bucket = backup.results, ctx.config.s3_bucket
    successful = sum(1 for result in results.values() if not result.error)
    modified = {
        "timestamp": backup.timestamp,
        "total_types": len(results),
        "successful": successful,
        "failed": len(results) - successful,
        "backup_results": {name: result.report() for name, result in results.items()},
        "s3_bucket": bucket,
        "s3_prefix": ctx.config.s3_prefix,
        "manifest_key": manifest_key,
    }
    if not successful:
        return HelperOutput.failed("no record type could be exported", modified_data=modified)
    records = sum(result.record_count for result in results.values())
    action = Action(type="backup_completed", target=f"s3://{bucket}/{manifest_key}", value=records)
    return HelperOutput.ok(
        f"exported {successful} of {len(results)} record types", modified_data=modified, actions=[action]
    )
