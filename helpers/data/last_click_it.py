"""last_click_it: the last e-mail click with window, conversion and frequency; or UTM last-click attribution."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.data.email_click import EmailClickConfig, save_click
from helpers.data.utm_attribution import UtmConfig, save_attribution


# Pydantic takes the fields of the last base first: the keys of the e-mail mode.
class Config(UtmConfig, EmailClickConfig):
    """E-mail mode with ``save_to``, else UTM mode with ``utm_source`` and ``utm_medium``."""

    @model_validator(mode="after")
    def _one_mode(self) -> Self:
        if self.save_to == "":
            raise ValueError("save_to: write the field that receives the date")
        if self.save_to is None and (self.utm_source is None or self.utm_medium is None):
            raise ValueError("save_to: write the field for the click date, or utm_source and utm_medium")
        return self


class LastClickIt(Helper[Config]):
    """One type with two config shapes: the earlier platform had registered it twice."""

    type = "last_click_it"
    name = "Last Click It"
    category = "data"
    description = "Store the last e-mail click, or the UTM attribution of the last click."
    reads_contact = False
    example = Example(
        config={"save_to": "last_click"},
        crm={
            "contact": {"id": "c1", "email": "ann@example.com"},
            "fields": {"_email_stats.ann@example.com.LastClickDate": "2026-01-10T08:00:00Z"},
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        if ctx.config.save_to is None:
            return await save_attribution(ctx)
        return await save_click(ctx, ctx.config.save_to)
