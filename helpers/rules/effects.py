"""Steps that may fail without failing the run: contact C6, tagging T4, data D11, automation C9, integration C5.

    effects = Effects(ctx)
    for tag in config.tag_ids:
        await effects.attempt(f"apply tag {tag}", ctx.apply_tag(tag))
    effects.raise_common_cause()
    ... effects.actions, effects.written, effects.all_failed

A single step that hangs on a main action goes through :func:`soft` (a retry is harmless) or :func:`best_effort`
(the run must not be repeated for it).
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from helpers.contract import Action, HelperContext
from helpers.crm.errors import NotFound
from helpers.errors import HelperError, PermanentFailure, TransientFailure


class Effects:
    """The steps of one run: what was done (``actions``, in order) and what failed (``failures``).

    ``transient_stops``: a retryable failure is raised at once (data D11) instead of being counted.
    """

    def __init__(self, ctx: HelperContext[Any], *, transient_stops: bool = False) -> None:
        self._ctx = ctx
        self._transient_stops = transient_stops
        self.actions: list[Action] = []
        self.failures: list[HelperError] = []

    async def attempt(self, what: str, step: Awaitable[Action]) -> bool:
        """Await the step and keep its action; a failure is logged as ``what`` and kept. True when it was done."""

        async def steps() -> list[Action]:
            return [await step]

        return await self.attempt_all(what, steps())

    async def attempt_all(self, what: str, steps: Awaitable[list[Action]]) -> bool:
        """The same for a step that does several things, or none when there is nothing to do."""
        try:
            actions = await steps
        except HelperError as exc:
            if exc.retryable and self._transient_stops:
                raise
            self._ctx.log(f"{what} failed: {exc}")
            self.failures.append(exc)
            return False
        self.actions.extend(actions)
        return True

    @property
    def all_failed(self) -> bool:
        """Whether steps were attempted and none was done."""
        return bool(self.failures) and not self.actions

    @property
    def written(self) -> dict[str, Any]:
        """Field key -> value of the fields written: the usual modified_data."""
        return {action.target: action.value for action in self.actions if action.type == "field_updated"}

    def raise_common_cause(self) -> None:
        """When nothing was done, raise what is not the steps' own failure (contact C5, C6; tagging T4, T5).

        That is a retryable failure, or a contact that does not exist.
        """
        if self.all_failed:
            for failure in self.failures:
                if failure.retryable or isinstance(failure, NotFound):
                    raise failure

    def raise_if_all_failed(self) -> None:
        """Raise when nothing was done; retryable only when every cause is (automation C9)."""
        if not self.all_failed:
            return
        message = "every step failed: " + "; ".join(map(str, self.failures))
        if all(failure.retryable for failure in self.failures):
            waits = [failure.retry_after for failure in self.failures if failure.retry_after is not None]
            raise TransientFailure(message, retry_after=max(waits, default=None)) from self.failures[0]
        raise PermanentFailure(message) from self.failures[0]


async def soft(ctx: HelperContext[Any], what: str, step: Awaitable[Action]) -> list[Action]:
    """The step's action, or [] after a permanent failure, which is logged; a retryable one is raised (contact C6)."""
    effects = Effects(ctx, transient_stops=True)
    await effects.attempt(what, step)
    return effects.actions


async def best_effort(ctx: HelperContext[Any], what: str, step: Awaitable[Action]) -> list[Action]:
    """The step's action, or [] after any failure, which is logged (automation C8, integration C5 post-steps)."""
    effects = Effects(ctx)
    await effects.attempt(what, step)
    return effects.actions
