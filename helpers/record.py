"""Values that read like the JSON they are stored as."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A pydantic model whose attributes are reachable by key too: ``action["type"] == action.type``."""

    model_config = ConfigDict(extra="forbid", validate_assignment=False)

    def __getitem__(self, key: str) -> Any:
        if key not in type(self).model_fields:
            raise KeyError(key)
        return getattr(self, key)
