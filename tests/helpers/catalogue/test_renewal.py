from __future__ import annotations

from pathlib import Path

import pytest

from helpers.catalogue import __main__ as command


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The two generated files in a folder of their own, with texts that are quick to make."""

    async def page() -> str:
        return "page\n"

    schemas_path, page_path = tmp_path / "schemas.json", tmp_path / "docs" / "helpers.md"
    monkeypatch.setattr(command, "SCHEMAS_PATH", schemas_path)
    monkeypatch.setattr(command, "PAGE_PATH", page_path)
    monkeypatch.setattr(command, "render_schemas", lambda: "schemas\n")
    monkeypatch.setattr(command, "render_page", page)
    return schemas_path, page_path


def test_stale_files_are_renewed(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Missing ones too; fresh ones are left alone."""
    files[0].write_text("schemas\n")

    assert command.main([]) == 0
    assert [file.read_text() for file in files] == ["schemas\n", "page\n"]
    assert capsys.readouterr().out == "renewed helpers.md\n"


def test_the_check_names_the_stale_file_and_writes_nothing(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1 until both are fresh."""
    files[0].write_text("old\n")

    assert command.main(["--check"]) == 1
    assert files[0].read_text() == "old\n"
    assert "schemas.json is stale; run python -m helpers.catalogue" in capsys.readouterr().err

    command.main([])
    assert command.main(["--check"]) == 0
