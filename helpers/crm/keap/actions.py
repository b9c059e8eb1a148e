"""Keap: automations, goals, consent, notes, deals and related records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from helpers.crm.client import path
from helpers.crm.errors import CrmError, CrmErrorCode, NotFound
from helpers.crm.keap.vocabulary import (
    ADDRESS_TIMES,
    CARDS,
    DIALECT,
    EMAIL_TIMES,
    ENGAGEMENT,
    MONEY_DIGITS,
    NOTE_TYPES,
    OPPORTUNITIES,
    ORDERS,
    PAGE_SIZE,
    PAYMENTS,
    SUBSCRIPTIONS,
    VALUES,
)
from helpers.crm.paths import Record, at
from helpers.crm.related import RecordShape
from helpers.crm.vendor import VendorConnector
from helpers.rules.text import to_text

DEFAULT_REASON = "Requested through MyFusion Helper"


class KeapActions(VendorConnector):
    """The half of the connector that is no contact, field or tag."""

    dialect = DIALECT
    values = VALUES
    related: ClassVar[Mapping[str, tuple[str, RecordShape]]] = {
        "invoice": ("orders", ORDERS),
        "job": ("orders", ORDERS),
        "subscription": ("subscriptions", SUBSCRIPTIONS),
        "lead": ("leads", OPPORTUNITIES),
        "payment": ("payments", PAYMENTS),
        "creditcard": ("cards", CARDS),
    }

    async def pages(
        self, url: str, *keys: str, page_size: int = PAGE_SIZE, identifier: str = "id", **params: Any
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """All pages of a list; ``keys`` are the names its records may have in the answer."""
        token: str | None = None
        while True:
            answer = await self.client.get(url, page_size=page_size, page_token=token, **params)
            yield self.client.records(
                answer, next((key for key in keys if answer.get(key)), keys[0]), identifier=identifier
            )
            following = answer.get("next_page_token") or None
            if following is None:
                return
            if following == token:
                raise self.client.error(CrmErrorCode.UPSTREAM, f"{url} repeats its page token", status=200)
            token = following

    def check_result(self, answer: Record, key: str, contact_id: str, failure: str) -> None:
        """Raise when the per-contact map of a 200 answer says no, or nothing; ``key`` is where the map is."""
        results = answer.get(key, answer)
        text = to_text(results.get(contact_id) if isinstance(results, Mapping) else None).strip()
        words = text.upper()
        if words and not any(word in words for word in ("FAIL", "NOT", "INVALID", "ERROR")):
            return
        missing = "EXIST" in words or "NOT FOUND" in words
        raise self.client.error(
            CrmErrorCode.NOT_FOUND if missing else CrmErrorCode.PARTIAL,
            f"{failure}: {text or 'Keap gave no result for the contact'}",
            status=200,
        )

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        """``campaign/sequence`` or ``campaign:sequence``; a campaign alone only if it has one sequence."""
        campaign, _, sequence = automation_id.strip().replace(":", "/").partition("/")
        if not sequence:
            sequence = await self._only_sequence(campaign)
        answer = await self.client.call(
            "POST",
            path("/campaigns/{campaign}/sequences/{sequence}:addContacts", campaign=campaign, sequence=sequence),
            json={"contact_ids": [contact_id]},
            repeatable=True,  # a contact that is in the sequence already is answered as such
        )
        self.check_result(answer, "add_to_sequence_results", contact_id, f"automation {automation_id} was not started")

    async def _only_sequence(self, campaign: str) -> str:
        answer = await self.client.get(path("/campaigns/{campaign}/sequences", campaign=campaign))
        sequences = self.client.records(answer, "sequences")
        if len(sequences) == 1:
            return str(sequences[0]["id"])
        choices = ", ".join(f"{campaign}/{entry['id']} ({entry.get('name', '')})" for entry in sequences) or "none"
        raise self.client.error(
            CrmErrorCode.VALIDATION,
            f"campaign {campaign} does not have exactly one sequence; write one of: {choices}",
            status=400,
        )

    async def achieve_goal(self, contact_id: str, goal_name: str, integration: str = "") -> None:
        if not contact_id.isdecimal():
            raise NotFound(self.slug, "contact", contact_id)
        answer = await self.client.call(
            "POST",
            "/automations/goals/achieve",
            json={"integration": integration, "call_name": goal_name, "contact_id": int(contact_id)},
        )
        results = self.client.records(answer, "results", identifier="")
        if not any(result.get("success") is True for result in results):
            why = next(
                (result.get("message") for result in results if result.get("message")), "no automation listens to it"
            )
            raise self.client.error(CrmErrorCode.PARTIAL, f"goal {goal_name!r} was not achieved: {why}", status=200)

    async def goal_achieved(self, contact_id: str, goal: str) -> bool | None:
        """Keap keeps no history of API goals."""
        return None

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        address = email or str(await self.get_field_value(contact_id, "email") or "")
        if not address:
            raise self.client.error(CrmErrorCode.VALIDATION, "the contact has no e-mail address", status=400)
        answer = await self.client.call(
            "PATCH",
            path("/emailAddresses/{email}/status", email=address),
            json={"opted_in": opt_in, "reason": reason.strip() or DEFAULT_REASON},
        )
        if bool(answer.get("opted_in", opt_in)) is not opt_in:
            # Keap keeps list unsubscribes, bounces and spam reports whatever is asked.
            raise self.client.error(
                CrmErrorCode.PARTIAL,
                f"Keap keeps the status {answer.get('status', 'unknown')} of the address",
                status=200,
            )

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        made = await self.client.call(
            "POST",
            path("/contacts/{id}/notes", id=contact_id),
            json={
                "user_id": await self._note_author(),
                "title": title,
                "text": body,
                "type": NOTE_TYPES.get(note_type.strip().lower(), "Other"),
            },
        )
        return to_text(made.get("id"))

    async def _note_author(self) -> str:
        """Notes need a user: the one who connected the account, else the first one."""
        email = (await self.client.get("/oauth/connect/userinfo")).get("email")
        for condition in (f"email=={email}" if email else None, None):
            users = self.client.records(await self.client.get("/users", filter=condition, page_size=1), "users")
            if users:
                return str(users[0]["id"])
        raise self.client.error(CrmErrorCode.VALIDATION, "the application has no user to write notes as", status=400)

    # deals ----------------------------------------------------------------------------------------------
    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        await self.client.call(
            "PATCH",
            path("/opportunities/{id}", id=opportunity_id),
            params={"update_mask": "stage_id"},
            json={"stage_id": stage_id},
        )

    # related records --------------------------------------------------------------------------------------
    async def orders(self, contact_id: str) -> list[Record]:
        """Orders, which Keap's older names call invoices and jobs; amounts in the currency's main unit."""
        found = await self._all("/orders", "orders", f"contact_id=={contact_id}", "order_time asc")
        return [{key: _in_main_unit(value) for key, value in order.items()} for order in found]

    async def subscriptions(self, contact_id: str) -> list[Record]:
        """Subscriptions."""
        return await self._all("/subscriptions", "subscriptions", f"contact_id=={contact_id}", "id asc")

    async def leads(self, contact_id: str) -> list[Record]:
        """Opportunities, which the older names call leads."""
        found = await self._all("/opportunities", "opportunities", f"contact_id=={contact_id}", "created_time asc")
        # The contact filter is young; an application that ignores it must not have foreign deals moved.
        return [deal for deal in found if str(at(deal, "contact.id") or contact_id) == contact_id]

    async def payments(self, contact_id: str) -> list[Record]:
        """Payments."""
        return await self._all("/sales/payments", "payments", f"contact_id=={contact_id}", "payment_time asc")

    async def cards(self, contact_id: str) -> list[Record]:
        """Stored payment methods, masked."""
        url = path("/contacts/{id}/paymentMethods", id=contact_id)
        pages = self.pages(url, "payment_methods", "paymentMethods", identifier="")
        return [record async for page in pages for record in page]

    async def _all(self, url: str, key: str, condition: str, order: str) -> list[Record]:
        pages = self.pages(url, key, identifier="", filter=condition, order_by=order)
        return [record async for page in pages for record in page]

    async def email_events(self, contact_id: str, email: str) -> list[dict[str, str]]:
        """One send, at most one open and one click per mail (spec data D13)."""
        condition = f"contact_id=={contact_id}" + (f";email=={email}" if email else "")
        mails = await self._all("/emails", "emails", condition, "created_time desc")
        return [
            {"type": kind, "at": mail[key]} for mail in mails for kind, key in EMAIL_TIMES.items() if mail.get(key)
        ]  # fmt: skip

    async def email_time(self, contact_id: str, email: str, kind: str) -> str | None:
        """Keap keeps the times of each address, so that nobody has to look through the mails."""
        try:
            status = await self.client.get(path("/emailAddresses/{email}/status", email=email))
        except CrmError as exc:
            if exc.code is not CrmErrorCode.NOT_FOUND:
                raise
            return None
        return status.get(ADDRESS_TIMES[kind])

    async def unknown_field(self, contact_id: str, key: str) -> Any:
        """Keys of the engagement helpers are derived from the e-mails that were sent to the contact."""
        if key not in ENGAGEMENT:
            return None
        kind, what = ENGAGEMENT[key]
        times = [event["at"] for event in await self.email_events(contact_id, "") if event["type"] == kind]
        return len(times) if what == "count" else max(times, default=None)

    # account --------------------------------------------------------------------------------------------
    async def test_connection(self) -> None:
        await self.client.get("/oauth/connect/userinfo")


def _in_main_unit(value: Any) -> Any:
    """A money object with its amount in dollars instead of cents.

    Keap describes the amount as the smallest unit of the currency, and the formatted text shows where the main unit
    ends; without that text the amount is taken as it is.
    """
    if not isinstance(value, Mapping) or "amount" not in value:
        return value
    shown = MONEY_DIGITS.sub("", str(value.get("formatted_amount") or ""))
    digits = shown.replace(".", "").replace(",", "")
    if digits.lstrip("0") != str(value["amount"]).lstrip("-0"):
        return value
    if shown[-3:-2] not in (".", ","):
        return value  # a currency without cents
    return {**value, "amount": float(Decimal(str(value["amount"])) / 100)}
