"""HubSpot: workflows, consent, notes, companies, deals and orders."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from helpers.crm.client import path
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.hubspot.search import Position
from helpers.crm.hubspot.vocabulary import (
    COMPANIES,
    CONTACTS,
    DEAL_PROPERTIES,
    DEALS,
    DIALECT,
    NOTE_CHARACTERS,
    NOTE_TO_CONTACT,
    ORDER_PROPERTIES,
    ORDERS,
    SEARCHES,
    VALUES,
    VERSION,
)
from helpers.crm.paths import Record, at
from helpers.crm.rate_limit import RateLimiter
from helpers.crm.related import RecordShape
from helpers.crm.values import note_text
from helpers.crm.vendor import VendorConnector

STATUSES = f"/communication-preferences/{VERSION}/statuses"


class HubSpotActions(VendorConnector):
    """The half of the connector that is no contact, property or list."""

    dialect = DIALECT
    values = VALUES
    related: ClassVar[Mapping[str, tuple[str, RecordShape]]] = {
        "invoice": ("orders", ORDERS),
        "job": ("orders", ORDERS),
        "lead": ("deals", DEALS),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._searches = RateLimiter((SEARCHES,), self.client.clock)
        self._companies_made: dict[str, str] = {}
        self._companies_lock = asyncio.Lock()

    async def search(self, url: str, body: Record) -> Record:
        """One search of objects; POST, but without effect."""
        await self._searches.acquire()
        answer: Record = await self.client.call("POST", f"{url}/search", json=body, repeatable=True)
        return answer

    def rows(self, answer: Record, key: str = "results", *, identifier: str = "id") -> list[dict[str, Any]]:
        """The records of an answer, which HubSpot always sends, if none of them. Raises UPSTREAM."""
        self.client.required(answer, key)
        return self.client.records(answer, key, identifier=identifier)

    def whole(self, answer: Record) -> Record:
        """The answer of a batch. Raises PARTIAL for a 207 that names errors."""
        if answer.get("errors"):
            text = str(at(answer, "errors.0.message") or "not everything was written")
            raise self.client.error(CrmErrorCode.PARTIAL, text, status=207)
        return answer

    async def _email(self, contact_id: str) -> str:
        record = (self.records or {}).get(contact_id)
        if record is None:
            record = await self.client.get(path(CONTACTS + "/{id}", id=contact_id), properties="email")
        email = str(at(record, "properties.email") or "").strip()
        if not email:
            raise self.client.error(CrmErrorCode.VALIDATION, "the contact has no e-mail address", status=400)
        return email

    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        """Workflows are enrolled by e-mail, under their old numeric id; the product shows the newer flow id."""
        email = await self._email(contact_id)
        try:
            await self._enrol(automation_id, email)
        except CrmError as exc:
            workflow = await self._workflow_of(automation_id) if exc.code is CrmErrorCode.NOT_FOUND else None
            if workflow in (None, automation_id):
                raise
            await self._enrol(str(workflow), email)

    async def _enrol(self, workflow: str, email: str) -> None:
        template = "/automation/v2/workflows/{workflow}/enrollments/contacts/{email}"
        await self.client.call("POST", path(template, workflow=workflow, email=email))

    async def _workflow_of(self, flow: str) -> str | None:
        """The old id behind a flow id, None where there is no such flow."""
        body = {"inputs": [{"type": "FLOW_ID", "flowId": flow}]}
        answer = await self.client.call(
            "POST", "/automation/v4/workflow-id-mappings/batch/read", json=body, repeatable=True
        )
        workflow = at(answer, "results.0.workflowId")
        return None if workflow is None else str(workflow)

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        address = email or await self._email(contact_id)
        if not opt_in:
            url = path(STATUSES + "/{email}/unsubscribe-all", email=address)
            self.whole(await self.client.call("POST", url, params={"channel": "EMAIL"}, repeatable=True))
            return
        for subscription in await self._subscriptions():
            body: dict[str, Any] = {"channel": "EMAIL", "statusState": "SUBSCRIBED", "subscriptionId": subscription}
            if reason:
                body |= {"legalBasis": "CONSENT_WITH_NOTICE", "legalBasisExplanation": reason}
            url = path(STATUSES + "/{email}", email=address)
            self.whole(await self.client.call("POST", url, json=body, repeatable=True))

    async def _subscriptions(self) -> list[int]:
        """The configured subscription types, else every active one that is not internal."""
        chosen = [int(entry) for entry in self.settings.get("subscription_type_ids") or ()]
        if not chosen:
            answer = await self.client.get(f"/communication-preferences/{VERSION}/definitions")
            chosen = [
                int(entry["id"]) for entry in self.rows(answer) if entry.get("isActive") and not entry.get("isInternal")
            ]
        if not chosen:
            raise self.client.error(CrmErrorCode.VALIDATION, "the portal has no active subscription type", status=400)
        return chosen

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        text = note_text(title, body)[:NOTE_CHARACTERS]
        association = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_CONTACT}
        now = self.client.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made = await self.client.call(
            "POST",
            f"/crm/objects/{VERSION}/notes",
            json={
                "properties": {"hs_timestamp": now, "hs_note_body": text},
                "associations": [{"to": {"id": contact_id}, "types": [association]}],
            },
        )
        return str(made.get("id") or "")

    async def link_company(self, contact_id: str, name: str) -> None:
        """Attach the contact to the company of that name, which is made where there is none."""
        # One at a time, and what was made is remembered: the search shows a new company only after some seconds.
        async with self._companies_lock:
            company = self._companies_made.get(name) or await self._find_company(name)
            if company is None:
                made = await self.client.call("POST", COMPANIES, json={"properties": {"name": name}})
                company = self._companies_made[name] = str(self.client.required(made, "id"))
        url = path(CONTACTS + "/{id}/associations/default/companies/{company}", id=contact_id, company=company)
        self.whole(await self.client.call("PUT", url))

    async def _find_company(self, name: str) -> str | None:
        body = Position().body({"name": name}, ["name"], 1)
        found = self.rows(await self.search(COMPANIES, body))
        return str(found[0]["id"]) if found else None

    # deals and orders -------------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The deals associated with the contact."""
        return _dated(await self._associated(contact_id, "deals", DEAL_PROPERTIES), "createdate")

    async def orders(self, contact_id: str) -> list[Record]:
        """The orders associated with the contact."""
        return _dated(await self._associated(contact_id, "orders", ORDER_PROPERTIES), "hs_createdate")

    async def _associated(self, contact_id: str, kind: str, properties: str) -> list[Record]:
        base = f"/crm/objects/{VERSION}"
        found: list[Record] = []
        after: str | None = None
        while True:
            url = path(base + "/contacts/{id}/associations/{kind}", id=contact_id, kind=kind)
            answer = await self.client.get(url, after=after)
            for entry in self.rows(answer, identifier=""):
                identifier = self.client.required(entry, "toObjectId" if "toObjectId" in entry else "id")
                record = path(base + "/{kind}/{id}", kind=kind, id=identifier)
                found.append(await self.client.get(record, properties=properties))
            after = at(answer, "paging.next.after")
            if after is None:
                return found

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        url = path(f"/crm/objects/{VERSION}/deals/{{id}}", id=opportunity_id)
        await self.client.call("PATCH", url, json={"properties": {"dealstage": stage_id}})

    async def test_connection(self) -> None:
        await self.client.get(f"/account-info/{VERSION}/details")


def _dated(records: list[Record], name: str) -> list[Record]:
    """The records with the property that says when they were made, else when HubSpot stored them."""
    return [{**record, "created": at(record, f"properties.{name}") or record.get("createdAt")} for record in records]
