"""The control documents: an operator pauses a type or changes its concurrency, and the worker obeys within seconds.

SSM String ``/mfh/{stage}/control/{helper_type}``: ``{"paused": false, "concurrency": 20}``, both keys optional.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet import names

if TYPE_CHECKING:
    from types_aiobotocore_ssm.client import SSMClient

log = structlog.get_logger(__name__)


class Control(BaseModel):
    """What an operator wants of one helper type; the default is what the settings say."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    paused: bool = False
    concurrency: int | None = Field(default=None, ge=1, le=5000)

    @property
    def maximum(self) -> int | None:
        """Groups at work at a time: 0 when paused, None when the settings decide."""
        return 0 if self.paused else self.concurrency


Apply = Callable[[str, Control], None]


class ControlWatch:
    """Reads the documents of the served types and reports each change once."""

    def __init__(
        self, ssm: SSMClient, stage: str, helper_types: Sequence[str], apply: Apply, *, seconds: float
    ) -> None:
        self._ssm = ssm
        self._stage = stage
        self._types = helper_types
        self._apply = apply
        self._seconds = seconds
        self._applied: dict[str, Control] = {}

    async def run(self) -> None:
        """Look every few seconds until cancelled. A look that fails changes nothing."""
        while True:
            try:
                await self.look()
            except Exception as exc:  # noqa: BLE001 - whatever it is, the last known control stays in force
                log.warning("control_documents_unreadable", error=str(exc))
            await asyncio.sleep(self._seconds)

    async def look(self) -> None:
        """Read the documents once and apply what changed; a document that went away restores the settings."""
        documents = await self._documents()
        for helper_type in self._types:
            control = self._parsed(helper_type, documents.get(helper_type))
            if control is not None and control != self._applied.get(helper_type, Control()):
                log.info("control_applied", helper_type=helper_type, **control.model_dump())
                self._applied[helper_type] = control
                self._apply(helper_type, control)

    @staticmethod
    def _parsed(helper_type: str, text: str | None) -> Control | None:
        if text is None:
            return Control()
        try:
            return Control.model_validate_json(text)
        except ValidationError as exc:
            log.warning("control_document_refused", helper_type=helper_type, problems=exc.error_count())
            return None

    async def _documents(self) -> dict[str, str]:
        if len(self._types) == 1:
            name = names.control_parameter(self._stage, self._types[0])
            try:
                answer = await self._ssm.get_parameter(Name=name)
            except self._ssm.exceptions.ParameterNotFound:
                return {}
            return {self._types[0]: answer["Parameter"]["Value"]}
        documents: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            page = await self._ssm.get_parameters_by_path(
                Path=names.control_parameters(self._stage),
                MaxResults=10,
                **token,  # type: ignore[arg-type] # NextToken, where there is one
            )
            documents |= {entry["Name"].rpartition("/")[2]: entry["Value"] for entry in page["Parameters"]}
            if not page.get("NextToken"):
                return documents
            token = {"NextToken": page["NextToken"]}
