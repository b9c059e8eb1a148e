"""A stateful Ontraport: one object API, every value a text, updates answered as attrs, ranges capped at 50."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from helpers.crm.factory import ConnectorConfig
from tests.helpers.crm.fakes.base import Account, FakeVendor, route

Row = dict[str, Any]


class FakeOntraport(FakeVendor):
    """One account."""

    slug = "ontraport"
    base_url = "https://api.ontraport.com/1"

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[int, dict[str, Row]] = {0: {}, 3: {}, 12: {}, 14: {}, 46: {}, 149: {}}
        self.groups: dict[str, list[str]] = {}
        self.locked: set[str] = set()
        self.fields: dict[str, Row] = {
            "firstname": {"alias": "First Name", "type": "text"},
            "freferrer": {"alias": "First Referrer", "type": "text"},
            "home_phone": {"alias": "Home Phone", "type": "phone", "editable": None},
            "f21": {"alias": "Favorite Color", "type": "text", "deletable": "1"},
            "f22": {"alias": "Interests", "type": "list", "options": {"1": "Golf", "2": "Chess"}},
            "f23": {"alias": "Renewal", "type": "fulldate"},
        }
        self.subscribed: list[dict[str, str]] = []
        self.objects[14] = {"1": {"tag_id": "1", "tag_name": "VIP"}, "2": {"tag_id": "2", "tag_name": "Cold"}}
        self.objects[149] = {"70": {"id": "70", "primary_contact": "11", "sales_stage": "3", "date": "1767312000"}}
        self.objects[46] = {
            "1": {"id": "1", "contact_id": "11", "total": "10.00", "status": "1", "date": "1767225600"},
            "2": {"id": "2", "contact_id": "11", "total": "5.50", "status": "0", "date": "1767312000"},
        }
        self.add(
            {
                "firstname": "Ada",
                "lastname": "Byron",
                "email": "ada@example.com",
                "office_phone": "+15550100",
                "f21": "blue",
                "f22": "*/*1*/*2*/*",
                "f23": "1767225600",
                "contact_cat": "*/*1*/*",
            },
            "11",
        )
        self.add({"firstname": "Bob", "email": "bob@example.com"}, "12")
        self.add({"firstname": "Cy", "email": "cy@example.com"}, "13")

    def authorized(self, request: Request) -> bool:
        return (request.headers.get("api-key"), request.headers.get("api-appid")) == ("key-1", "app-1")

    def config(self) -> ConnectorConfig:
        return ConnectorConfig(api_key="key-1", api_secret="app-1")

    def add(self, body: Row, contact_id: str | None = None) -> Row:
        identifier = contact_id or self.new_id()
        row = {
            "firstname": "",
            "lastname": "",
            "email": "",
            "contact_cat": "",
            "date": "1767225600",
            "dlm": "1767225600",
            "bulk_mail": "1",
        }
        self.objects[0][identifier] = row | {k: str(v) for k, v in body.items() if k != "objectID"} | {"id": identifier}
        return self.objects[0][identifier]

    def routes(self) -> list[Route]:
        return [
            route("GET", "/1/objects", lambda r: ok(self.page(r, list(self.objects[int(r.query_params["objectID"])].values())))),
            route("POST", "/1/objects", self.create),
            route("PUT", "/1/objects", self.update),
            route("GET", "/1/object", self.read),
            route("DELETE", "/1/object", self.delete),
            route("POST", "/1/objects/saveorupdate", self.save_or_update),
            route("GET", "/1/objects/getInfo", lambda _: ok({"count": str(len(self.objects[0]))})),
            route("GET", "/1/objects/meta", lambda _: ok({"0": {"name": "Contact", "fields": self.fields}})),
            route("GET", "/1/objects/tag", lambda r: ok(self.page(r, [c for c in self.objects[0].values() if r.query_params["tag_id"] in tags(c)]))),
            route("PUT", "/1/objects/tag", lambda r: self.tag(r.state.body["ids"], r.state.body["add_list"], "")),
            route("DELETE", "/1/objects/tag", lambda r: self.tag(r.query_params["ids"], "", r.query_params["remove_list"])),
            route("PUT", "/1/objects/subscribe", lambda r: ok(self.subscribed.append(r.state.body) or "The subscription is now being processed.")),
        ]  # fmt: skip

    def page(self, request: Request, rows: list[Row]) -> list[Row]:
        query = request.query_params
        for part in json.loads(query.get("condition", "[]")):
            if part != "AND":
                name, value = part["field"]["field"], part["value"]["value"]
                rows = [row for row in rows if str(row.get(name, "")).lower() == value.lower()]
        if "group_id" in query:
            rows = [row for row in rows if row["id"] in self.groups[query["group_id"]]]
        if "sortDir" in query:
            rows = sorted(rows, key=lambda row: str(row[query["sort"]]), reverse=query["sortDir"] == "desc")
        start = int(query.get("start", 0))
        return rows[start : start + min(int(query.get("range", 50)), 50)]

    def create(self, request: Request) -> Any:
        body = request.state.body
        identifier = self.new_id()
        row = (
            {"id": identifier, **body}
            if body["objectID"] != 14
            else {"tag_id": identifier, "tag_name": body["tag_name"]}
        )
        self.objects[body["objectID"]][identifier] = row
        return ok(row)

    def update(self, request: Request) -> Any:
        body = dict(request.state.body)
        row = self.objects[body.pop("objectID")].get(body["id"])
        if row is None:
            return 404, "Object not found"
        row.update({key: str(value) for key, value in body.items() if key not in self.locked})
        return ok({"attrs": {**{key: row[key] for key in body}, "dlm": "1767225601"}})

    def read(self, request: Request) -> Any:
        row = self.objects[int(request.query_params["objectID"])].get(request.query_params["id"])
        return (404, "Object not found") if row is None else ok(row)

    def delete(self, request: Request) -> Any:
        gone = self.objects[0].pop(request.query_params["id"], None)
        return (404, "Object not found") if gone is None else ok("Deleted")

    def save_or_update(self, request: Request) -> Any:
        body = {key: value for key, value in request.state.body.items() if key != "objectID"}
        email = str(body.get("email", "")).lower()
        found = next((c for c in self.objects[0].values() if email and c["email"].lower() == email), None)
        if found is None:
            return ok(self.add(body))
        found.update({key: str(value) for key, value in body.items()})
        return ok({"attrs": {**body, "id": found["id"]}})

    def tag(self, contact_id: str, add: str, remove: str) -> Any:
        row = self.objects[0].get(contact_id)
        if row is not None:
            kept = [tag for tag in tags(row) if tag not in (add, remove)] + ([add] if add else [])
            row["contact_cat"] = f"*/*{'*/*'.join(kept)}*/*" if kept else ""
        return ok("The tag is now being processed.")

    def account(self, **options: Any) -> Account:
        return Account(self.connector(**options), "11", "12", self, vip="1", color="f21")


def ok(data: Any) -> dict[str, Any]:
    """An answer without failure."""
    return {"code": 0, "data": data, "account_id": 1}


def tags(row: Row) -> list[str]:
    """The tag ids of a contact."""
    return [part for part in row["contact_cat"].split("*/*") if part]
