"""order_it: create a Keap order for the contact."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, blank_is_default, empty_is_default, to_number, without_blanks
from helpers.rules.effects import best_effort
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers, once
from helpers.rules.text import to_text
from helpers.services.keap_orders import KeapOrders


def _positive(value: Any) -> int:
    number = to_number(value)
    if number != int(number) or number <= 0:
        raise ValueError("write a positive whole number")
    return int(number)


def _product(value: Any) -> int:
    if isinstance(value, str) and not (value.strip().isascii() and value.strip().isdigit()):
        raise ValueError("write the product's number")
    return _positive(value)


class Config(HelperConfig):
    """What is ordered."""

    product_id: Annotated[
        int, BeforeValidator(_product), WithJsonSchema({"type": ["integer", "string"], "pattern": "^[0-9]+$"})
    ] = Field(description="Product number in Keap.")  # fmt: skip
    quantity: Annotated[
        int, BeforeValidator(_positive), WithJsonSchema({"type": ["integer", "string"], "minimum": 1}), blank_is_default
    ] = Field(default=1, description="How many.")  # fmt: skip
    promo_codes: Annotated[
        list[Annotated[str, Strict()]], Strict(), BeforeValidator(without_blanks), empty_is_default
    ] = Field(default=[], description="Promo codes.")  # fmt: skip
    apply_tag: OptionalText = Field(default=None, description="Tag id or name, applied after the order was made.")
    order_title: OptionalText = Field(default=None, description="Title; unset = Order - product <product_id>.")
    order_type: Annotated[Literal["Offline", "Online"], blank_is_default] = Field(
        default="Offline", description="Kind of order."
    )
    service_connection_ids: ServiceConnections


class OrderIt(Helper[Config]):
    """Money: where the outcome of the call is unknown, nothing makes a second order by itself.

    With a connection of another CRM it refuses to run: that contact's id may be somebody else's in Keap.
    """

    type = "order_it"
    name = "Order It"
    category = "integration"
    description = "Create a Keap order for the contact."
    supported_crms = ("keap",)
    reads_contact = False
    shares_crm_credentials = True
    idempotent = False
    external = True
    # The call, a renewal of the token and the call once more, each up to 30 s.
    timeout_seconds = 120.0
    example = Example(
        config={"product_id": 12, "quantity": 2, "apply_tag": "77"},
        crm={"contact": {"id": "1044"}, "tags": [{"id": "77", "name": "Buyer"}]},
        contact_id="1044",
        http=({"match": {"method": "POST"}, "reply": {"status": 201, "json": {"id": 5001}}},),
        service_auths={"keap": {"access_token": "example-token"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        if ctx.crm.slug not in self.supported_crms:
            raise PermanentFailure(f"order_it works with Keap, the connection is {ctx.crm.slug}")
        config, keap = ctx.config, KeapOrders(ctx)
        contact_id = ctx.contact_id.strip()
        if not (contact_id.isascii() and contact_id.isdigit()):
            raise PermanentFailure(f"the contact id {ctx.contact_id!r} is no Keap contact: it has to be a whole number")
        order: dict[str, Any] = {
            "contact_id": int(contact_id),
            "order_title": config.order_title or f"Order - product {config.product_id}",
            "order_date": f"{ctx.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "order_type": config.order_type,
            "order_items": [{"product_id": config.product_id, "quantity": config.quantity}],
        }
        if config.promo_codes:
            order["promo_codes"] = config.promo_codes

        async def create() -> dict[str, Any]:
            answer = await keap.create(order, idempotency_headers(ctx))
            order_id = answer.get("id")
            return {"order_id": to_text(answer.get("order_id") if order_id is None else order_id)}

        order_id = (await once(ctx, "order", create, repeatable=False))["order_id"]
        tag = config.apply_tag
        tagged = await best_effort(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag)) if tag else []
        return HelperOutput.ok(
            f"created order {order_id}",
            modified_data={
                "order_id": order_id,
                "product_id": config.product_id,
                "quantity": config.quantity,
                "contact_id": ctx.contact_id,
                "promo_codes": config.promo_codes,
            },
            actions=[Action(type="order_created", target=ctx.contact_id, value=order_id), *tagged],
        )
