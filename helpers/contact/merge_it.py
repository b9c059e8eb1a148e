"""merge_it: combine_it that needs at least two sources."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from helpers.contact import combine_it
from helpers.contract import Example
from helpers.rules.config_types import FieldKey


class Config(combine_it.Config):
    """The keys of combine_it, with two sources or more."""

    source_fields: Annotated[list[FieldKey], Strict()] = Field(
        min_length=2, description="Fields to read, in this order; a field listed twice is used twice."
    )


class MergeIt(combine_it.CombineIt):
    """See CombineIt."""

    type = "merge_it"
    name = "Merge It"
    description = "Join at least two fields into one, with a separator."
    Config = Config
    example = Example(
        config={"source_fields": ["first_name", "last_name"], "target_field": "full_name"},
        crm={"contact": {"id": "c1", "first_name": "Ada", "last_name": "Lovelace"}},
    )
