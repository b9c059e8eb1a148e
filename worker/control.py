"""Control documents: an operator pauses a type or changes its concurrency without a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet import names
from worker.consumer import Consumer

if TYPE_CHECKING:
    from types_aiobotocore_ssm.client import SSMClient

log = structlog.get_logger(__name__)


class ControlDocument(BaseModel):
    """``{"paused": true, "concurrency": 5}``; both keys are optional."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    paused: bool = False
    concurrency: int | None = Field(default=None, ge=1, le=500)


class Control:
    """Reads ``/mfh/{stage}/control`` by path every few seconds and applies what changed.

    ``concurrency`` of the only type served is the worker's; in a pool the sum of all limits is not ours to guess, so
    the smallest one given applies. A document that cannot be read is logged and the last one stays.
    """

    def __init__(
        self,
        ssm: SSMClient,
        stage: str,
        consumer: Consumer,
        *,
        interval_seconds: float,
        default_concurrency: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ssm = ssm
        self._stage = stage
        self._consumer = consumer
        self._interval = interval_seconds
        self._default_concurrency = default_concurrency
        self._sleep = sleep
        self._documents: dict[str, ControlDocument] = {}
        self._concurrency = default_concurrency

    async def run(self) -> None:
        """Follow the documents for ever."""
        while True:
            try:
                await self.refresh()
            except Exception as exc:  # noqa: BLE001 - SSM being away must not stop the work
                log.warning("control_unreadable", error=repr(exc))
            await self._sleep(self._interval)

    async def refresh(self) -> None:
        """Read the documents once and apply them."""
        found = await self._read()
        for helper_type, poller in self._consumer.pollers.items():
            paused = found.get(helper_type, ControlDocument()).paused
            if paused and not poller.paused:
                poller.pause()
                log.warning("paused_by_operator", helper_type=helper_type)
            elif not paused and poller.paused:
                poller.resume()
                log.warning("resumed_by_operator", helper_type=helper_type)
        limits = [
            document.concurrency
            for helper_type in self._consumer.pollers
            if (document := found.get(helper_type)) is not None and document.concurrency is not None
        ]
        wanted = min(limits) if limits else self._default_concurrency
        if wanted != self._concurrency:
            self._concurrency = wanted
            await self._consumer.permits.resize(wanted)
            log.warning("concurrency_set_by_operator", concurrency=wanted)

    async def _read(self) -> dict[str, ControlDocument]:
        request: dict[str, str] = {}
        names_and_values: list[tuple[str, str]] = []
        while True:
            answer = await self._ssm.get_parameters_by_path(
                Path=names.control_parameters(self._stage),
                MaxResults=10,
                **request,  # type: ignore[arg-type]
            )
            names_and_values += [(entry["Name"].rsplit("/", 1)[-1], entry["Value"]) for entry in answer["Parameters"]]
            if not answer.get("NextToken"):
                break
            request = {"NextToken": answer["NextToken"]}
        for helper_type, value in names_and_values:
            try:
                self._documents[helper_type] = ControlDocument.model_validate(json.loads(value))
            except (ValueError, ValidationError) as exc:
                log.warning("control_document_refused", helper_type=helper_type, error=str(exc))
        present = {helper_type for helper_type, _value in names_and_values}
        self._documents = {key: value for key, value in self._documents.items() if key in present}
        return self._documents
