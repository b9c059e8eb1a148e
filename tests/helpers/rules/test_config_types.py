from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from helpers.contract import HelperConfig
from helpers.rules import config_types as types


def accepts(annotation: Any, value: Any) -> Any:
    return TypeAdapter(annotation).validate_python(value)


def refuses(annotation: Any, value: Any) -> bool:
    try:
        accepts(annotation, value)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    ("annotation", "value", "kept"),
    [
        (types.NonEmptyText, " ", " "),
        (types.RequiredText, " a ", " a "),
        (types.TrimmedText, " a ", "a"),
        (types.FieldKey, "\tfirst_name\n", "first_name"),
        (types.Identifier, 1234567, "1234567"),
        (types.Identifier, " 77 ", "77"),
        (types.Identifier, 1234567.0, "1234567"),
        (types.Identifier, Decimal("1234567"), "1234567"),
        (types.TagRef, "VIP customer", "VIP customer"),
        (types.FieldKeys, ["b", " a ", "b"], ["b", "a"]),
        (types.TagRefs, [7, "7", "x"], ["7", "x"]),
        (types.Number, "2.5", 2.5),
        (types.Number, 3, 3.0),
        (types.ExactNumber, " 1.10 ", Decimal("1.10")),
        (types.ExactNumber, 0.1, Decimal("0.1")),
        (types.WholeNumber, "2.9", 2),
        (types.WholeNumber, -2.9, -2),
        (types.WholeNumber, "1e3", 1000),
        (types.JsonNumber, 1.5, 1.5),
        (types.JsonWholeNumber, -1.5, -1),
        (types.LooseFlag, "true", True),
        (types.LooseFlag, "False", False),
        (types.Flag, False, False),
    ],
)
def test_accepted_values_are_normalised(annotation: Any, value: Any, kept: Any) -> None:
    """Each type keeps spaces, trims, or turns into text exactly as its rule says."""
    assert kept == accepts(annotation, value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (types.NonEmptyText, ""),
        (types.NonEmptyText, None),
        (types.NonEmptyText, 5),
        (types.RequiredText, "  "),
        (types.TrimmedText, " "),
        (types.FieldKey, 5),
        (types.FieldKey, ["first_name"]),
        (types.Identifier, True),
        (types.Identifier, 1.5),
        (types.Identifier, float("nan")),
        (types.Identifier, float("inf")),
        (types.Identifier, " "),
        (types.Identifier, {}),
        (types.Identifier, ["1"]),
        (types.Identifier, None),
        (types.FieldKeys, "first_name"),
        (types.FieldKeys, ["a", " "]),
        (types.FieldKeys, ["a", None]),
        (types.FieldKeys, ("a",)),
        (types.TagRefs, [True]),
        (types.TagRefs, {"1": "2"}),
        (types.Flag, "true"),
        (types.Flag, 1),
        (types.LooseFlag, 1),
        (types.LooseFlag, "yes"),
        (types.Number, "12abc"),
        (types.Number, True),
        (types.Number, float("nan")),
        (types.Number, "inf"),
        (types.WholeNumber, "1e999"),
        (types.JsonNumber, "5"),
        (types.JsonWholeNumber, "5"),
        (types.JsonWholeNumber, True),
    ],
)
def test_other_values_are_refused(annotation: Any, value: Any) -> None:
    """Nothing converts silently between text, numbers and booleans."""
    assert refuses(annotation, value)


class Unset(HelperConfig):
    """One field per way of saying "not filled in"."""

    flag: types.Flag = True
    loose_flag: types.LooseFlag = True
    text: types.Text = "default"
    default_text: types.DefaultText = "default"
    optional_text: types.OptionalText = None
    field: types.OptionalFieldKey = None
    picked: types.PickedFieldKey = None
    tag: types.OptionalTagRef = None
    named: Annotated[types.FieldKey, types.blank_is_default] = "owner_id"
    choice: Annotated[Literal["a", "b"], types.empty_is_default] = "a"
    amount: Annotated[types.WholeNumber, types.blank_is_default] = 1
    tags: Annotated[types.TagRefs, types.null_is_default] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("key", "unset"),
    [
        ("flag", None),
        ("loose_flag", ""),
        ("loose_flag", None),
        ("text", None),
        ("default_text", ""),
        ("default_text", None),
        ("optional_text", ""),
        ("optional_text", None),
        ("field", ""),
        ("field", "  "),
        ("field", None),
        ("picked", "no_select"),
        ("picked", ""),
        ("tag", ""),
        ("named", " "),
        ("named", None),
        ("choice", ""),
        ("amount", ""),
        ("amount", None),
        ("tags", None),
    ],
)
def test_what_was_not_filled_in_is_the_default(key: str, unset: Any) -> None:
    """Null and the blanks that the old web form stored count as an absent key."""
    assert Unset.model_validate({key: unset}) == Unset()


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("text", "", ""),
        ("optional_text", " ", " "),
        ("picked", " plan ", "plan"),
        ("tag", 7, "7"),
        ("named", "x", "x"),
        ("choice", "b", "b"),
    ],
)
def test_a_filled_in_value_is_kept(key: str, value: Any, kept: Any) -> None:
    """The default markers touch nothing else."""
    assert kept == getattr(Unset.model_validate({key: value}), key)


def test_a_wrong_choice_is_refused() -> None:
    """An enum stays exact under a default marker."""
    with pytest.raises(ValidationError, match="choice"):
        Unset.model_validate({"choice": "c"})


def test_the_published_schema_tells_the_accepted_shapes() -> None:
    """Ids publish text or integer, required text publishes that it needs a character."""
    properties = Unset.model_json_schema()["properties"]

    assert properties["tags"]["items"] == {"type": ["string", "integer"]}
    assert properties["named"]["pattern"] == r"\S"
    assert properties["flag"]["type"] == "boolean"


def test_the_default_of_an_exact_number_is_published_as_a_number() -> None:
    """Also inside the default of a nested object; pydantic would write "0.5"."""

    class Inner(HelperConfig):
        weight: types.ExactNumber = Field(default=Decimal("0.5"))

    class Outer(HelperConfig):
        days: types.ExactNumber = Field(default=Decimal(30))
        inner: Inner = Inner()

    schema = Outer.json_schema()

    assert schema["properties"]["days"]["default"] == 30
    assert schema["properties"]["inner"]["default"] == {"weight": 0.5}
    assert schema["$defs"]["Inner"]["properties"]["weight"]["default"] == 0.5


def test_blank_entries_can_be_skipped_from_a_list() -> None:
    """The marker for lists that ignore blanks leaves other values to the type."""
    assert types.without_blanks(["a", "", None, " ", 5]) == ["a", 5]
    assert types.without_blanks("a") == "a"


def test_text_is_never_coerced_from_other_types() -> None:
    """An optional text refuses a number."""
    assert refuses(types.OptionalText, 5)
    assert refuses(types.Text, 5)


@pytest.mark.parametrize(
    ("bounds", "accepted", "refused", "remedy"),
    [
        (types.Within(0, 10), [0, "10", 10.9], [-1, "11"], "from 0 to 10"),
        (types.Within(low=2), [2, 99], [1], "of at least 2"),
        (types.Within(high=128), [-5, 128], [129], "of at most 128"),
    ],
)
def test_a_number_within_bounds(bounds: types.Within, accepted: list[Any], refused: list[Any], remedy: str) -> None:
    """Both bounds are included, after the fraction is cut off."""
    annotation = Annotated[types.WholeNumber, bounds]

    assert all(not refuses(annotation, value) for value in accepted)
    for value in refused:
        with pytest.raises(ValidationError, match=remedy):
            accepts(annotation, value)


def test_the_schema_tells_the_bounds() -> None:
    """At the number; a numeric text has no words for them."""
    bounded = TypeAdapter(Annotated[types.WholeNumber, types.Within(0, 10)]).json_schema()
    plain = TypeAdapter(Annotated[types.JsonWholeNumber, types.Within(high=3)]).json_schema()

    assert bounded == {"anyOf": [{"type": "number", "minimum": 0, "maximum": 10}, {"type": "string"}]}
    assert plain == {"type": "number", "maximum": 3}
