"""How a config model becomes its published JSON schema (draft 2020-12)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema


class ConfigSchema(GenerateJsonSchema):
    """A default that is an exact number is published as a JSON number; pydantic makes a text of a Decimal."""

    def encode_default(self, dft: Any) -> Any:
        plain = dft.model_dump(by_alias=self.by_alias) if isinstance(dft, BaseModel) else dft
        return super().encode_default(_with_json_numbers(plain))


def _with_json_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_json_numbers(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return value
