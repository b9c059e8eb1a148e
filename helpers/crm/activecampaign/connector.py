"""ActiveCampaign: ids, totals and flags are text, bodies are wrapped in the resource's name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from helpers.crm.activecampaign.vocabulary import (
    ATTRIBUTES,
    DEALS,
    DIALECT,
    ORDERS,
    PAGE_SIZE,
    RESUBSCRIBE_SOURCE,
    SUBSCRIBED,
    UNSUBSCRIBED,
    VALUES,
)
from helpers.crm.client import path
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import ContactPage, ContactQuery, Opportunity, Tag
from helpers.crm.paths import Record, at
from helpers.crm.related import RecordShape
from helpers.crm.vendor import VendorConnector, VendorField


class ActiveCampaignConnector(VendorConnector):
    """One account. ``settings``: ``list_ids`` are the lists an opt-in subscribes to."""

    platform = "activecampaign"
    platform_name = "ActiveCampaign"
    api_version = "3"
    capabilities = ("contacts", "tags", "custom_fields", "automations", "deals", "notes")
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

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        """By ascending id; the cursor is the last id. List records hold no custom values: those are read one by one."""
        query = query or ContactQuery()
        limit = min(query.limit, PAGE_SIZE)
        answer = await self.client.get(
            "/contacts",
            **{
                "limit": limit,
                "orders[id]": "ASC",
                "id_greater": query.cursor,
                "status": -1,
                "email": None if query.email is None else query.email.strip(),
                "tagid": None if query.tag_id is None else (await self.find_tag(query.tag_id)).id,
                **query.filters,
            },
        )
        records = answer.get("contacts") or []
        more = len(records) == limit
        return ContactPage(
            contacts=[await self.normalize(await self._complete(record, brief=query.brief)) for record in records],
            total=None if query.cursor else int(at(answer, "meta.total") or 0),
            next_cursor=str(records[-1]["id"]) if more else None,
            has_more=more,
        )

    async def _complete(self, record: Record, *, brief: bool) -> Record:
        if brief:
            return {**_dated(record), "values": [], "tags": []}
        contact_id = str(record["id"])
        values = await self.client.get(path("/contacts/{id}/fieldValues", id=contact_id))
        return {**_dated(record), "values": values.get("fieldValues") or [], "tags": await self._links(contact_id)}

    async def fetch(self, contact_id: str) -> Record:
        answer = await self.client.get(path("/contacts/{id}", id=contact_id))
        return {
            **_dated(answer["contact"]),
            "values": answer.get("fieldValues") or [],
            "tags": await self._links(contact_id),
        }

    async def delete_contact(self, contact_id: str) -> None:
        await self.client.call("DELETE", path("/contacts/{id}", id=contact_id))

    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        if attributes.get("company") == "":
            raise self.client.error(CrmErrorCode.VALIDATION, "the company of a contact cannot be blanked", status=400)
        body = _body(attributes, custom)
        if body:
            await self.client.call("PUT", path("/contacts/{id}", id=contact_id), json={"contact": body})
        if attributes.get("company"):
            await self._link_account(contact_id, str(attributes["company"]))

    async def insert(self, attributes: Record, custom: Record) -> str:
        if not attributes.get("email"):
            raise self.client.error(CrmErrorCode.VALIDATION, "an ActiveCampaign contact needs an e-mail", status=400)
        answer = await self.client.call(
            "POST", "/contact/sync", json={"contact": _body(attributes, custom)}, repeatable=True
        )
        contact_id = str(answer["contact"]["id"])
        if attributes.get("company"):
            await self._link_account(contact_id, str(attributes["company"]))
        return contact_id

    async def _link_account(self, contact_id: str, name: str) -> None:
        """A contact's company is an account it is linked to; orgname cannot be written."""
        answer = await self.client.get("/accounts", search=name)
        wanted = name.strip().casefold()
        account = next((a for a in answer.get("accounts") or [] if str(a.get("name")).casefold() == wanted), None)
        if account is None:
            account = (await self.client.call("POST", "/accounts", json={"account": {"name": name}}))["account"]
        link = {"account": str(account["id"]), "contact": contact_id}
        try:
            await self.client.call("POST", "/accountContacts", json={"accountContact": link}, repeatable=True)
        except CrmError as exc:
            # 422 is the vendor's answer to a link that exists.
            if exc.status_code != 422:
                raise

    # fields ---------------------------------------------------------------------------------------------
    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        return await super().get_field_value(contact_id, _unquoted(field_key))

    async def set_field_values(self, contact_id: str, values: Mapping[str, Any]) -> None:
        await super().set_field_values(contact_id, {_unquoted(key): value for key, value in values.items()})

    def custom_values(self, record: Record) -> Record:
        return {str(entry["field"]): entry.get("value") for entry in record["values"]}

    async def load_fields(self) -> list[VendorField]:
        fields: list[Record] = []
        options: dict[str, list[str]] = {}
        while True:
            answer = await self.client.get("/fields", limit=PAGE_SIZE, offset=len(fields))
            page = answer.get("fields") or []
            for option in answer.get("fieldOptions") or []:
                options.setdefault(str(option["field"]), []).append(str(option.get("label") or option.get("value")))
            fields += page
            if len(page) < PAGE_SIZE:
                break
        return [
            VendorField(
                id=str(field["id"]),
                key=field.get("perstag") or "",
                label=field.get("title") or "",
                field_type=field.get("type") or "",
                options=options.get(str(field["id"]), []),
                default_value=field.get("defval"),
            )
            for field in fields
        ]

    # tags -----------------------------------------------------------------------------------------------
    async def _links(self, contact_id: str) -> list[Record]:
        answer = await self.client.get(path("/contacts/{id}/contactTags", id=contact_id))
        return list(answer.get("contactTags") or [])

    def tag_ids(self, record: Record) -> list[str]:
        return [str(link["tag"]) for link in record["tags"]]

    async def load_tags(self) -> list[Tag]:
        found: list[Record] = []
        while True:
            page = (await self.client.get("/tags", limit=PAGE_SIZE, offset=len(found))).get("tags") or []
            found += page
            if len(page) < PAGE_SIZE:
                break
        return [
            Tag(id=tag["id"], name=tag.get("tag"), description=tag.get("description"))
            for tag in found
            if tag.get("tagType", "contact") == "contact"
        ]

    async def make_tag(self, name: str) -> Tag:
        body = {"tag": {"tag": name, "tagType": "contact", "description": ""}}
        tag = (await self.client.call("POST", "/tags", json=body))["tag"]
        return Tag(id=tag["id"], name=tag.get("tag") or name)

    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        link = {"contact": contact_id, "tag": tag.id}
        await self.client.call("POST", "/contactTags", json={"contactTag": link}, repeatable=True)

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        for link in await self._links(contact_id):
            if str(link["tag"]) == tag.id:
                await self.client.call("DELETE", path("/contactTags/{id}", id=link["id"]))

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        body = {"contactAutomation": {"contact": contact_id, "automation": automation_id}}
        await self.client.call("POST", "/contactAutomations", json=body)

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        """Consent is per list: opting out leaves every list; opting in takes the configured lists, else those left."""
        answer = await self.client.get(path("/contacts/{id}/contactLists", id=contact_id))
        states = {str(entry["list"]): str(entry.get("status")) for entry in answer.get("contactLists") or []}
        if opt_in:
            chosen = [str(list_id) for list_id in self.settings.get("list_ids") or ()]
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

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        text = "\n\n".join(part for part in (title, body) if part)
        note = {"note": text, "reltype": "Subscriber", "relid": contact_id}
        return str(at(await self.client.call("POST", "/notes", json={"note": note}), "note.id") or "")

    # deals ----------------------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The deals of the contact; amounts are in cents at the vendor."""
        answer = await self.client.get(path("/contacts/{id}/deals", id=contact_id))
        return [{**deal, "amount": _from_cents(deal.get("value"))} for deal in answer.get("deals") or []]

    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        return [
            Opportunity(
                id=str(deal["id"]), contact_id=contact_id, stage_id=str(deal.get("stage") or ""),
                created_at=deal.get("cdate"),
            )
            for deal in await self.deals(contact_id)
            if stage_id is None or str(deal.get("stage")) == stage_id
        ]  # fmt: skip

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        await self.client.call("PUT", path("/deals/{id}", id=opportunity_id), json={"deal": {"stage": stage_id}})

    async def orders(self, contact_id: str) -> list[Record]:
        """The deep-data orders of the contact's address."""
        email = at(await self._record(contact_id), "email")
        found: list[Record] = []
        while True:
            answer = await self.client.get(
                "/ecomOrders", **{"filters[email]": email, "limit": PAGE_SIZE, "offset": len(found)}
            )
            page = answer.get("ecomOrders") or []
            found += [{**order, "total": _from_cents(order.get("totalPrice"))} for order in page]
            if len(page) < PAGE_SIZE:
                return found

    async def test_connection(self) -> None:
        await self.client.get("/users/me")


def _body(attributes: Record, custom: Record) -> dict[str, Any]:
    body: dict[str, Any] = {ATTRIBUTES[name]: value for name, value in attributes.items() if name != "company"}
    if custom:
        body["fieldValues"] = [{"field": key, "value": value} for key, value in custom.items()]
    return body


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
    return None if value in (None, "") else float(Decimal(str(value)) / 100)
