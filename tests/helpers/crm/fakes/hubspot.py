"""A stateful HubSpot: only named properties are answered, static lists are tags, unknown ids are ignored silently."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from tests.helpers.crm.fakes.base import Account, FakeVendor, route

V = "2026-03"
C = f"/crm/objects/{V}"


class FakeHubSpot(FakeVendor):
    """One portal."""

    slug = "hubspot"
    base_url = "https://api.hubapi.com"

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, dict[str, Any]] = {
            "1": {"name": "VIP", "processingType": "MANUAL", "members": ["11"]},
            "2": {"name": "Cold", "processingType": "SNAPSHOT", "members": []},
            "3": {"name": "Everyone", "processingType": "DYNAMIC", "members": ["11", "12"]},
        }
        self.contacts: dict[str, dict[str, Any]] = {}
        self.enrolled: list[tuple[str, str]] = []
        self.unsubscribed: list[str] = []
        self.subscribed: list[tuple[str, int]] = []
        self.notes: list[dict[str, Any]] = []
        self.companies: dict[str, str] = {}
        self.linked: list[tuple[str, str]] = []
        self.flows = {"555": 5}
        self.properties = self.PROPERTIES
        self.window = 10_000
        self.orders: dict[str, dict[str, str]] = {}
        self.deals = {"70": {"dealstage": "3", "dealname": "Big", "createdate": "2026-01-02T00:00:00Z"}}
        self.add(
            {
                "firstname": "Ada",
                "lastname": "Byron",
                "email": "ada@example.com",
                "phone": "+15550100",
                "color": "blue",
                "interests": "golf;chess",
            },
            "11",
        )
        self.add({"firstname": "Bob", "email": "bob@example.com"}, "12")
        self.add({"firstname": "Cy", "email": "cy@example.com"}, "13")

    def add(self, properties: dict[str, Any], contact_id: str | None = None) -> str:
        identifier = contact_id or self.new_id()
        self.contacts[identifier] = dict(properties)
        return identifier

    PROPERTIES = [
        {"name": "firstname", "label": "First Name", "type": "string", "fieldType": "text", "hubspotDefined": True},
        {"name": "email", "label": "Email", "type": "string", "fieldType": "text", "hubspotDefined": True},
        {"name": "color", "label": "Favorite Color", "type": "string", "fieldType": "text"},
        {"name": "interests", "label": "Interests", "type": "enumeration", "fieldType": "checkbox", "options": [{"label": "Golf", "value": "golf"}, {"label": "Chess", "value": "chess"}]},
        {"name": "renewal", "label": "Renewal", "type": "date", "fieldType": "date"},
        {"name": "num_notes", "label": "Number of notes", "type": "number", "fieldType": "number", "modificationMetadata": {"readOnlyValue": True}},
    ]  # fmt: skip

    def routes(self) -> list[Route]:
        lists = f"/crm/lists/{V}"
        return [
            route("GET", f"{C}/contacts", self.list_contacts),
            route("POST", f"{C}/contacts", self.create),
            route("GET", f"{C}/contacts/{{id}}", lambda r: self.shown(r.path_params["id"], names(r)) if r.path_params["id"] in self.contacts else (404, {"status": "error", "message": "Object not found", "category": "OBJECT_NOT_FOUND"})),
            route("POST", f"{C}/contacts/search", self.search),
            route("POST", f"{C}/contacts/batch/read", lambda r: {"results": [self.shown(i["id"], r.state.body["properties"]) for i in r.state.body["inputs"] if i["id"] in self.contacts]}),
            route("POST", f"{C}/contacts/batch/upsert", self.upsert),
            route("PATCH", f"{C}/contacts/{{id}}", self.patch),
            route("DELETE", f"{C}/contacts/{{id}}", lambda r: (204, self.contacts.pop(r.path_params["id"], None) and None)),
            route("GET", f"/crm/properties/{V}/contacts", lambda _: {"results": self.properties}),
            route("POST", f"{lists}/search", self.search_lists),
            route("POST", lists, self.make_list),
            route("GET", f"{lists}/records/0-1/{{id}}/memberships", lambda r: {"results": [{"listId": key} for key, entry in self.lists.items() if r.path_params["id"] in entry["members"]]}),
            route("GET", f"{lists}/idmapping", lambda r: {"legacyListId": "5", "listId": "1"} if r.query_params["legacyListId"] == "5" else (404, {"message": "no such list"})),
            route("GET", f"{lists}/{{id}}/memberships", self.members),
            route("PUT", f"{lists}/{{id}}/memberships/{{change}}", self.change_list),
            route("POST", "/automation/v2/workflows/{w}/enrollments/contacts/{email}", lambda r: (404, {"message": "no such workflow"}) if r.path_params["w"] == "555" else (self.enrolled.append((r.path_params["w"], r.path_params["email"])) or 204, None)),
            route("POST", "/automation/v4/workflow-id-mappings/batch/read", lambda r: {"status": "COMPLETE", "results": [{"flowId": int(e["flowId"]), "workflowId": self.flows[e["flowId"]]} for e in r.state.body["inputs"] if e["type"] == "FLOW_ID" and e["flowId"] in self.flows]}),
            route("POST", f"{C}/companies/search", lambda r: {"total": 0, "results": [{"id": i, "properties": {"name": n}} for n, i in self.companies.items() if n == r.state.body["filterGroups"][0]["filters"][0]["value"]]}),
            route("POST", f"{C}/companies", lambda r: (201, {"id": self.companies.setdefault(r.state.body["properties"]["name"], self.new_id()), "properties": {}})),
            route("PUT", f"{C}/contacts/{{id}}/associations/default/companies/{{company}}", lambda r: self.linked.append((r.path_params["id"], r.path_params["company"])) or {"status": "COMPLETE", "results": []}),
            route("POST", f"/communication-preferences/{V}/statuses/{{email}}/unsubscribe-all", lambda r: self.unsubscribed.append(r.path_params["email"]) or {"status": "COMPLETE", "results": []}),
            route("POST", f"/communication-preferences/{V}/statuses/{{email}}", lambda r: self.subscribed.append((r.path_params["email"], r.state.body["subscriptionId"])) or {"status": "COMPLETE", "results": []}),
            route("GET", f"/communication-preferences/{V}/definitions", lambda _: {"results": [{"id": "5", "isActive": True, "isInternal": False}, {"id": "6", "isActive": True, "isInternal": True}]}),
            route("POST", f"{C}/notes", lambda r: (self.notes.append(r.state.body) or 201, {"id": "1"}) if r.state.body["associations"][0]["to"]["id"] in self.contacts else (400, {"message": "One or more associations are not valid"})),
            route("GET", f"{C}/contacts/{{id}}/associations/{{kind}}", lambda r: {"results": [{"toObjectId": int(i)} for i in {"deals": self.deals, "orders": self.orders}[r.path_params["kind"]]] if r.path_params["id"] == "11" else []}),
            route("GET", f"{C}/orders/{{id}}", lambda r: {"id": r.path_params["id"], "properties": self.orders[r.path_params["id"]], "createdAt": "2026-01-03T00:00:00Z"}),
            route("GET", f"{C}/deals/{{id}}", lambda r: {"id": r.path_params["id"], "properties": self.deals[r.path_params["id"]]}),
            route("PATCH", f"{C}/deals/{{id}}", lambda r: {"id": r.path_params["id"], "properties": self.deals[r.path_params["id"]].update(r.state.body["properties"])}),
            route("GET", f"/account-info/{V}/details", lambda _: {"portalId": 1}),
        ]  # fmt: skip

    def shown(self, contact_id: str, names: list[str]) -> dict[str, Any]:
        properties = {name: self.contacts[contact_id].get(name) for name in names}
        return {
            "id": contact_id,
            "properties": properties,
            "createdAt": "2026-01-01T08:00:00.000Z",
            "updatedAt": "2026-01-01T08:00:00.000Z",
        }

    def list_contacts(self, request: Request) -> Any:
        ids = list(self.contacts)
        limit = int(request.query_params["limit"])
        page = ids[(start := int(request.query_params.get("after", 0))) : start + limit]
        if limit > 100:
            return 400, {"message": "limit is 100 at most"}
        return {"results": [self.shown(i, names(request)) for i in page], **paging(start + limit, len(ids))}

    def search(self, request: Request) -> Any:
        body = request.state.body
        start, limit = int(body.get("after", 0)), body["limit"]
        if limit > 200 or start + limit > self.window:
            return 400, {"message": "beyond the results of a search"}
        rows = {i: {**p, "hs_object_id": i} for i, p in self.contacts.items()}
        for condition in (body["filterGroups"] or [{"filters": []}])[0]["filters"]:
            name, wanted = condition["propertyName"], condition["value"].lower()
            if condition["operator"] == "GT":
                rows = {i: row for i, row in rows.items() if int(row[name]) > int(wanted)}
            else:
                rows = {i: row for i, row in rows.items() if str(row.get(name) or "").lower() == wanted}
        (order,) = body["sorts"]
        by_id = order["propertyName"] == "hs_object_id"
        ids = sorted(rows, key=lambda i: i.zfill(20) if by_id else str(rows[i].get(order["propertyName"]) or ""))
        ids = ids[::-1] if order["direction"] == "DESCENDING" else ids
        results = [self.shown(i, body["properties"]) for i in ids[start : start + limit]]
        return {"total": len(ids), "results": results, **paging(start + limit, len(ids))}

    def members(self, request: Request) -> Any:
        entry = self.lists.get(request.path_params["id"])
        if entry is None:
            return 404, {"message": "no such list"}
        start, limit = int(request.query_params.get("after", 0)), int(request.query_params["limit"])
        if limit > 250:
            return 400, {"message": "limit is 250 at most"}
        results = [{"recordId": member} for member in entry["members"][start : start + limit]]
        return {"results": results, "total": len(entry["members"]), **paging(start + limit, len(entry["members"]))}

    def create(self, request: Request) -> Any:
        answer = self.write(self.add({}), request.state.body["properties"])
        return answer if isinstance(answer, tuple) else (201, answer)

    def write(self, contact_id: str, properties: dict[str, Any]) -> Any:
        known = {p["name"] for p in self.properties} | {
            "lastname",
            "phone",
            "company",
            "jobtitle",
            "website",
            "city",
            "hubspot_owner_id",
        }
        unknown = set(properties) - known
        if unknown:
            return 400, {
                "status": "error",
                "message": f"Property values were not valid: {unknown}",
                "category": "VALIDATION_ERROR",
            }
        self.contacts[contact_id] |= {name: value or None for name, value in properties.items()}
        return self.shown(contact_id, [])

    def patch(self, request: Request) -> Any:
        contact_id = request.path_params["id"]
        return (
            self.write(contact_id, request.state.body["properties"])
            if contact_id in self.contacts
            else (404, {"message": "not found"})
        )

    def upsert(self, request: Request) -> Any:
        (entry,) = request.state.body["inputs"]
        found = next(
            (i for i, p in self.contacts.items() if (p.get("email") or "").lower() == entry["id"].lower()), None
        )
        identifier = found or self.add({})
        answer = self.write(identifier, entry["properties"])
        return answer if isinstance(answer, tuple) else {"status": "COMPLETE", "results": [answer]}

    def search_lists(self, request: Request) -> Any:
        kinds = request.state.body["processingTypes"]
        entries = [{"listId": i, **entry} for i, entry in self.lists.items() if entry["processingType"] in kinds]
        start = request.state.body["offset"]
        return {
            "lists": entries[start : start + 1],
            "hasMore": start + 1 < len(entries),
            "offset": start + 1,
            "total": len(entries),
        }

    def make_list(self, request: Request) -> Any:
        identifier = self.new_id()
        self.lists[identifier] = {**request.state.body, "members": []}
        return {"list": {"listId": identifier, "name": request.state.body["name"]}}

    def change_list(self, request: Request) -> Any:
        entry = self.lists.get(request.path_params["id"])
        if entry is None:
            return 404, {"message": "no such list"}
        add = request.path_params["change"] == "add"
        known = [i for i in request.state.body if i in self.contacts and (i in entry["members"]) is not add]
        entry["members"] = entry["members"] + known if add else [m for m in entry["members"] if m not in known]
        return {
            "recordsIdsAdded": known if add else [],
            "recordIdsRemoved": [] if add else known,
            "recordIdsMissing": [],
        }

    def account(self, **options: Any) -> Account:
        return Account(self.connector(**options), "11", "12", self, vip="1", color="color")


def names(request: Request) -> list[str]:
    """The properties that a GET asks for."""
    return [name for name in request.query_params.get("properties", "").split(",") if name]


def paging(end: int, total: int) -> dict[str, Any]:
    """How an answer says that there is more."""
    return {"paging": {"next": {"after": str(end)}}} if end < total else {}
