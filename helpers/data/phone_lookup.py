"""phone_lookup: validate a phone field; goals by outcome; save the cleaned number."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import phonenumbers
from pydantic import AfterValidator, Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Flag, NonEmptyText, OptionalText, empty_is_default
from helpers.rules.effects import Effects
from helpers.rules.empty import is_blank
from helpers.rules.http_outcomes import DATA, call, json_object
from helpers.rules.text import to_text
from helpers.services.oauth import basic_authorization

TWILIO_LOOKUP = "https://lookups.twilio.com/v2/PhoneNumbers"
_EXTENSION = re.compile(r"\s*(?:ext\.?|extension|x|#)\s*\d+\s*$", re.IGNORECASE)
_FORMATS = {
    "e164": phonenumbers.PhoneNumberFormat.E164,
    "national": phonenumbers.PhoneNumberFormat.NATIONAL,
    "international": phonenumbers.PhoneNumberFormat.INTERNATIONAL,
}


def _region(code: str) -> str:
    region = code.strip().upper()
    return "GB" if region == "UK" else region


class Config(HelperConfig):
    """The field, the country and what follows."""

    phone_field: NonEmptyText = Field(description="Field with the number.")
    country_code: Annotated[str, AfterValidator(lambda code: code.strip().upper()), empty_is_default] = Field(
        default="US", description="ISO region of numbers without +; UK is GB."
    )
    valid_goal: OptionalText = Field(default=None, description="Goal for a valid number.")
    invalid_goal: OptionalText = Field(default=None, description="Goal for an invalid number.")
    empty_goal: OptionalText = Field(default=None, description="Goal for an empty field.")
    save_formatted_to: OptionalText = Field(default=None, description="Field for a valid number.")
    save_format: Annotated[Literal["digits", "e164", "national", "international"], empty_is_default] = Field(
        default="digits", description="Form in which it is saved."
    )
    use_twilio_lookup: Flag = Field(default=False, description="Ask Twilio too, where it is connected.")


class PhoneLookup(Helper[Config]):
    """Empty, invalid and valid are all successes; the status tells which."""

    type = "phone_lookup"
    name = "Phone Lookup"
    category = "data"
    description = "Validate a phone field; fire goals by valid, invalid or empty; save the cleaned number."
    reads_contact = False
    example = Example(
        config={"phone_field": "phone", "save_formatted_to": "clean_phone", "save_format": "e164"},
        crm={"contact": {"id": "c1", "phone": "(650) 253-0000"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        value = await ctx.read(config.phone_field)
        if is_blank(value):
            return await _finish(ctx, {"status": "empty"}, config.empty_goal, None)
        raw = to_text(value)
        if not any(char.isalnum() for char in raw):
            return await _finish(ctx, {"status": "invalid", "raw_number": raw}, config.invalid_goal, None)
        parsed = _parse(raw, config.country_code)
        valid = parsed is not None and _is_valid(parsed, config.country_code)
        if valid and parsed is not None and config.use_twilio_lookup:
            valid = await _twilio_agrees(ctx, parsed)
        number = cleaned(raw)
        modified: dict[str, Any] = {
            "number": number,
            "country_code": config.country_code,
            "raw_number": raw,
            "contact_id": ctx.contact_id,
            "status": "valid" if valid else "invalid",
        }
        if parsed is not None:
            modified |= {
                "e164": phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
                "line_type": phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(parsed)).lower(),
                "region": phonenumbers.region_code_for_number(parsed) or "",
            }
        if not valid or parsed is None:
            return await _finish(ctx, modified, config.invalid_goal, None)
        saved = number if config.save_format == "digits" else _formatted(parsed, config.save_format)
        return await _finish(ctx, modified, config.valid_goal, saved)


async def _finish(
    ctx: HelperContext[Config], modified: dict[str, Any], goal: str | None, saved: str | None
) -> HelperOutput:
    effects = Effects(ctx, transient_stops=True)
    if goal is not None:
        await effects.attempt(f"goal {goal}", ctx.achieve_goal(goal))
    field = ctx.config.save_formatted_to
    if field is not None and saved is not None:
        await effects.attempt(f"saving {field}", ctx.write(field, saved))
    if effects.all_failed:
        return HelperOutput.failed("neither goal nor field could be written", modified_data=modified)
    return HelperOutput.ok(str(modified["status"]), modified_data=modified, actions=effects.actions)


def cleaned(raw: str) -> str:
    """The digits, without an extension, vanity letters as keypad digits."""
    return phonenumbers.normalize_digits_only(phonenumbers.convert_alpha_characters_in_number(_EXTENSION.sub("", raw)))


def _parse(raw: str, country_code: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(raw, _region(country_code))
    except phonenumbers.NumberParseException:
        return None


def _is_valid(number: phonenumbers.PhoneNumber, country_code: str) -> bool:
    """Of the right calling code: a Toronto number is valid for US, a London one is not."""
    calling_code = phonenumbers.country_code_for_region(_region(country_code))
    return phonenumbers.is_valid_number(number) and number.country_code == calling_code


def _formatted(number: phonenumbers.PhoneNumber, form: str) -> str:
    return phonenumbers.format_number(number, _FORMATS[form])


async def _twilio_agrees(ctx: HelperContext[Config], number: phonenumbers.PhoneNumber) -> bool:
    auth = ctx.service_auths.get("twilio")
    if not auth.api_key or not auth.api_secret:
        ctx.log("Twilio is not connected: the number was checked offline only")
        return True
    response = await call(
        ctx,
        "GET",
        # Not below the connection's base URL: that is the host of the messaging API.
        f"{TWILIO_LOOKUP}/{phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}",
        service="Twilio Lookup",
        headers={"Authorization": basic_authorization(auth.api_key, auth.api_secret)},
        secrets=[auth.api_secret],
        rule=DATA,
    )
    return json_object(response, "Twilio Lookup").get("valid") is True
