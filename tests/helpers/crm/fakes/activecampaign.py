"""A stateful ActiveCampaign: everything is text, values and tags lie beside the contact, consent is per list."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from helpers.crm.factory import ConnectorConfig
from tests.helpers.crm.fakes.base import Account, FakeVendor, route

P = "/api/3"


class FakeActiveCampaign(FakeVendor):
    """One account."""

    slug = "activecampaign"
    base_url = "https://acme.api-us1.com/api/3"

    def __init__(self) -> None:
        super().__init__()
        self.tags = {
            "1": {"id": "1", "tag": "VIP", "tagType": "contact"},
            "2": {"id": "2", "tag": "Cold", "tagType": "contact"},
            "9": {"id": "9", "tag": "Mail", "tagType": "template"},
        }
        self.contacts: dict[str, dict[str, Any]] = {}
        self.values: dict[str, dict[str, str]] = {}
        self.links: dict[str, tuple[str, str]] = {}
        self.lists: dict[tuple[str, str], str] = {("11", "1"): "1", ("11", "2"): "1"}
        self.automations: list[dict[str, str]] = []
        self.deals = {
            "70": {"id": "70", "contact": "11", "stage": "3", "value": "12345", "cdate": "2026-01-02T00:00:00-06:00"}
        }
        self.accounts: dict[str, str] = {}
        self.account_links: dict[str, dict[str, Any]] = {}
        self.add(
            {
                "firstName": "Ada",
                "lastName": "Byron",
                "email": "ada@example.com",
                "phone": "+15550100",
                "fieldValues": [{"field": "21", "value": "blue"}, {"field": "24", "value": "||Golf||Chess||"}],
            },
            "11",
        )
        self.add({"firstName": "Bob", "email": "bob@example.com"}, "12")
        self.add({"firstName": "Cy", "email": "cy@example.com"}, "13")
        self.links["500"] = ("11", "1")

    def authorized(self, request: Request) -> bool:
        return request.headers.get("api-token") == "key-1"

    def config(self) -> ConnectorConfig:
        return ConnectorConfig(api_key="key-1", base_url="https://acme.api-us1.com")

    def add(self, body: dict[str, Any], contact_id: str | None = None) -> dict[str, Any]:
        identifier = contact_id or self.new_id()
        self.contacts[identifier] = {
            "id": identifier,
            "firstName": "",
            "lastName": "",
            "phone": "",
            "orgname": "",
            "cdate": "2026-01-01T02:00:00-06:00",
        }
        self.put(identifier, body)
        return self.contacts[identifier]

    def put(self, contact_id: str, body: dict[str, Any]) -> dict[str, Any]:
        self.contacts[contact_id] |= {key: value for key, value in body.items() if key != "fieldValues"}
        self.values.setdefault(contact_id, {}).update({e["field"]: e["value"] for e in body.get("fieldValues", [])})
        return self.contacts[contact_id]

    def routes(self) -> list[Route]:
        return [
            route("GET", f"{P}/contacts", self.list_contacts),
            route("POST", f"{P}/contact/sync", self.sync),
            route("GET", f"{P}/contacts/{{id}}", lambda r: self.one(r, lambda c: {"contact": c, "fieldValues": self.field_values(c["id"]), "accountContacts": [{"id": i, **link} for i, link in self.account_links.items() if link["contact"] == c["id"]]})),
            route("PUT", f"{P}/contacts/{{id}}", lambda r: self.one(r, lambda c: {"contact": self.put(c["id"], r.state.body["contact"])})),
            route("DELETE", f"{P}/contacts/{{id}}", lambda r: self.one(r, lambda c: self.contacts.pop(c["id"]) and {})),
            route("GET", f"{P}/contacts/{{id}}/fieldValues", lambda r: {"fieldValues": self.field_values(r.path_params["id"])}),
            route("GET", f"{P}/contacts/{{id}}/contactTags", lambda r: self.one(r, lambda c: {"contactTags": [{"id": i, "contact": a, "tag": t} for i, (a, t) in self.links.items() if a == c["id"]]})),
            route("GET", f"{P}/contacts/{{id}}/contactLists", lambda r: self.one(r, lambda c: {"contactLists": [{"list": name, "status": state} for (who, name), state in self.lists.items() if who == c["id"]]})),
            route("GET", f"{P}/contacts/{{id}}/deals", lambda r: {"deals": [d for d in self.deals.values() if d["contact"] == r.path_params["id"]]}),
            route("GET", f"{P}/tags", lambda r: self.paged(r, "tags", list(self.tags.values()))),
            route("POST", f"{P}/tags", self.make_tag),
            route("POST", f"{P}/contactTags", self.link),
            route("DELETE", f"{P}/contactTags/{{id}}", lambda r: self.links.pop(r.path_params["id"]) and {}),
            route("GET", f"{P}/fields", lambda _: {"fields": [
                {"id": "21", "title": "Favorite Color", "type": "text", "perstag": "COLOR"},
                {"id": "24", "title": "Interests", "type": "listbox", "perstag": "INTERESTS"},
                {"id": "25", "title": "Due", "type": "datetime", "perstag": "DUE"},
            ], "fieldOptions": [{"id": "1", "field": "24", "value": "Golf", "label": "Golf"}]}),
            route("POST", f"{P}/contactAutomations", lambda r: (self.automations.append(r.state.body["contactAutomation"]) or 201, {"contactAutomation": {"id": "1"}}) if r.state.body["contactAutomation"]["contact"] in self.contacts else (404, {"message": "No Result found"})),
            route("POST", f"{P}/contactLists", self.consent),
            route("POST", f"{P}/notes", lambda _: (201, {"note": {"id": "1"}})),
            route("GET", f"{P}/accounts", lambda r: {"accounts": [{"id": i, "name": n} for n, i in self.accounts.items() if r.query_params["search"].lower() in n.lower()]}),
            route("POST", f"{P}/accounts", lambda r: (201, {"account": {"id": self.accounts.setdefault(r.state.body["account"]["name"], self.new_id())}})),
            route("POST", f"{P}/accountContacts", self.link_account),
            route("PUT", f"{P}/accountContacts/{{id}}", lambda r: {"accountContact": self.account_links[r.path_params["id"]].update(r.state.body["accountContact"])}),
            route("DELETE", f"{P}/accountContacts/{{id}}", self.unlink_account),
            route("PUT", f"{P}/deals/{{id}}", lambda r: {"deal": self.deals[r.path_params["id"]].update(r.state.body["deal"])}),
            route("GET", f"{P}/ecomOrders", lambda _: {"ecomOrders": [{"id": "1", "totalPrice": "1050", "currency": "USD", "createdDate": "2026-01-01"}]}),
            route("GET", f"{P}/users/me", lambda _: {"user": {"id": "1"}}),
        ]  # fmt: skip

    def one(self, request: Request, then: Any) -> Any:
        contact = self.contacts.get(request.path_params["id"])
        return (404, {"message": "No Result found for Subscriber"}) if contact is None else then(contact)

    def field_values(self, contact_id: str) -> list[dict[str, str]]:
        return [
            {"id": key, "contact": contact_id, "field": key, "value": value}
            for key, value in self.values.get(contact_id, {}).items()
        ]

    def paged(self, request: Request, key: str, items: list[Any]) -> dict[str, Any]:
        start = int(request.query_params.get("offset", 0))
        return {key: items[start : start + int(request.query_params["limit"])], "meta": {"total": str(len(items))}}

    def list_contacts(self, request: Request) -> Any:
        query = request.query_params
        found = sorted(self.contacts.values(), key=lambda c: int(c["id"]))
        found = [c for c in found if int(c["id"]) > int(query.get("id_greater", 0))]
        if "email" in query:
            found = [c for c in found if c["email"].lower() == query["email"].lower()]
        if "tagid" in query:
            found = [c for c in found if (c["id"], query["tagid"]) in self.links.values()]
        return {"contacts": found[: int(query["limit"])], "meta": {"total": str(len(found))}}

    def sync(self, request: Request) -> Any:
        body = request.state.body["contact"]
        found = next((c for c in self.contacts.values() if c["email"].lower() == body["email"].lower()), None)
        return (200, {"contact": self.put(found["id"], body)}) if found else (201, {"contact": self.add(body)})

    def make_tag(self, request: Request) -> Any:
        tag = {"id": self.new_id(), **request.state.body["tag"]}
        self.tags[tag["id"]] = tag
        return 201, {"tag": tag}

    def link(self, request: Request) -> Any:
        body = request.state.body["contactTag"]
        if body["contact"] not in self.contacts or body["tag"] not in self.tags:
            return 404, {"message": "No Result found"}
        if (body["contact"], body["tag"]) not in self.links.values():
            self.links[self.new_id()] = (body["contact"], body["tag"])
        return 201, {"contactTag": {"id": "1", **body}}

    def consent(self, request: Request) -> Any:
        body = request.state.body["contactList"]
        self.lists[body["contact"], body["list"]] = str(body["status"])
        return {"contactList": body}

    def link_account(self, request: Request) -> Any:
        """One account per contact."""
        body = request.state.body["accountContact"]
        if any(link["contact"] == body["contact"] for link in self.account_links.values()):
            return 422, {"errors": [{"title": "The contact is associated with an account", "code": "exists"}]}
        name = next(name for name, identifier in self.accounts.items() if identifier == body["account"])
        self.contacts[body["contact"]]["orgname"] = name
        self.account_links[self.new_id()] = dict(body)
        return 201, {"accountContact": {"id": str(self.counter)}}

    def unlink_account(self, request: Request) -> Any:
        self.contacts[self.account_links.pop(request.path_params["id"])["contact"]]["orgname"] = ""
        return {}

    def account(self, **options: Any) -> Account:
        return Account(self.connector(**options), "11", "12", self, vip="1", color="COLOR")
