"""A backup: each record type page by page, a checkpoint after each page, and a manifest of what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from helpers.contract import HelperContext
from helpers.errors import HelperError, TransientFailure
from helpers.ports import ServiceAuth
from helpers.rules.steps import REMEMBERED_SECONDS

FORMAT_VERSION = 1
# Small sets that are one object where they fit one page, and exist even when they are empty.
WHOLE_SETS = frozenset({"tags", "custom_fields"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where objects go. ``auth`` None: the platform's bucket, keys scoped by account."""

    bucket: str
    prefix: str
    auth: ServiceAuth | None


@dataclass(slots=True)
class TypeResult:
    """What was written of one record type; kept after each page, so that a redelivered run goes on there."""

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
    def s3_keys(self) -> list[str]:
        """The objects in the order of their pages."""
        return [written["key"] for written in self.objects]

    @property
    def record_count(self) -> int:
        """Records in all objects."""
        return sum(written["records"] for written in self.objects)

    @property
    def page_count(self) -> int:
        """Objects with records: the empty list of an empty small set is no page."""
        return sum(1 for written in self.objects if written["records"])


class Backup:
    """One run over the record types, with a checkpoint after each page; ``results`` by record type."""

    def __init__(self, ctx: HelperContext[Any], target: Target, page_size: int) -> None:
        self._ctx = ctx
        self._target = target
        self._page_size = page_size
        self._checkpoint = f"keap_backup:{ctx.account_id}:{ctx.execution_id}"
        self.timestamp = f"{ctx.clock.now():%Y-%m-%dT%H-%M-%SZ}"
        self.results: dict[str, TypeResult] = {}

    async def run(self, data_types: Iterable[str]) -> str:
        """Export every type, then the manifest, whose key is returned.

        A type that fails is told in its result. Raises TransientFailure where all failed and may succeed later.
        """
        stored = await self._ctx.state.get(self._checkpoint)
        if stored is not None:
            self.timestamp = stored.value["timestamp"]
            self.results = {name: TypeResult(**result) for name, result in stored.value["results"].items()}
        for data_type in data_types:
            result = self.results.setdefault(data_type, TypeResult())
            if not result.done:
                await self._export(data_type, result)
        failed = [result for result in self.results.values() if result.error]
        if len(failed) == len(self.results) and all(result.retryable for result in failed):
            error = failed[0].error
            await self._reopen()
            raise TransientFailure(f"no record type could be exported: {error}")
        return await self._write_manifest()

    async def _export(self, data_type: str, result: TypeResult) -> None:
        """Write page by page; pages that a previous delivery wrote are passed over."""
        written = len(result.objects)
        number = 0
        try:
            held: list[dict[str, Any]] | None = None
            async for page in self._ctx.crm.iter_raw(data_type, self._page_size):
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
        name = f"{self.timestamp}.json" if single else f"{self.timestamp}-page-{number}.json"
        key = f"{self._target.prefix}/{data_type}/{name}"
        content = json.dumps(page, ensure_ascii=False, default=str).encode()
        await self._put(key, content)
        result.objects.append(
            {"key": key, "records": len(page), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        )
        await self._keep()

    async def _put(self, key: str, content: bytes) -> None:
        await self._ctx.backups.put(self._target.bucket, key, content, "application/json", auth=self._target.auth)

    async def _keep(self) -> None:
        value: Mapping[str, Any] = {
            "timestamp": self.timestamp,
            "results": {name: asdict(result) for name, result in self.results.items()},
        }
        await self._ctx.state.put(self._checkpoint, value, ttl_seconds=REMEMBERED_SECONDS)

    async def _reopen(self) -> None:
        """Let the next attempt go on where this one stopped, with the same timestamp and the pages written."""
        for result in self.results.values():
            result.done, result.error, result.retryable = False, "", False
        await self._keep()

    async def _write_manifest(self) -> str:
        """The manifest's key. A manifest that could not be written is only a warning."""
        key = f"{self._target.prefix}/manifests/{self.timestamp}.json"
        manifest = {
            "format_version": FORMAT_VERSION,
            "source_account": self._ctx.account_id,
            "connection_id": self._ctx.connection_id,
            "timestamp": self.timestamp,
            "data_types": {
                name: {
                    "record_count": result.record_count,
                    "page_count": result.page_count,
                    "objects": result.objects,
                    **({"error": result.error} if result.error else {}),
                }
                for name, result in self.results.items()
            },
        }
        try:
            await self._put(key, json.dumps(manifest, ensure_ascii=False).encode())
        except HelperError as exc:
            self._ctx.log(f"the manifest could not be written: {exc}")
        return key
