"""HubSpot: workflows, consent, notes, deals and orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from helpers.crm.client import path
from helpers.crm.errors import CrmErrorCode
from helpers.crm.hubspot.vocabulary import (
    DEAL_PROPERTIES,
    DEALS,
    DIALECT,
    NOTE_CHARACTERS,
    NOTE_TO_CONTACT,
    ORDER_PROPERTIES,
    ORDERS,
    VALUES,
    VERSION,
)
from helpers.crm.models import Opportunity
from helpers.crm.paths import Record, at
from helpers.crm.related import RecordShape
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

    async def _email(self, contact_id: str) -> str:
        email = str(await self.get_field_value(contact_id, "email") or "")
        if not email:
            raise self.client.error(CrmErrorCode.VALIDATION, "the contact has no e-mail address", status=400)
        return email

    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        """Workflows are enrolled by e-mail, under their old numeric id."""
        url = path(
            "/automation/v2/workflows/{workflow}/enrollments/contacts/{email}",
            workflow=automation_id,
            email=await self._email(contact_id),
        )
        await self.client.call("POST", url)

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        address = email or await self._email(contact_id)
        if not opt_in:
            url = path(STATUSES + "/{email}/unsubscribe-all", email=address)
            await self.client.call("POST", url, params={"channel": "EMAIL"}, repeatable=True)
            return
        for subscription in await self._subscriptions():
            body: dict[str, Any] = {"channel": "EMAIL", "statusState": "SUBSCRIBED", "subscriptionId": subscription}
            if reason:
                body |= {"legalBasis": "CONSENT_WITH_NOTICE", "legalBasisExplanation": reason}
            await self.client.call("POST", path(STATUSES + "/{email}", email=address), json=body, repeatable=True)

    async def _subscriptions(self) -> list[int]:
        """The configured subscription types, else every active one that is not internal."""
        chosen = [int(entry) for entry in self.settings.get("subscription_type_ids") or ()]
        if not chosen:
            answer = await self.client.get(f"/communication-preferences/{VERSION}/definitions")
            chosen = [
                int(entry["id"])
                for entry in answer.get("results") or []
                if entry.get("isActive") and not entry.get("isInternal")
            ]
        if not chosen:
            raise self.client.error(CrmErrorCode.VALIDATION, "the portal has no active subscription type", status=400)
        return chosen

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        text = "\n\n".join(part for part in (title, body) if part)[:NOTE_CHARACTERS]
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
        return str((made or {}).get("id") or "")

    # deals and orders -------------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The deals associated with the contact."""
        return await self._associated(contact_id, "deals", DEAL_PROPERTIES)

    async def orders(self, contact_id: str) -> list[Record]:
        """The orders associated with the contact."""
        return await self._associated(contact_id, "orders", ORDER_PROPERTIES)

    async def _associated(self, contact_id: str, kind: str, properties: str) -> list[Record]:
        base = f"/crm/objects/{VERSION}"
        found: list[Record] = []
        after: str | None = None
        while True:
            url = path(base + "/contacts/{id}/associations/{kind}", id=contact_id, kind=kind)
            answer = await self.client.get(url, after=after)
            for entry in answer.get("results") or []:
                identifier = entry.get("toObjectId") or entry.get("id")
                record = path(base + "/{kind}/{id}", kind=kind, id=identifier)
                found.append(await self.client.get(record, properties=properties))
            after = at(answer, "paging.next.after")
            if after is None:
                return found

    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        return [
            Opportunity(
                id=str(deal["id"]),
                contact_id=contact_id,
                stage_id=str(at(deal, "properties.dealstage") or ""),
                created_at=at(deal, "properties.createdate") or deal.get("createdAt"),
            )
            for deal in await self.deals(contact_id)
            if stage_id is None or at(deal, "properties.dealstage") == stage_id
        ]

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        url = path(f"/crm/objects/{VERSION}/deals/{{id}}", id=opportunity_id)
        await self.client.call("PATCH", url, json={"properties": {"dealstage": stage_id}})

    async def test_connection(self) -> None:
        await self.client.get(f"/account-info/{VERSION}/details")
