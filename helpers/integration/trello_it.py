"""trello_it: create a Trello card from contact data."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, RequiredText
from helpers.rules.effects import best_effort
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers, once
from helpers.rules.templates import merge_fields, merge_single_braces
from helpers.rules.text import to_text
from helpers.services.trello import Trello


class Config(HelperConfig):
    """Where the card goes, and what it says."""

    board_id: RequiredText = Field(description="Board id; reported, the list decides where the card goes.")
    list_id: RequiredText = Field(description="Id of the list that gets the card.")
    card_name_template: RequiredText = Field(description="Card name, with {first_name} and other contact fields.")
    card_description_template: OptionalText = Field(default=None, description="Card text, with the same placeholders.")
    apply_tag: OptionalText = Field(default=None, description="Tag id or name, applied after the card was made.")
    service_connection_ids: ServiceConnections


class TrelloIt(Helper[Config]):
    """The card comes first; a tag that fails afterwards only leaves a line in the log."""

    type = "trello_it"
    name = "Trello It"
    category = "integration"
    description = "Create a Trello card from contact data."
    external = True
    idempotent = False
    example = Example(
        config={"board_id": "b1", "list_id": "l1", "card_name_template": "Call {first_name}", "apply_tag": "77"},
        crm={"contact": {"id": "c1", "first_name": "Ada"}, "tags": [{"id": "77", "name": "On the board"}]},
        http=(
            {
                "match": {"method": "POST", "url_contains": "/1/cards"},
                "reply": {"status": 200, "json": {"id": "card1", "shortUrl": "https://trello.com/c/card1"}},
            },
        ),
        service_auths={"trello": {"api_key": "example-key", "api_secret": "example-token"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, trello = ctx.config, Trello(ctx)
        fields = merge_fields(ctx.contact)
        name = merge_single_braces(config.card_name_template, fields)
        if not name.strip():
            raise PermanentFailure("the card name is blank after the merge")
        description = merge_single_braces(config.card_description_template or "", fields)
        card = {"idList": config.list_id, "name": name, **({"desc": description} if description else {})}

        async def create() -> dict[str, Any]:
            answer = await trello.create_card(card, idempotency_headers(ctx))
            return {"id": to_text(answer.get("id")), "url": to_text(answer.get("shortUrl"))}

        created = await once(ctx, "card", create)
        tag = config.apply_tag
        tagged = await best_effort(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag)) if tag else []
        return HelperOutput.ok(
            f"created card {name!r}",
            modified_data={
                "card_id": created["id"],
                "card_url": created["url"],
                "card_name": name,
                "board_id": config.board_id,
                "list_id": config.list_id,
                "contact_id": ctx.contact_id,
            },
            actions=[Action(type="card_created", target=created["id"], value=created["url"]), *tagged],
        )
