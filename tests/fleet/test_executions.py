"""The state machine of an execution: every allowed transition, and every refused one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.aws import AwsClients
from fleet.clock import SystemClock
from fleet.execution import Execution, new_execution_id
from fleet.execution_index import ExecutionIndex
from fleet.executions import CHILDREN_PER_ROOT, ExecutionStore
from fleet.settings import FleetSettings
from fleet.transition import TransitionRefused

pytestmark = pytest.mark.stack

START = datetime(2026, 1, 15, 10, 0, 0, tzinfo=UTC)
LEASE = 30.0
STATES = ("scheduled", "queued", "running", "completed", "failed", "cancelled", "skipped")


class ManualClock(SystemClock):
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(aws: AwsClients, stage_settings: FleetSettings, clock: ManualClock) -> ExecutionStore:
    return ExecutionStore(aws.dynamodb, stage_settings.executions_table, clock=clock)


@pytest.fixture
def index(aws: AwsClients, stage_settings: FleetSettings) -> ExecutionIndex:
    return ExecutionIndex(aws.dynamodb, stage_settings.executions_table)


def new(status: str = "queued", **values: Any) -> Execution:
    return Execution.model_validate(
        {
            "execution_id": new_execution_id(),
            "helper_id": "helper:1",
            "helper_type": "tag_it",
            "account_id": "account:1",
            "contact_id": "c1",
            "config": {"tag_ids": ["1", 2.5, None], "action": "apply"},
            "status": status,
            "created_at": "2026-01-15T10:00:00Z",
            **values,
        }
    )


async def stored(store: ExecutionStore, status: str) -> Execution:
    """An execution in that state, as a worker or operator would have brought it there."""
    extra: dict[str, Any] = {}
    if status == "scheduled":
        extra = {"not_before": "2026-01-15T09:00:00Z", "schedule_bucket": "scheduled#0"}
    if status in {"running", "completed", "failed"}:
        extra = {
            "worker_id": "w1",
            "attempts": 1,
            "started_at": "2026-01-15T09:59:59.000Z",
            "lease_expires_at": START.timestamp() + LEASE,
        }
    execution = new(status, **extra)
    await store.create(execution)
    return execution


Transition = Callable[[ExecutionStore, Execution], Awaitable[Execution]]

TRANSITIONS: dict[str, tuple[Transition, dict[str, str]]] = {
    # name: (call, {state it is allowed from: state it leads to})
    "claim": (lambda store, e: store.claim(e.execution_id, "w2", LEASE), {"queued": "running"}),
    "extend": (lambda store, e: store.extend(e, LEASE), {"running": "running"}),
    "complete": (lambda store, e: store.complete(e, {"success": True}), {"running": "completed"}),
    "fail": (lambda store, e: store.fail(e, error_type="X", error_message="no"), {"running": "failed"}),
    "retry_later": (
        lambda store, e: store.retry_later(e, after_seconds=5, error_type="X", error_message="no"),
        {"running": "queued"},
    ),
    "give_back": (lambda store, e: store.give_back(e), {"running": "queued"}),
    "queue_due": (lambda store, e: store.queue_due(e.execution_id), {"scheduled": "queued"}),
    "release": (lambda store, e: store.release(e.execution_id), {"scheduled": "scheduled"}),
    "skip": (lambda store, e: store.skip(e.execution_id, "why"), {"scheduled": "skipped"}),
    "cancel": (lambda store, e: store.cancel(e.execution_id), {"scheduled": "cancelled", "queued": "cancelled"}),
    "reject": (
        lambda store, e: store.reject(e.execution_id, error_type="X", error_message="no"),
        {"scheduled": "failed", "queued": "failed"},
    ),
}
ALLOWED = [(name, before, after) for name, (_call, states) in TRANSITIONS.items() for before, after in states.items()]
REFUSED = [(name, before) for name, (_call, states) in TRANSITIONS.items() for before in STATES if before not in states]


@pytest.mark.parametrize(("transition", "before", "after"), ALLOWED)
async def test_an_allowed_transition_is_stored(store: ExecutionStore, transition: str, before: str, after: str) -> None:
    """The call answers with the new state, and a read finds it."""
    execution = await stored(store, before)

    result = await TRANSITIONS[transition][0](store, execution)

    assert result.status == after
    found = await store.get(execution.execution_id)
    assert found is not None
    assert found.status == after


@pytest.mark.parametrize(("transition", "before"), REFUSED)
async def test_a_refused_transition_changes_nothing_and_says_why(
    store: ExecutionStore, transition: str, before: str
) -> None:
    """The refusal carries the stored item; the item is as it was."""
    execution = await stored(store, before)

    with pytest.raises(TransitionRefused) as refused:
        await TRANSITIONS[transition][0](store, execution)

    assert refused.value.stored is not None
    assert refused.value.stored.status == before
    assert refused.value.transition == transition
    found = await store.get(execution.execution_id)
    assert found is not None
    assert found.to_item() == execution.to_item()


@pytest.mark.parametrize("transition", TRANSITIONS)
async def test_no_transition_creates_an_execution_that_does_not_exist(store: ExecutionStore, transition: str) -> None:
    """DynamoDB's update would create the item; the condition forbids it."""
    ghost = new("running", worker_id="w1", attempts=1, started_at="2026-01-15T09:00:00Z")

    with pytest.raises(TransitionRefused) as refused:
        await TRANSITIONS[transition][0](store, ghost)

    assert refused.value.reason == "missing"
    assert refused.value.stored is None
    assert await store.get(ghost.execution_id) is None


async def test_a_claim_counts_the_attempt_and_takes_the_lease(store: ExecutionStore) -> None:
    """The first claim also sets the time of the first attempt, which later ones keep."""
    execution = await stored(store, "queued")

    claimed = await store.claim(execution.execution_id, "w1", LEASE)

    assert (claimed.attempts, claimed.worker_id) == (1, "w1")
    assert claimed.lease_expires_at == START.timestamp() + LEASE
    assert claimed.started_at == claimed.first_attempt_at == "2026-01-15T10:00:00.000Z"
    assert claimed.config == execution.config


async def test_a_running_execution_is_taken_over_when_its_lease_ends_and_not_before(
    store: ExecutionStore, clock: ManualClock
) -> None:
    """The refusal says until when the lease lives; after it the claim counts as another attempt."""
    execution = await stored(store, "queued")
    await store.claim(execution.execution_id, "w1", LEASE)

    clock.moment += timedelta(seconds=LEASE)
    with pytest.raises(TransitionRefused) as refused:
        await store.claim(execution.execution_id, "w2", LEASE)
    assert refused.value.reason == "running"
    assert refused.value.stored is not None
    assert refused.value.stored.lease_expires_at == START.timestamp() + LEASE

    clock.moment += timedelta(milliseconds=1)
    taken = await store.claim(execution.execution_id, "w2", LEASE)
    assert (taken.attempts, taken.worker_id) == (2, "w2")


async def test_the_worker_that_lost_its_lease_can_write_no_result(store: ExecutionStore, clock: ManualClock) -> None:
    """After a takeover every write of the former owner is refused, by worker and by attempt."""
    execution = await stored(store, "queued")
    former = await store.claim(execution.execution_id, "w1", LEASE)
    clock.moment += timedelta(seconds=LEASE + 1)
    await store.claim(execution.execution_id, "w1", LEASE)  # the same worker, another attempt

    for transition in ("extend", "complete", "fail", "retry_later", "give_back"):
        with pytest.raises(TransitionRefused) as refused:
            await TRANSITIONS[transition][0](store, former)
        assert refused.value.reason == "not_owner"


async def test_a_duplicate_of_an_ended_execution_is_recognised(store: ExecutionStore) -> None:
    """The reason is what lets the worker acknowledge it without running."""
    execution = await stored(store, "completed")

    with pytest.raises(TransitionRefused) as refused:
        await store.claim(execution.execution_id, "w2", LEASE)

    assert refused.value.reason == "terminal"


async def test_an_execution_does_not_start_before_its_time(store: ExecutionStore, clock: ManualClock) -> None:
    """A message that comes early is refused as not due, and the same for the scheduler."""
    early = new("queued", not_before="2026-01-15T10:00:05Z")
    await store.create(early)
    scheduled = new("scheduled", not_before="2026-01-15T10:00:05Z", schedule_bucket="scheduled#0")
    await store.create(scheduled)

    with pytest.raises(TransitionRefused) as refused:
        await store.claim(early.execution_id, "w1", LEASE)
    assert refused.value.reason == "not_due"
    with pytest.raises(TransitionRefused) as refused:
        await store.queue_due(scheduled.execution_id)
    assert refused.value.reason == "not_due"

    clock.moment += timedelta(seconds=5)
    assert (await store.claim(early.execution_id, "w1", LEASE)).status == "running"
    assert (await store.queue_due(scheduled.execution_id)).schedule_bucket == ""


async def test_a_child_that_waits_for_another_is_not_queued_by_time(store: ExecutionStore) -> None:
    """Only its release, after the predecessor's end, puts it into the schedule."""
    child = new("scheduled", not_before="2026-01-15T09:00:00Z", depends_on_execution_id="exec:first")
    await store.create(child)

    with pytest.raises(TransitionRefused) as refused:
        await store.queue_due(child.execution_id)
    assert refused.value.reason == "wrong_state"

    released = await store.release(child.execution_id)
    assert released.depends_on_execution_id == ""
    assert released.schedule_bucket.startswith("scheduled#")
    assert (await store.queue_due(child.execution_id)).status == "queued"


async def test_an_attempt_given_back_does_not_count(store: ExecutionStore) -> None:
    """A shutdown costs nothing, but the first attempt's time stays: the router must not dispatch it again."""
    execution = await stored(store, "queued")
    claimed = await store.claim(execution.execution_id, "w1", LEASE)

    returned = await store.give_back(claimed)

    assert (returned.attempts, returned.status, returned.worker_id) == (0, "queued", "")
    assert returned.first_attempt_at != ""


async def test_a_claim_that_only_finds_the_last_attempt_dead_can_fail_without_an_attempt(
    store: ExecutionStore, clock: ManualClock
) -> None:
    """An execution that killed its workers shows the attempts that were made."""
    execution = await stored(store, "queued")
    await store.claim(execution.execution_id, "w1", LEASE)
    clock.moment += timedelta(seconds=LEASE + 1)
    found = await store.claim(execution.execution_id, "w2", LEASE)

    failed = await store.fail(found, error_type="WorkerDied", error_message="it died", retryable=True, counted=False)

    assert (failed.status, failed.attempts, failed.worker_id) == ("failed", 1, "w2")


async def test_a_retry_keeps_its_attempt_and_says_when_and_why(store: ExecutionStore) -> None:
    """An operator sees what the execution waits for."""
    execution = await stored(store, "queued")
    claimed = await store.claim(execution.execution_id, "w1", LEASE)

    waiting = await store.retry_later(claimed, after_seconds=90, error_type="CrmError", error_message="429")

    assert (waiting.status, waiting.attempts) == ("queued", 1)
    assert waiting.next_attempt_at == "2026-01-15T10:01:30Z"
    assert (waiting.error_type, waiting.error_message, waiting.retryable) == ("CrmError", "429", True)
    assert waiting.lease_expires_at is None


async def test_a_retry_is_not_claimed_before_its_time(store: ExecutionStore, clock: ManualClock) -> None:
    """What the other side asked for holds, however the message came back."""
    execution = await stored(store, "queued")
    claimed = await store.claim(execution.execution_id, "w1", LEASE)
    await store.retry_later(claimed, after_seconds=90, error_type="CrmError", error_message="429")

    with pytest.raises(TransitionRefused) as refused:
        await store.claim(execution.execution_id, "w2", LEASE)
    assert refused.value.reason == "not_due"

    clock.moment += timedelta(seconds=90)
    again = await store.claim(execution.execution_id, "w2", LEASE)
    assert (again.attempts, again.next_attempt_at) == (2, "")


async def test_a_success_clears_the_error_of_an_earlier_attempt(store: ExecutionStore, clock: ManualClock) -> None:
    """A completed execution shows no error."""
    execution = await stored(store, "queued")
    first = await store.claim(execution.execution_id, "w1", LEASE)
    await store.retry_later(first, after_seconds=1, error_type="CrmError", error_message="429")
    clock.moment += timedelta(seconds=1)

    done = await store.complete(await store.claim(execution.execution_id, "w1", LEASE), {"success": True})

    assert (done.error_type, done.error_message, done.retryable) == ("", "", None)
    assert done.attempts == 2
    assert done.result == {"success": True}


async def test_an_output_beside_a_large_input_is_cut_to_what_the_item_still_holds(store: ExecutionStore) -> None:
    """Refused as too large the result would be lost, and the helper would run again."""
    execution = new(input={"rows": "x" * 250_000})
    await store.create(execution)
    held = await store.claim(execution.execution_id, "w1", LEASE)

    done = await store.complete(held, {"success": True, "message": "done", "modified_data": {"rows": "y" * 250_000}})

    assert done.status == "completed"
    assert (done.result["message"], done.result["modified_data"]) == ("done", {})
    assert "cut" in done.result["truncated"]


async def test_half_a_character_in_an_error_does_not_keep_it_from_being_stored(store: ExecutionStore) -> None:
    """Vendors cut texts in the middle of an emoji; DynamoDB takes whole characters only."""
    held = await stored(store, "running")

    failed = await store.fail(held, error_type="X", error_message="cut \ud83d off")

    assert failed.error_message == "cut \ufffd off"


async def test_the_largest_execution_that_is_accepted_can_fail_with_its_output(store: ExecutionStore) -> None:
    """A message without end leaves room for itself in no item: the outcome matters more."""
    execution = new(input={"rows": "x" * 389_000})
    await store.create(execution)
    held = await store.claim(execution.execution_id, "w1", LEASE)

    done = await store.fail(held, error_type="X", error_message="no " * 2000, output={"message": "m" * 20_000})

    assert done.status == "failed"


async def test_creating_the_same_id_again_answers_with_what_is_stored(store: ExecutionStore) -> None:
    """The second call changes nothing."""
    first = new()
    await store.create(first)

    found, created = await store.create(first.model_copy(update={"contact_id": "other"}))

    assert not created
    assert found.contact_id == "c1"


async def test_a_root_spawns_at_most_a_hundred_children(store: ExecutionStore) -> None:
    """A child that exists already is no further one; the budget is refused without a trace."""
    root = new()
    await store.create(root)

    def child(number: int) -> Execution:
        return new(execution_id=f"exec:child-{number}", root_execution_id=root.execution_id)

    for number in range(CHILDREN_PER_ROOT):
        assert await store.spawn(child(number))
    assert await store.spawn(child(0))
    assert not await store.spawn(child(CHILDREN_PER_ROOT))
    assert await store.get(f"exec:child-{CHILDREN_PER_ROOT}") is None


async def test_due_executions_come_in_order_of_their_time(store: ExecutionStore, index: ExecutionIndex) -> None:
    """Over all buckets; what is not due or waits for another execution is not among them."""
    for number in (3, 1, 4, 0, 2):
        moment = f"2026-01-15T09:59:5{number}Z"
        await store.create(
            new(
                "scheduled", execution_id=f"exec:{number}", not_before=moment, schedule_bucket=f"scheduled#{number % 4}"
            )
        )
    await store.create(new("scheduled", not_before="2026-01-15T10:00:01Z", schedule_bucket="scheduled#0"))
    await store.create(new("scheduled", not_before="2026-01-15T09:00:00Z", depends_on_execution_id="exec:x"))

    due = await index.due(START)

    assert [execution.execution_id for execution in due] == [f"exec:{number}" for number in range(5)]
    assert len(await index.due(START, limit=2)) == 2


async def test_executions_are_listed_newest_first_page_by_page(store: ExecutionStore, index: ExecutionIndex) -> None:
    """By account and by helper, with a status filter that still fills its pages."""
    for number in range(7):
        await store.create(
            new(
                "failed" if number % 2 else "queued",
                execution_id=f"exec:{number}",
                created_at=f"2026-01-15T10:00:0{number}Z",
            )
        )
    await store.create(new(account_id="account:2"))

    first, key = await index.list(account_id="account:1", limit=4)
    rest, end = await index.list(account_id="account:1", limit=4, start=key)
    failed, _ = await index.list(account_id="account:1", helper_id="helper:1", status="failed", limit=2)

    assert [execution.execution_id for execution in [*first, *rest]] == [
        f"exec:{number}" for number in range(6, -1, -1)
    ]
    assert end is None
    assert [execution.execution_id for execution in failed] == ["exec:5", "exec:3"]
