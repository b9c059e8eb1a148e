"""A stateful Keap v2: optional properties only on demand, arrays replaced whole, pages, per-contact result maps."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from tests.helpers.crm.fakes.base import Account, FakeVendor, route

P = "/crm/rest/v2"


class FakeKeap(FakeVendor):
    """One Keap application."""

    slug = "keap"
    base_url = "https://api.keap.com/crm/rest/v2"

    def __init__(self) -> None:
        super().__init__()
        self.page_limit = 2
        self.tags = {
            "1": {"id": 1, "name": "VIP", "category": {"id": "9"}},
            "2": {"id": "2", "name": "Cold"},
            "3": {"id": "3", "name": "Warm"},
        }
        self.contacts: dict[str, dict[str, Any]] = {}
        self.applied: list[tuple[str, str]] = []
        self.notes: list[dict[str, Any]] = []
        self.opted: dict[str, bool] = {}
        self.locked: set[str] = set()
        self.goals: list[dict[str, Any]] = []
        self.sequences: list[tuple[str, str, str]] = []
        self.companies: dict[str, str] = {}
        self.deals = {
            "70": {"id": "70", "contact": {"id": "11"}, "stage": {"id": "3"}, "created_time": "2026-01-02T00:00:00Z"}
        }
        self.orders = [
            {
                "id": "1",
                "total": {"amount": 10, "currency_code": "USD"},
                "total_paid": {"amount": 4},
                "total_due": {"amount": 10},
                "creation_time": "2026-01-01T00:00:00Z",
                "order_time": "2026-01-01T00:00:00Z",
                "title": "First",
            },
            {
                "id": "2",
                "total": {"amount": 0, "currency_code": "USD"},
                "total_paid": {"amount": 0},
                "total_due": {"amount": 0},
                "creation_time": "2026-01-02T00:00:00Z",
                "order_time": "2026-01-02T00:00:00Z",
                "title": "Second",
            },
            {
                "id": "3",
                "total": {"amount": 2.5, "currency_code": "USD"},
                "total_paid": {"amount": 2.5},
                "total_due": {"amount": 2.5},
                "creation_time": "2026-01-03T00:00:00Z",
                "order_time": "2026-01-03T00:00:00Z",
                "title": "Third",
            },
        ]
        self.mails = [
            {
                "sent_to_address": "ada@example.com",
                "sent_time": "2026-01-01T00:00:00Z",
                "opened_time": "2026-01-02T00:00:00Z",
            },
            {"sent_to_address": "ada@example.com", "sent_time": "2026-01-05T00:00:00Z"},
        ]
        self.add({
            "given_name": "Ada", "family_name": "Byron", "owner_id": "3",
            "email_addresses": [{"field": "EMAIL1", "email": "ada@example.com"}, {"field": "EMAIL2", "email": "ada2@example.com"}],
            "phone_numbers": [{"field": "PHONE1", "number": "+15550100"}, {"field": "PHONE2", "number": "+15550101"}],
            "addresses": [{"field": "SHIPPING", "line1": "12 St James Square", "locality": "London", "country_code": "GBR"}],
            "custom_fields": [{"id": "21", "content": "blue"}, {"id": "22", "content": 7}],
        }, "11")  # fmt: skip
        self.add({"given_name": "Bob", "email_addresses": [{"field": "EMAIL1", "email": "bob@example.com"}]}, "12")
        self.add({"given_name": "Cy", "email_addresses": [{"field": "EMAIL1", "email": "cy@example.com"}]}, "13")
        self.applied += [("1", "11")]

    def add(self, body: dict[str, Any], contact_id: str | None = None) -> dict[str, Any]:
        contact = {
            "id": contact_id or self.new_id(),
            "create_time": "2026-01-01T08:00:00.000Z",
            "update_time": "2026-01-01T08:00:00.000Z",
            **body,
        }
        self.contacts[contact["id"]] = contact
        return contact

    def routes(self) -> list[Route]:
        return [
            route("GET", f"{P}/contacts", self.list_contacts),
            route("POST", f"{P}/contacts", self.create),
            route("GET", f"{P}/contacts/model", lambda _: {"custom_fields": [
                {"id": 21, "label": "Favorite Color", "field_name": "color", "field_type": "TEXT"},
                {"id": 22, "label": "Score", "field_name": "score", "field_type": "WHOLE_NUMBER"},
                {"id": 23, "label": "Renewal", "field_name": "renewal", "field_type": "DATE"},
                {"id": 24, "label": "Interests", "field_name": "interests", "field_type": "LIST_BOX", "options": [{"id": "1", "label": "Golf"}]},
            ]}),
            route("GET", f"{P}/contacts/{{id}}", lambda r: self.one(r, lambda c: self.shown(c, r))),
            route("PATCH", f"{P}/contacts/{{id}}", self.patch),
            route("DELETE", f"{P}/contacts/{{id}}", lambda r: self.one(r, lambda c: (204, self.contacts.pop(c["id"]) and None))),
            route("POST", f"{P}/contacts/{{id}}/notes", lambda r: self.one(r, lambda c: self.note(c, r))),
            route("GET", f"{P}/contacts/{{id}}/paymentMethods", lambda r: {"payment_methods": [
                {"id": f"{r.path_params['id']}-{number}"} for number in range({"11": 2, "13": 3}.get(r.path_params["id"], 0))
            ]}),
            route("GET", f"{P.removesuffix('/v2')}/v1/notes", self.all_notes),
            route("GET", f"{P}/tags", lambda r: self.paged(r, "tags", list(self.tags.values()))),
            route("POST", f"{P}/tags", self.make_tag),
            route("GET", f"{P}/tags/categories", lambda r: self.paged(r, "tag_categories", [{"id": "9", "name": "Sales"}])),
            route("GET", f"{P}/tags/{{tag}}/contacts", self.tagged),
            route("POST", f"{P}/tags/{{tag}}/contacts:applyTags", self.apply),
            route("POST", f"{P}/tags/{{tag}}/contacts:removeTags", self.remove),
            route("GET", f"{P}/companies", lambda r: {"companies": [{"id": i, "company_name": n} for n, i in self.companies.items() if r.query_params.get("filter") in (None, f"company_name=={n}")]}),
            route("GET", f"{P}/automations", lambda r: self.paged(r, "automations", [{"id": "1"}])),
            route("GET", f"{P}/campaigns", lambda r: self.paged(r, "campaigns", [{"id": "1"}])),
            route("POST", f"{P}/companies", self.make_company),
            route("POST", f"{P}/campaigns/{{c}}/sequences/{{s}}:addContacts", self.enrol),
            route("GET", f"{P}/campaigns/{{c}}/sequences", lambda r: {"sequences": [{"id": s} for s in ({"5": ["51"], "6": ["61", "62"]}.get(r.path_params["c"], []))]}),
            route("POST", f"{P}/automations/goals/achieve", self.goal),
            route("PATCH", f"{P}/emailAddresses/{{email}}/status", self.opt),
            route("GET", f"{P}/users", lambda _: {"users": [{"id": 3}]}),
            route("GET", f"{P}/oauth/connect/userinfo", lambda _: {"email": "owner@example.com", "tenant_id": "app1"}),
            route("GET", f"{P}/opportunities", lambda r: self.paged(r, "opportunities", list(self.deals.values()))),
            route("PATCH", f"{P}/opportunities/{{id}}", self.move),
            route("GET", f"{P}/orders", lambda r: self.paged(r, "orders", self.orders if "contact_id==11" in r.query_params["filter"] else [])),
            route("GET", f"{P}/emailAddresses/{{email}}/status", self.address),
            route("GET", f"{P}/sales/payments", lambda r: self.paged(r, "payments", [
                {"id": 1, "amount": 12.5, "type": "Cash", "payment_time": "2026-01-01T00:00:00Z"},
            ])),
            route("GET", f"{P}/subscriptions", lambda r: self.paged(r, "subscriptions", [
                {"id": 9, "billing_amount": 30, "start_date": "2026-01-01", "active": True},
                {"id": 10, "billing_amount": 50, "start_date": "2025-01-01", "active": True},
            ])),
            route("GET", f"{P}/contacts/{{id}}/paymentMethods", lambda r: self.one(r, lambda _: {
                "payment_methods": [{"create_time": "2026-01-01", "card_info": {"last_four": "4242"}}]
            })),
            route("GET", "/crm/rest/v1/notes", lambda r: {"notes": [{"id": 1}] if r.query_params["offset"] == "0" else []}),
            route("GET", f"{P}/emails", lambda r: self.paged(r, "emails", self.mails)),
        ]  # fmt: skip

    def all_notes(self, request: Request) -> dict[str, Any]:
        """Five notes, at most ``page_limit`` of them at a time whatever the limit asked for."""
        start = int(request.query_params["offset"])
        end = start + min(int(request.query_params["limit"]), self.page_limit)
        return {"notes": [{"id": number} for number in range(5)][start:end], "count": 5}

    def paged(self, request: Request, key: str, items: list[Any]) -> dict[str, Any]:
        start = int(request.query_params.get("page_token") or 0)
        end = start + min(int(request.query_params.get("page_size", 1000)), self.page_limit)
        return {key: items[start:end], "next_page_token": str(end) if end < len(items) else ""}

    def shown(self, contact: dict[str, Any], request: Request) -> dict[str, Any]:
        wanted = {"id", *request.query_params.get("fields", "").split(",")}
        tags = [int(tag) for tag, who in self.applied if who == contact["id"]]
        return {key: value for key, value in {**contact, "tag_ids": tags}.items() if key in wanted}

    def one(self, request: Request, then: Any) -> Any:
        contact = self.contacts.get(request.path_params["id"])
        return (
            (404, {"code": 404, "message": "contact not found", "status": "NOT_FOUND"})
            if contact is None
            else then(contact)
        )

    def list_contacts(self, request: Request) -> Any:
        found = list(self.contacts.values())
        for name, value in re.findall(r"(\w+)==([^;]*)", request.query_params.get("filter", "")):
            if name == "email":
                found = [
                    c for c in found if any(e["email"].lower() == value.lower() for e in c.get("email_addresses", []))
                ]
            elif name == "ids":
                found = [c for c in reversed(found) if c["id"] in value.split(",")]
            else:
                found = [c for c in found if c.get(name) == value]
        return self.paged(request, "contacts", [self.shown(c, request) for c in found])

    def create(self, request: Request) -> Any:
        contact = self.add(dict(request.state.body))
        return 201, {"id": contact["id"]}

    def patch(self, request: Request) -> Any:
        def apply(contact: dict[str, Any]) -> dict[str, Any]:
            for name in request.query_params.getlist("update_mask"):
                contact[name] = request.state.body[name]
            if name := contact.get("company", {}).get("id"):
                contact["company"] = {
                    "id": name,
                    "company_name": next(n for n, i in self.companies.items() if i == name),
                }
            return {"id": contact["id"]}

        return self.one(request, apply)

    def note(self, contact: dict[str, Any], request: Request) -> Any:
        self.notes.append({**request.state.body, "contact_id": contact["id"]})
        return 201, {"id": len(self.notes)}

    def make_tag(self, request: Request) -> Any:
        name = request.state.body["name"]
        if any(tag["name"] == name for tag in self.tags.values()):
            return 409, {"message": "tag exists"}
        tag = {"id": self.new_id(), "name": name}
        self.tags[tag["id"]] = tag
        return 201, tag

    def make_company(self, request: Request) -> Any:
        self.companies[request.state.body["company_name"]] = self.new_id()
        return 201, {"id": self.counter}

    def tagged(self, request: Request) -> Any:
        who = [contact for tag, contact in self.applied if tag == request.path_params["tag"]]
        return self.paged(request, "contacts", [{"id": contact} for contact in who])

    def apply(self, request: Request) -> Any:
        tag, (contact,) = request.path_params["tag"], request.state.body["contact_ids"]
        if tag not in self.tags:
            return 404, {"message": "tag not found"}
        if contact not in self.contacts:
            return {"results": {contact: "CONTACT_DOES_NOT_EXIST: FAILED"}}
        if (tag, contact) not in self.applied:
            self.applied.append((tag, contact))
        return {"results": {contact: "SUCCESS"}}

    def remove(self, request: Request) -> Any:
        pair = (request.path_params["tag"], request.state.body["contact_ids"][0])
        self.applied = [entry for entry in self.applied if entry != pair]
        return 204, None

    def enrol(self, request: Request) -> Any:
        contact = request.state.body["contact_ids"][0]
        known = contact in self.contacts
        self.sequences += [(request.path_params["c"], request.path_params["s"], contact)] if known else []
        return {"add_to_sequence_results": {contact: "SUCCESS" if known else "CONTACT_DOES_NOT_EXIST"}}

    def goal(self, request: Request) -> Any:
        self.goals.append(request.state.body)
        nobody = request.state.body["call_name"] == "nobody"
        return {"results": [] if nobody else [{"success": True, "message": "ok"}]}

    def opt(self, request: Request) -> Any:
        email, wanted = request.path_params["email"], request.state.body["opted_in"]
        if email not in self.locked:
            self.opted[email] = wanted
        return {"email": email, "opted_in": self.opted.get(email, False), "status": "SPAM"}

    def address(self, request: Request) -> Any:
        times = {"last_sent_time": "2026-01-05T00:00:00Z", "last_open_time": "2026-01-02T00:00:00Z"}
        known = request.path_params["email"] == "ada@example.com"
        return times if known else (404, {"message": "no such address"})

    def move(self, request: Request) -> Any:
        deal = self.deals.get(request.path_params["id"])
        if deal is None:
            return 404, {"message": "no such opportunity"}
        deal["stage"] = {"id": request.state.body["stage_id"]}
        return deal

    def account(self, **options: Any) -> Account:
        return Account(self.connector(**options), "11", "12", self, vip="1", color="color", automation="5/51")
