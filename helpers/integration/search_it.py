"""search_it: search contacts by text, and tag the hits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import Contact, ContactQuery
from helpers.errors import HelperError, PermanentFailure
from helpers.rules.config_types import (
    OptionalText,
    RequiredText,
    WholeNumber,
    blank_is_default,
    default_when,
    without_blanks,
)
from helpers.rules.contact_count import save_count
from helpers.rules.fields import contact_value
from helpers.rules.templates import merged_text
from helpers.rules.text import to_text

DEFAULT_LIMIT = 50
PAGE_SIZE = 1000
SHOWN = ("id", "first_name", "last_name", "email", "company")


class Config(HelperConfig):
    """The search."""

    search_term: RequiredText = Field(description="Text to look for; {{key}} inserts contact data.")
    search_fields: Annotated[
        list[Annotated[str, Strict()]],
        Strict(),
        default_when(lambda value: value in (None, "", [])),
        BeforeValidator(without_blanks),
    ] = Field(default=["email", "first_name", "last_name"], description="Fields that are searched.")
    match_mode: Annotated[Literal["exact", "contains", "starts_with"], blank_is_default] = Field(
        default="contains", description="How a field has to match."
    )
    tag_id: OptionalText = Field(default=None, description="Search only contacts with this tag.")
    limit: Annotated[
        WholeNumber, AfterValidator(lambda limit: limit if limit > 0 else DEFAULT_LIMIT), blank_is_default
    ] = Field(default=DEFAULT_LIMIT, description="Most hits; 0 and less mean 50.")  # fmt: skip
    apply_tag_to_results: OptionalText = Field(default=None, description="Tag (id or name) for every hit.")
    save_count_to: OptionalText = Field(default=None, description="Field of the current contact for the count.")


class SearchIt(Helper[Config]):
    """Walks all pages until it has enough hits or has looked at as many contacts as the platform allows."""

    type = "search_it"
    name = "Search It"
    category = "integration"
    description = "Search contacts by text, and tag the hits."
    requires_crm = True
    requires_contact = False
    reads_contact = False
    timeout_seconds = 300.0
    example = Example(
        config={"search_term": "acme", "search_fields": ["company"], "apply_tag_to_results": "77"},
        crm={
            "contact": {"id": "c1", "company": "Acme Ltd"},
            "extra_contacts": [{"id": "c2", "company": "Other"}],
            "tags": [{"id": "77", "name": "Acme"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        term = await merged_text(ctx, config.search_term)
        if not term.strip():
            raise PermanentFailure("search_term: the text is empty after the merge, which would match every contact")
        hits, truncated = await _search(ctx, term)
        actions: list[Action] = []
        if config.apply_tag_to_results:
            tagged = await _tag(ctx, hits, config.apply_tag_to_results)
            actions.append(Action(type="bulk_tag_applied", target=config.apply_tag_to_results, value=tagged))
        actions += await save_count(ctx, config.save_count_to, len(hits))
        actions.append(Action(type="search_executed", target=term, value=len(hits)))
        return HelperOutput.ok(
            f"{len(hits)} hits",
            modified_data={
                "search_term": term,
                "match_mode": config.match_mode,
                "result_count": len(hits),
                "contacts": [{name: getattr(contact, name) for name in SHOWN} for contact in hits],
                **({"truncated": True} if truncated else {}),
            },
            actions=actions,
        )


async def _search(ctx: HelperContext[Config], term: str) -> tuple[list[Contact], bool]:
    """The hits, and whether the scan was given up before the last contact."""
    config, wanted = ctx.config, term.casefold()
    hits: list[Contact] = []
    scanned = 0
    async for contact in ctx.crm.iter_contacts(ContactQuery(limit=PAGE_SIZE, tag_id=config.tag_id)):
        if scanned == ctx.settings.search_scan_limit:
            return hits, True
        scanned += 1
        if any(_matches(contact, field, wanted, config.match_mode) for field in config.search_fields):
            hits.append(contact)
            if len(hits) == config.limit:
                break
    return hits, False


def _matches(contact: Contact, field: str, wanted: str, mode: str) -> bool:
    text = to_text(contact_value(contact, field.strip()), separator=", ").casefold()
    match mode:
        case "exact":
            return text == wanted
        case "starts_with":
            return text.startswith(wanted)
        case _:
            return wanted in text


async def _tag(ctx: HelperContext[Config], hits: list[Contact], tag: str) -> int:
    """How many hits have the tag now because of us."""
    tagged = 0
    for contact in hits:
        try:
            await ctx.crm.apply_tag(contact.id, tag)
        except HelperError as exc:
            ctx.log(f"tagging contact {contact.id} failed: {exc}")
        else:
            tagged += 1
    return tagged
