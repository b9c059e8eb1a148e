"""rfm_calculation: recency, frequency and monetary scores, their segment, its tags and goals."""

from __future__ import annotations

from pydantic import Field

from helpers.analytics.orders import read_orders
from helpers.analytics.rfm_options import Options
from helpers.analytics.rfm_result import calculate, metrics
from helpers.analytics.rfm_scores import SEGMENT_TAGS
from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import tag_of
from helpers.rules.effects import Effects
from helpers.rules.tags import labelled
from helpers.rules.text import to_text


class Config(HelperConfig):
    """One key that holds all options."""

    options: Options = Field(description="May be {}.")


class RfmCalculation(Helper[Config]):
    """A contact without orders is left alone; scores stand even when some save, tag or goal failed for good."""

    type = "rfm_calculation"
    name = "RFM Calculation"
    category = "analytics"
    description = "Recency, frequency and monetary scores, composite, segment label, segment tags and goals."
    example = Example(
        config={
            "options": {
                "recency_calculation": {"1_2_threshold": 120, "2_3_threshold": 90, "4_5_threshold": 30},
                "frequency_calculation": {"1_2_threshold": 2, "2_3_threshold": 5},
                "monetary_calculation": {"1_2_threshold": 100, "2_3_threshold": 500},
                "save_data": {"rfm_segment_label": "segment"},
            }
        },
        crm={
            "contact": {"id": "c1"},
            "fields": {
                "_related.invoice.sum.TotalPaid": 620,
                "_related.invoice.sum.InvoiceTotal": 700,
                "_related.invoice.count": 6,
                "_related.invoice.last.DateCreated": "2026-01-05T10:00:00Z",
                "_related.invoice.last.InvoiceTotal": 120,
                "_related.invoice.first.DateCreated": "2025-02-01",
                "_related.invoice.first.InvoiceTotal": 80,
            },
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        orders = await read_orders(ctx)
        if orders.count == 0:
            return HelperOutput.no_op("the contact has no orders")
        result = calculate(ctx.config.options, orders, ctx.clock.now())
        effects = Effects(ctx, transient_stops=True)
        for metric, field in ctx.config.options.save_data.items():
            value = metrics(result).get(metric)
            if value is not None:
                await effects.attempt(f"saving {metric}", ctx.write(field, to_text(value)))
        if ctx.config.options.segment_labels:
            await _tag(ctx, effects, result["segment_label"])
        for metric in ("recency", "frequency", "monetary"):
            goal = f"{ctx.helper_id}{metric}{result[f'{metric}_score']}"
            await effects.attempt(f"goal {goal}", ctx.achieve_goal(goal))
        return HelperOutput.ok(
            f"{result['segment_label']} ({result['composite_score']})", modified_data=result, actions=effects.actions
        )


async def _tag(ctx: HelperContext[Config], effects: Effects, label: str) -> None:
    configured = ctx.config.options.segment_tags.model_dump()
    wanted = configured.get(SEGMENT_TAGS.get(label, ""))
    if wanted is not None:
        await effects.attempt(f"apply tag {wanted}", labelled(ctx.apply_tag(wanted), wanted, label))
    # Segments may name one tag in several spellings (id or name); the tag itself tells which is to stay.
    kept = None if wanted is None else tag_of(wanted, ctx.contact.tags)
    others = dict.fromkeys(tag for tag in configured.values() if tag is not None and tag != wanted)
    for tag in others:
        held = tag_of(tag, ctx.contact.tags)
        if held is not None and held != kept:
            await effects.attempt(f"remove tag {tag}", labelled(ctx.remove_tag(tag), tag, label))
