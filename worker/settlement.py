"""After a child of a chain has ended: release the next one, or queue the branch that follows the last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import structlog

from fleet.aws import AwsClients
from fleet.clock import SystemClock
from fleet.execution import Execution
from fleet.executions import ExecutionStore
from fleet.helper_settings import HelperRuntimeSettings
from fleet.ports.children import ChildExecutions
from fleet.stored_helpers import AccountHelpers, StoredHelpers
from fleet.transition import TransitionRefused

if TYPE_CHECKING:
    from helpers.rules.children import ChainGroup

log = structlog.get_logger(__name__)


class Settlement:
    """Runs before the message of the ended child is deleted, and again for a duplicate: every step is repeatable.

    Ids of children are derived from their parent, so a branch that is queued twice exists once.
    """

    def __init__(self, aws: AwsClients, settings: HelperRuntimeSettings, executions: ExecutionStore) -> None:
        self._executions = executions
        self._children = ChildExecutions(executions)
        self._helpers = StoredHelpers(aws.dynamodb, settings.helpers_table)
        self._max_depth = settings.chain_max_depth
        self._clock = SystemClock()

    async def settle(self, ended: Execution) -> None:
        """Decide from the stored children what follows, and do it.

        A child may end before its chain has written the ones behind it: then nothing is decided until the chain
        itself has ended, which settles its children in turn.
        """
        # Only chains need it; a worker without them stays small.
        from helpers.automation.chain_it import ChainIt

        if ended.helper_type == ChainIt.type:
            await self._advance(ended, "primary")
        if ended.parent_execution_id:
            parent = await self._executions.get(ended.parent_execution_id)
            if parent is not None and parent.helper_type == ChainIt.type and parent.is_terminal:
                await self._advance(parent, cast("ChainGroup", ended.chain_group))

    async def _advance(self, parent: Execution, group: ChainGroup) -> None:
        from helpers.automation import chain_settlement
        from helpers.automation.chain_it import ChainIt, Config
        from helpers.errors import ConfigRefused
        from helpers.invocation import parse_config
        from helpers.rules.children import Parent, spawn_group

        try:
            config = parse_config(ChainIt, parent.config)
        except ConfigRefused:
            return  # the chain failed for it, and has no children
        assert isinstance(config, Config)  # noqa: S101 - the type of ChainIt's config
        groups = {
            "primary": config.helpers,
            "on_success": config.on_success_helpers,
            "on_failure": config.on_failure_helpers,
        }
        size = len(groups[group])
        stored = await self._stored(parent.execution_id, group, size)
        if not stored:
            return
        decision = chain_settlement.decide(
            {
                index: chain_settlement.Child(
                    child.execution_id,
                    index,
                    child.status,
                    chain_settlement.limit_reached(child.helper_type, child.result),
                )
                for index, child in stored.items()
            },
            size,
        )
        if decision.release:
            await self._unless_refused(self._executions.release(decision.release))
        for execution_id in decision.skip:
            await self._unless_refused(self._executions.skip(execution_id, "the chain's limit was reached"))
        if decision.result is None or group != "primary":
            return
        branch: ChainGroup = "on_success" if decision.result == "success" else "on_failure"
        if not groups[branch]:
            return
        spawned = await spawn_group(
            Parent.stored(parent.model_dump()),
            groups[branch],
            group=branch,
            now=self._clock.now(),
            directory=AccountHelpers(self._helpers, parent.account_id),
            spawner=self._children,
            max_depth=self._max_depth,
        )
        log.info("chain_branch_queued", group=branch, queued=len(spawned.queued), refused=len(spawned.refused))
        # Its first child may have ended before the others were written.
        await self._advance(parent, branch)

    async def _stored(self, parent_id: str, group: ChainGroup, size: int) -> dict[int, Execution]:
        from helpers.rules.children import child_execution_id

        ids = [child_execution_id(parent_id, group, index) for index in range(size)]
        found = await asyncio.gather(*(self._executions.get(execution_id) for execution_id in ids))
        return {index: child for index, child in enumerate(found) if child is not None}

    async def _unless_refused(self, transition: Any) -> None:
        """A refused transition was made by an earlier delivery, or the child runs already."""
        try:
            await transition
        except TransitionRefused as exc:
            log.debug("settlement_step_done_before", transition=exc.transition, reason=exc.reason)
