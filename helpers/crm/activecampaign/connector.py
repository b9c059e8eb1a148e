"""ActiveCampaign: ids, totals and flags are text, bodies are wrapped in the resource's name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from helpers.crm.activecampaign.company import CompanyLink
from helpers.crm.activecampaign.vocabulary import (
    ATTRIBUTES,
    DEALS,
    DIALECT,
    LINKED,
    ORDERS,
    PAGE_SIZE,
    RESUBSCRIBE_SOURCE,
    SUBSCRIBED,
    UNSUBSCRIBED,
    VALUES,
)
from helpers.crm.client import path
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.fields import VendorField
from helpers.crm.models import ContactPage, ContactQuery, Tag
from helpers.crm.paging import all_pages
from helpers.crm.paths import Record, at
from helpers.crm.related import RecordShape
from helpers.crm.values import note_text
from helpers.crm.vendor import VendorConnector
from helpers.rules.text import to_text


class ActiveCampaignConnector(VendorConnector):
    """One account. ``settings``: ``list_ids`` (a list or a comma list) are the lists an opt-in subscribes to."""

    platform = "activecampaign"
    platform_name = "ActiveCampaign"
    api_version = "3"
    capabilities = ("contacts", "tags", "custom_fields", "automations", "deals", "emails")
    dialect = DIALECT
    values = VALUES
    attributes = ATTRIBUTES
    created_key = "created"
    updated_key = "updated"
    related: ClassVar[Mapping[str, tuple[str, RecordShape]]] = {
        "invoice": ("orders", ORDERS),
        "job": ("orders", ORDERS),
        "lead": ("deals", DEALS),
    }

    async def _all(self, url: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of a list."""

        async def page(offset: int) -> list[dict[str, Any]]:
            return self.client.records(await self.client.get(url, limit=PAGE_SIZE, offset=offset, **params), key)

        return await all_pages(page, PAGE_SIZE)

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        """By ascending id; the cursor is the last id. List records hold no custom values, so each one is read whole."""
        query = query or ContactQuery()
        limit = min(query.limit, PAGE_SIZE)
        answer = await self.client.get(
            "/contacts",
            **{
                "limit": limit,
                "orders[id]": "ASC",
                "id_greater": query.cursor,
                "offset": None if query.cursor else query.offset,
                "status": -1,
                "email": None if query.email is None else query.email.strip(),
                "tagid": None if query.tag_id is None else (await self.find_tag(query.tag_id)).id,
                **query.filters,
            },
        )
        records = self.client.records(answer, "contacts")
        more = len(records) == limit
        total = to_text(at(answer, "meta.total"))
        return ContactPage(
            contacts=[
                await self.normalize(_brief(record) if query.brief else await self.fetch(str(record["id"])))
                for record in records
            ],
            total=int(total) if total.isdecimal() and not query.cursor else None,
            next_cursor=str(records[-1]["id"]) if more else None,
            has_more=more,
        )

    async def fetch(self, contact_id: str) -> Record:
        answer = await self.client.get(path("/contacts/{id}", id=contact_id))
        self.client.required(answer, "contact.id")
        accounts = self.client.records(answer, "accountContacts", identifier="")
        return {
            **_dated(answer["contact"]),
            "jobTitle": next((link.get("jobTitle") for link in accounts), None),
            "accounts": accounts,
            "values": self.client.records(answer, "fieldValues", identifier="field"),
            "tags": await self._links(contact_id),
        }

    async def delete_contact(self, contact_id: str) -> None:
        await self.client.call("DELETE", path("/contacts/{id}", id=contact_id))

    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        body = _body(attributes, custom)
        if body:
            await self.client.call("PUT", path("/contacts/{id}", id=contact_id), json={"contact": body})
        await self._write_company(contact_id, attributes)

    async def insert(self, attributes: Record, custom: Record) -> str:
        if not attributes.get("email"):
            raise self.client.error(CrmErrorCode.VALIDATION, "an ActiveCampaign contact needs an e-mail", status=400)
        answer = await self.client.call(
            "POST", "/contact/sync", json={"contact": _body(attributes, custom)}, repeatable=True
        )
        contact_id = str(self.client.required(answer, "contact.id"))
        await self._write_company(contact_id, {name: value for name, value in attributes.items() if value})
        return contact_id

    async def _write_company(self, contact_id: str, attributes: Record) -> None:
        if not any(name in attributes for name in LINKED):
            return
        answer = await self.client.get(path("/contacts/{id}", id=contact_id))
        links = self.client.records(answer, "accountContacts", identifier="account")
        await CompanyLink(self.client, contact_id, links).write(attributes.get("company"), attributes.get("job_title"))

    # fields ---------------------------------------------------------------------------------------------
    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        return await super().get_field_value(contact_id, _unquoted(field_key))

    async def set_field_values(self, contact_id: str, values: Mapping[str, Any]) -> None:
        await super().set_field_values(contact_id, {_unquoted(key): value for key, value in values.items()})

    def custom_values(self, record: Record) -> Record:
        return {str(entry["field"]): entry.get("value") for entry in record["values"]}

    async def load_fields(self) -> list[VendorField]:
        options: dict[str, list[str]] = {}

        async def page(offset: int) -> list[dict[str, Any]]:
            answer = await self.client.get("/fields", limit=PAGE_SIZE, offset=offset)
            for option in self.client.records(answer, "fieldOptions", identifier="field"):
                options.setdefault(str(option["field"]), []).append(str(option.get("label") or option.get("value")))
            return self.client.records(answer, "fields")

        return [
            VendorField(
                id=str(field["id"]),
                key=field.get("perstag") or "",
                label=field.get("title") or "",
                field_type=field.get("type") or "",
                options=options.get(str(field["id"]), []),
                default_value=field.get("defval"),
            )
            for field in await all_pages(page, PAGE_SIZE)
        ]

    # tags -----------------------------------------------------------------------------------------------
    async def _links(self, contact_id: str) -> list[Record]:
        answer = await self.client.get(path("/contacts/{id}/contactTags", id=contact_id))
        return list(self.client.records(answer, "contactTags", identifier="tag"))

    def tag_ids(self, record: Record) -> list[str]:
        return [str(link["tag"]) for link in record["tags"]]

    async def load_tags(self) -> list[Tag]:
        return [
            Tag(id=tag["id"], name=tag.get("tag"), description=tag.get("description"))
            for tag in await self._all("/tags", "tags")
            if tag.get("tagType", "contact") == "contact"
        ]

    async def make_tag(self, name: str) -> Tag:
        body = {"tag": {"tag": name, "tagType": "contact", "description": ""}}
        made = await self.client.call("POST", "/tags", json=body)
        return Tag(id=self.client.required(made, "tag.id"), name=at(made, "tag.tag") or name)

    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        link = {"contact": contact_id, "tag": tag.id}
        await self.client.call("POST", "/contactTags", json={"contactTag": link}, repeatable=True)

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        for link in await self._links(contact_id):
            if str(link["tag"]) == tag.id:
                await self._unlink(str(link["id"]))

    async def _unlink(self, link_id: str) -> None:
        try:
            await self.client.call("DELETE", path("/contactTags/{id}", id=link_id))
        except CrmError as exc:
            # Gone since the list was read.
            if exc.code is not CrmErrorCode.NOT_FOUND:
                raise

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        body = {"contactAutomation": {"contact": contact_id, "automation": automation_id}}
        await self.client.call("POST", "/contactAutomations", json=body)

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        """Consent is per list: opting out leaves every list; opting in takes the configured lists, else those left."""
        answer = await self.client.get(path("/contacts/{id}/contactLists", id=contact_id))
        entries = self.client.records(answer, "contactLists", identifier="list")
        states = {str(entry["list"]): str(entry.get("status")) for entry in entries}
        if opt_in:
            chosen = self._chosen_lists()
            lists = chosen or [list_id for list_id, status in states.items() if status == UNSUBSCRIBED]
            if not lists and SUBSCRIBED not in states.values():
                raise self.client.error(
                    CrmErrorCode.VALIDATION, "no list to subscribe to: set list_ids on the connection", status=400
                )
        else:
            lists = [list_id for list_id, status in states.items() if status != UNSUBSCRIBED]
        for list_id in lists:
            entry: dict[str, Any] = {
                "list": list_id, "contact": contact_id, "status": int(SUBSCRIBED if opt_in else UNSUBSCRIBED)
            }  # fmt: skip
            if opt_in and states.get(list_id) == UNSUBSCRIBED:
                entry["sourceid"] = RESUBSCRIBE_SOURCE
            await self.client.call("POST", "/contactLists", json={"contactList": entry}, repeatable=True)

    def _chosen_lists(self) -> list[str]:
        stored = self.settings.get("list_ids") or ()
        return [part.strip() for part in to_text(stored).split(",") if part.strip()]

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        note = {"note": note_text(title, body), "reltype": "Subscriber", "relid": contact_id}
        return str(at(await self.client.call("POST", "/notes", json={"note": note}), "note.id") or "")

    # deals ----------------------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The deals of the contact; amounts are in cents at the vendor."""
        answer = await self.client.get(path("/contacts/{id}/deals", id=contact_id))
        found = self.client.records(answer, "deals")
        return [{**deal, "amount": _from_cents(deal.get("value"))} for deal in found]

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        await self.client.call("PUT", path("/deals/{id}", id=opportunity_id), json={"deal": {"stage": stage_id}})

    async def orders(self, contact_id: str) -> list[Record]:
        """The deep-data orders of the contact's address."""
        email = at(await self._record(contact_id), "email")
        if not email:
            return []  # without the filter the vendor lists the orders of everybody
        found = await self._all("/ecomOrders", "ecomOrders", **{"filters[email]": email})
        return [{**order, "total": _from_cents(order.get("totalPrice"))} for order in found]

    async def test_connection(self) -> None:
        await self.client.get("/users/me")


def _body(attributes: Record, custom: Record) -> dict[str, Any]:
    body: dict[str, Any] = {ATTRIBUTES[name]: value for name, value in attributes.items() if name not in LINKED}
    if custom:
        body["fieldValues"] = [{"field": key, "value": value} for key, value in custom.items()]
    return body


def _brief(record: Record) -> Record:
    return {**_dated(record), "values": [], "tags": []}


def _dated(record: Record) -> Record:
    return {
        **record,
        "created": record.get("created_utc_timestamp") or record.get("cdate"),
        "updated": record.get("updated_utc_timestamp") or record.get("udate"),
    }


def _unquoted(key: str) -> str:
    """%PERSTAG% as PERSTAG."""
    return key[1:-1] if len(key) > 2 and key.startswith("%") and key.endswith("%") else key


def _from_cents(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(Decimal(str(value)) / 100)
    except ArithmeticError:
        return None
