"""A sandbox file that another process holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.crm.sandbox import store as module
from helpers.crm.sandbox.store import SandboxStore
from helpers.errors import TransientFailure


def test_a_locked_file_is_tried_again_like_a_crm_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_SECONDS", 0)
    holder, other = SandboxStore(tmp_path / "crm.db"), SandboxStore(tmp_path / "crm.db")

    with holder.transaction(), pytest.raises(TransientFailure, match="locked"), other.transaction():
        pytest.fail("two writers at once")

    with other.transaction():
        assert other.contact_exists("c1") is False
    holder.close()
    other.close()
