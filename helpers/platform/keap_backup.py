"""keap_backup: export chosen Keap record types to S3 as JSON pages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import HelperError, StateConflict, TransientFailure
from helpers.ports import ServiceAuth
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import RequiredText, blank_is_default, distinct
from helpers.rules.counters import REMEMBERED_SECONDS

FORMAT_VERSION = 1
RUNNING_SECONDS = 12 * 3600
# Small sets that are one object where they fit one page, and exist even when they are empty.
WHOLE_SETS = frozenset({"tags", "custom_fields"})

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


@dataclass(slots=True)
class TypeResult:
    """What was written of one record type; kept after each page, so that a redelivered run goes on there."""

    record_count: int = 0
    s3_keys: list[str] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False
    error: str = ""
    retryable: bool = False

    def report(self) -> dict[str, Any]:
        """The entry of backup_results."""
        if self.error:
            return {"success": False, "error": self.error}
        return {
            "success": True,
            "record_count": self.record_count,
            "page_count": self.page_count,
            "s3_keys": self.s3_keys,
        }

    @property
    def page_count(self) -> int:
        """Objects with records: the empty list of an empty small set is no page."""
        return sum(1 for written in self.objects if written["records"])


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
        try:
            return await Backup(ctx, target).run()
        finally:
            await ctx.state.delete(_running_key(ctx))


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


@dataclass(frozen=True, slots=True)
class Target:
    """Where objects go. ``auth`` None: the platform's bucket, keys scoped by account."""

    bucket: str
    prefix: str
    auth: ServiceAuth | None


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


class Backup:
    """One run over the record types, with a checkpoint after each page."""

    def __init__(self, ctx: HelperContext[Config], target: Target) -> None:
        self._ctx = ctx
        self._target = target
        self._checkpoint = f"keap_backup:{ctx.account_id}:{ctx.execution_id}"
        self._timestamp = f"{ctx.clock.now():%Y-%m-%dT%H-%M-%SZ}"
        self._results: dict[str, TypeResult] = {}

    async def run(self) -> HelperOutput:
        """Export every type, then the manifest."""
        stored = await self._ctx.state.get(self._checkpoint)
        if stored is not None:
            self._timestamp = stored.value["timestamp"]
            self._results = {name: TypeResult(**result) for name, result in stored.value["results"].items()}
        for data_type in self._ctx.config.data_types:
            result = self._results.setdefault(data_type, TypeResult())
            if not result.done:
                await self._export(data_type, result)
        failed = [result for result in self._results.values() if result.error]
        if len(failed) == len(self._results) and all(result.retryable for result in failed):
            error = failed[0].error
            await self._reopen()
            raise TransientFailure(f"no record type could be exported: {error}")
        manifest_key = await self._write_manifest()
        return self._output(len(failed), manifest_key)

    async def _export(self, data_type: str, result: TypeResult) -> None:
        """Write page by page; pages that a previous delivery wrote are passed over."""
        written = len(result.s3_keys)
        number = 0
        try:
            held: list[dict[str, Any]] | None = None
            async for page in self._ctx.crm.iter_raw(data_type, self._ctx.config.page_size):
                if not page:
                    continue
                if held is not None:
                    number += 1
                    await self._write_page(data_type, result, held, number, written, single=False)
                held = page
            if held or (data_type in WHOLE_SETS and number == 0):
                number += 1
                single = data_type in WHOLE_SETS and number == 1
                await self._write_page(data_type, result, held or [], number, written, single=single)
        except HelperError as exc:
            self._ctx.log(f"exporting {data_type} failed: {exc}")
            result.error, result.retryable = str(exc), exc.retryable
        result.done = True
        await self._keep()

    async def _write_page(
        self, data_type: str, result: TypeResult, page: list[dict[str, Any]], number: int, written: int, *, single: bool
    ) -> None:
        if number <= written:
            return
        name = f"{self._timestamp}.json" if single else f"{self._timestamp}-page-{number}.json"
        key = f"{self._target.prefix}/{data_type}/{name}"
        content = json.dumps(page, ensure_ascii=False, default=str).encode()
        await self._put(key, content)
        result.record_count += len(page)
        result.s3_keys.append(key)
        result.objects.append(
            {"key": key, "records": len(page), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        )
        await self._keep()

    async def _put(self, key: str, content: bytes) -> None:
        await self._ctx.backups.put(self._target.bucket, key, content, "application/json", auth=self._target.auth)

    async def _keep(self) -> None:
        value: Mapping[str, Any] = {
            "timestamp": self._timestamp,
            "results": {name: asdict(result) for name, result in self._results.items()},
        }
        await self._ctx.state.put(self._checkpoint, value, ttl_seconds=REMEMBERED_SECONDS)

    async def _reopen(self) -> None:
        """Let the next attempt go on where this one stopped, with the same timestamp and the pages written."""
        for result in self._results.values():
            result.done, result.error, result.retryable = False, "", False
        await self._keep()

    async def _write_manifest(self) -> str:
        """The manifest's key. A manifest that could not be written is only a warning."""
        key = f"{self._target.prefix}/manifests/{self._timestamp}.json"
        manifest = {
            "format_version": FORMAT_VERSION,
            "source_account": self._ctx.account_id,
            "connection_id": self._ctx.connection_id,
            "timestamp": self._timestamp,
            "data_types": {
                name: {
                    "record_count": result.record_count,
                    "page_count": result.page_count,
                    "objects": result.objects,
                    **({"error": result.error} if result.error else {}),
                }
                for name, result in self._results.items()
            },
        }
        try:
            await self._put(key, json.dumps(manifest, ensure_ascii=False).encode())
        except HelperError as exc:
            self._ctx.log(f"the manifest could not be written: {exc}")
        return key

    def _output(self, failed: int, manifest_key: str) -> HelperOutput:
        results = self._results
        successful = len(results) - failed
        modified = {
            "timestamp": self._timestamp,
            "total_types": len(results),
            "successful": successful,
            "failed": failed,
            "backup_results": {name: result.report() for name, result in results.items()},
            "s3_bucket": self._target.bucket,
            "s3_prefix": self._ctx.config.s3_prefix,
            "manifest_key": manifest_key,
        }
        if not successful:
            return HelperOutput.failed("no record type could be exported", modified_data=modified)
        records = sum(result.record_count for result in results.values())
        action = Action(type="backup_completed", target=f"s3://{self._target.bucket}/{manifest_key}", value=records)
        return HelperOutput.ok(
            f"exported {successful} of {len(results)} record types", modified_data=modified, actions=[action]
        )
