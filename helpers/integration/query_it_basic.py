"""query_it_basic: list and count contacts by e-mail, by tag, or all."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import Contact, ContactQuery
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, WholeNumber, blank_is_default
from helpers.rules.contact_count import save_count
from helpers.rules.templates import merged_text

DEFAULT_LIMIT = 100
LARGEST_PAGE = 1000
SHOWN = ("id", "first_name", "last_name", "email")


class Config(HelperConfig):
    """The query."""

    query_type: Annotated[Literal["email", "tag", "all"], blank_is_default] = Field(
        default="all", description="What selects the contacts."
    )
    email: OptionalText = Field(default=None, description="E-mail of query_type email; {{key}} inserts contact data.")
    tag_id: OptionalText = Field(default=None, description="Tag (id or name) of query_type tag.")
    limit: Annotated[
        WholeNumber, AfterValidator(lambda limit: limit if limit > 0 else DEFAULT_LIMIT), blank_is_default
    ] = Field(default=DEFAULT_LIMIT, description="Most contacts returned; 0 and less mean 100.")  # fmt: skip
    save_count_to: OptionalText = Field(default=None, description="Field of the current contact for the count.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.query_type == "email" and not (self.email or "").strip():
            raise ValueError("email: query_type email needs an address")
        if self.query_type == "tag" and not (self.tag_id or "").strip():
            raise ValueError("tag_id: query_type tag needs a tag")
        return self


class QueryItBasic(Helper[Config]):
    """Works on the account; a current contact is needed for its merge fields and the saved count only."""

    type = "query_it_basic"
    name = "Query It Basic"
    category = "integration"
    description = "List and count contacts by e-mail, by tag, or all."
    requires_crm = True
    requires_contact = False
    reads_contact = False
    example = Example(
        config={"query_type": "email", "email": "{{email}}", "save_count_to": "Doubles"},
        crm={
            "contact": {"id": "c1", "email": "ann@example.com"},
            "extra_contacts": [{"id": "c2", "email": "ANN@example.com"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        query = ContactQuery(limit=min(config.limit + 1, LARGEST_PAGE), brief=True, **await _filter(ctx))
        found: list[Contact] = []
        async for contact in ctx.crm.iter_contacts(query):
            found.append(contact)
            if len(found) > config.limit:
                break
        has_more = len(found) > config.limit
        contacts = found[: config.limit]
        actions = await save_count(ctx, config.save_count_to, len(contacts))
        return HelperOutput.ok(
            f"{len(contacts)} contacts",
            modified_data={
                "query_type": config.query_type,
                "result_count": len(contacts),
                "contacts": [{name: getattr(contact, name) for name in SHOWN} for contact in contacts],
                "has_more": has_more,
            },
            actions=[*actions, Action(type="query_executed", target=config.query_type, value=len(contacts))],
        )


async def _filter(ctx: HelperContext[Config]) -> dict[str, str]:
    config = ctx.config
    match config.query_type:
        case "email":
            email = (await merged_text(ctx, config.email or "")).strip()
            if not email:
                raise PermanentFailure("email: the address is empty after the merge, which would select every contact")
            return {"email": email}
        case "tag":
            return {"tag_id": (config.tag_id or "").strip()}
        case "all":
            return {}
