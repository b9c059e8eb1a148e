"""What commands say."""

from __future__ import annotations

import pytest
import typer

from fleet.cli.output import Refused, refusals


def test_a_refusal_is_told_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    """Vendors put brackets into their messages: they are no markup."""
    with pytest.raises(typer.Exit), refusals():
        raise Refused("[/tags] is no [bold] key")

    assert capsys.readouterr().err == "Refused: [/tags] is no [bold] key\n"
