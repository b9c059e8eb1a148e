"""A stateful GoHighLevel location: tags are lower-case names, do-not-disturb is inverted, searchAfter pairs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from tests.helpers.crm.fakes.base import Account, FakeVendor, route


class FakeGoHighLevel(FakeVendor):
    """One location, ``loc1``."""

    slug = "gohighlevel"
    base_url = "https://services.leadconnectorhq.com"

    def __init__(self) -> None:
        super().__init__()
        self.tags = {"t1": "vip", "t2": "cold"}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.workflows: list[tuple[str, str]] = []
        self.deals = {
            "70": {"id": "70", "contactId": "11", "pipelineStageId": "3", "createdAt": "2026-01-02T00:00:00Z"}
        }
        ada = self.add(
            {"firstName": "Ada", "lastName": "Byron", "email": "ada@example.com", "phone": "+15550100"}, "11"
        )
        ada["customFields"] = [{"id": "f21", "value": "blue"}]
        ada["tags"] = ["vip"]
        self.add({"firstName": "Bob", "email": "bob@example.com"}, "12")
        self.add({"firstName": "Cy", "email": "cy@example.com"}, "13")

    def authorized(self, request: Request) -> bool:
        return super().authorized(request) and request.headers.get("version") == "2021-07-28"

    def add(self, body: dict[str, Any], contact_id: str | None = None) -> dict[str, Any]:
        contact = {
            "id": contact_id or self.new_id(),
            "locationId": "loc1",
            "tags": [],
            "dateAdded": "2026-01-01T08:00:00.000Z",
        }
        self.contacts[contact["id"]] = contact
        self.put(contact, body)
        return contact

    def put(self, contact: dict[str, Any], body: dict[str, Any]) -> None:
        fields = {entry["id"]: entry["value"] for entry in contact.get("customFields", [])}
        fields |= {entry["id"]: entry["field_value"] for entry in body.get("customFields", [])}
        contact |= {key: value for key, value in body.items() if key != "customFields"}
        contact["customFields"] = [{"id": key, "value": value} for key, value in fields.items()]

    def routes(self) -> list[Route]:
        return [
            route("POST", "/contacts/search", self.search),
            route("GET", "/contacts/search/duplicate", self.duplicate),
            route("POST", "/contacts/upsert", self.upsert),
            route("GET", "/contacts/{id}", lambda r: self.one(r, lambda c: {"contact": c})),
            route("PUT", "/contacts/{id}", lambda r: self.one(r, lambda c: {"succeded": True, "contact": self.put(c, r.state.body)})),
            route("DELETE", "/contacts/{id}", lambda r: self.one(r, lambda c: {"succeded": bool(self.contacts.pop(c["id"]))})),
            route("POST", "/contacts/{id}/tags", lambda r: self.one(r, lambda c: self.tag(c, r, add=True))),
            route("DELETE", "/contacts/{id}/tags", lambda r: self.one(r, lambda c: self.tag(c, r, add=False))),
            route("POST", "/contacts/{id}/notes", lambda r: self.one(r, lambda _: (201, {"note": {"id": "n1"}}))),
            route("POST", "/contacts/{id}/workflow/{w}", lambda r: self.one(r, lambda c: self.start(c, r))),
            route("GET", "/locations/{loc}/tags", lambda _: {"tags": [{"id": i, "name": n} for i, n in self.tags.items()]}),
            route("POST", "/locations/{loc}/tags", self.make_tag),
            route("GET", "/locations/{loc}/customFields", lambda _: {"customFields": [
                {"id": "f21", "name": "Favorite Color", "fieldKey": "contact.color", "dataType": "TEXT"},
                {"id": "f22", "name": "Interests", "fieldKey": "contact.interests", "dataType": "MULTIPLE_OPTIONS"},
            ]}),
            route("GET", "/locations/{loc}", lambda _: {"location": {"id": "loc1"}}),
            route("GET", "/opportunities/search", lambda r: {"opportunities": [
                deal for deal in self.deals.values() if deal["contactId"] == r.query_params["contact_id"]
            ]}),
            route("PUT", "/opportunities/{id}", self.move),
            route("GET", "/payments/orders", lambda _: {"totalCount": 2, "data": [
                {"_id": "1", "amount": 10, "currency": "USD", "paymentStatus": "paid", "createdAt": "2026-01-01T00:00:00Z"},
                {"_id": "2", "amount": 5, "currency": "USD", "paymentStatus": "unpaid", "createdAt": "2026-01-02T00:00:00Z"},
            ]}),
        ]  # fmt: skip

    def one(self, request: Request, then: Any) -> Any:
        contact = self.contacts.get(request.path_params["id"])
        return (404, {"statusCode": 404, "message": "Contact not found"}) if contact is None else then(contact)

    def search(self, request: Request) -> Any:
        body = request.state.body
        found = [{**c, "searchAfter": [n, c["id"]]} for n, c in enumerate(self.contacts.values())]
        for condition in body.get("filters", []):
            assert condition["field"] == "tags"
            # "contains" is a substring match: the connector has to look twice.
            found = [c for c in found if any(condition["value"] in tag for tag in c["tags"])]
        if after := body.get("searchAfter"):
            found = [c for c in found if c["searchAfter"][0] > after[0]]
        return {"contacts": found[: body["pageLimit"]], "total": len(found)}

    def duplicate(self, request: Request) -> Any:
        email = request.query_params["email"].lower()
        return {"contact": next((c for c in self.contacts.values() if c.get("email", "").lower() == email), None)}

    def upsert(self, request: Request) -> Any:
        email = request.state.body.get("email", "").lower()
        found = next((c for c in self.contacts.values() if c.get("email", "").lower() == email), None)
        if found is None:
            return {"new": True, "contact": self.add(dict(request.state.body))}
        self.put(found, request.state.body)
        return {"new": False, "contact": found}

    def tag(self, contact: dict[str, Any], request: Request, *, add: bool) -> Any:
        names = [name.lower() for name in request.state.body["tags"]]
        kept = [name for name in contact["tags"] if name not in names]
        contact["tags"] = kept + names if add else kept
        for name in names if add else ():
            if name not in self.tags.values():
                self.tags[self.new_id()] = name
        return 201 if add else 200, {"tags": contact["tags"]}

    def start(self, contact: dict[str, Any], request: Request) -> Any:
        self.workflows.append((contact["id"], request.path_params["w"]))
        return {"succeded": True}

    def make_tag(self, request: Request) -> Any:
        name = request.state.body["name"].lower()
        if name in self.tags.values():
            return 400, {"statusCode": 400, "message": "tag exists"}
        identifier = self.new_id()
        self.tags[identifier] = name
        return {"tag": {"id": identifier, "name": name}}

    def move(self, request: Request) -> Any:
        self.deals[request.path_params["id"]]["pipelineStageId"] = request.state.body["pipelineStageId"]
        return {"opportunity": self.deals[request.path_params["id"]]}

    def account(self, **options: Any) -> Account:
        return Account(self.connector(**options), "11", "12", self, vip="t1", color="color")
