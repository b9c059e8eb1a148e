"""From claim to settlement: duplicates, take-over, outcomes, the order of writes, troubles of the table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from helpers.contract import HelperOutput
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.errors import ConfigRefused, HelperCrashed, TransientFailure

MakeRig = Callable[..., Awaitable[Any]]


def raises(error: BaseException) -> Callable[[Any], Awaitable[HelperOutput]]:
    async def act(_execution: Any) -> HelperOutput:
        raise error

    return act


def letters(rig: Any) -> list[dict[str, str]]:
    """The attributes of the dead letters."""
    return [
        {name: value["StringValue"] for name, value in message.attributes.items()}
        for message in rig.dead_letters.messages()
    ]


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "skipped"])
async def test_a_duplicate_is_acknowledged_and_not_run(make_rig: MakeRig, status: str) -> None:
    """An execution that has ended is never run again; what follows its end is made sure of."""
    rig = await make_rig()
    await rig.send("1")
    rig.store.items["1"] = rig.item("1").model_copy(update={"status": status})
    rig.start()
    await rig.until_empty()

    assert rig.runs == []
    assert rig.ended_calls == [("1", True)]
    await rig.drain()


async def test_a_live_lease_of_another_worker_is_waited_for(make_rig: MakeRig) -> None:
    """The execution of a dead worker is taken over when its lease ends, not before, and as the next attempt."""
    rig = await make_rig()
    await rig.send("1")
    now = rig.clock.now().timestamp()
    rig.store.items["1"] = rig.item("1").model_copy(
        update={"status": "running", "worker_id": "dead", "attempts": 1, "lease_expires_at": now + 6.5}
    )
    rig.start()
    await rig.until_empty()

    ((_, started),) = rig.runs
    assert 6.5 < started < 8
    assert (rig.item("1").status, rig.item("1").attempts) == ("completed", 2)
    await rig.drain()


async def test_two_messages_of_one_execution_in_different_groups_run_it_once(make_rig: MakeRig) -> None:
    """A redrive by hand may name another group; claims of one worker in the same moment must not pass for one."""
    rig = await make_rig()
    await rig.send("1", group="g")
    await rig.send("1", group="by hand")
    rig.start()
    await rig.until_empty()

    assert len(rig.runs) == 1
    assert (rig.item("1").status, rig.item("1").attempts) == ("completed", 1)
    assert rig.ended_calls == [("1", False), ("1", True)]
    await rig.drain()


async def test_the_result_survives_a_failed_delete(make_rig: MakeRig) -> None:
    """Deletes fail for a while: the message comes back, its execution is done, nothing runs twice."""
    rig = await make_rig()
    await rig.send("1")
    rig.connection.cut = frozenset({"delete_message_batch"})
    rig.start()
    await rig.until(lambda: rig.item("1").status == "completed")
    await rig.until(lambda: len(rig.consumer.in_hand) == 0)
    rig.connection.cut = frozenset()
    await rig.until_empty()

    assert len(rig.runs) == 1
    assert rig.ended_calls[0] == ("1", False)
    await rig.drain()


async def test_the_result_is_written_before_the_delete(make_rig: MakeRig) -> None:
    """While the table refuses the result, the message stays."""
    rig = await make_rig(visibility=60)
    await rig.send("1")
    rig.table.cut = frozenset({"complete"})
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    await asyncio.sleep(0.5)
    assert rig.calls("DeleteMessageBatch") == []
    rig.table.cut = frozenset()
    await rig.until_empty()

    assert len(rig.runs) == 1
    assert rig.item("1").status == "completed"
    await rig.drain()


@pytest.mark.parametrize("transition", ["claim", "complete"])
async def test_a_lost_answer_of_the_table_is_recognised(make_rig: MakeRig, transition: str) -> None:
    """A write that took effect and whose answer got lost is not taken for somebody else's."""
    rig = await make_rig(visibility=60)
    await rig.send("1")
    rig.table.lose_answers = frozenset({transition})
    rig.start()
    await rig.until(lambda: rig.item("1").status in ("running", "completed"))
    rig.table.lose_answers = frozenset()
    await rig.until_empty()

    assert len(rig.runs) == 1
    assert (rig.item("1").status, rig.item("1").attempts) == ("completed", 1)
    await rig.drain()


def limited(retry_after: float) -> CrmError:
    """A 429."""
    return CrmError(
        CrmErrorCode.RATE_LIMITED,
        "slow down",
        platform="keap",
        status_code=429,
        retryable=True,
        retry_after=retry_after,
    )


@pytest.mark.parametrize("retry_after", [30, 15 * 3600])
async def test_retry_after_is_honoured(make_rig: MakeRig, retry_after: float) -> None:
    """A 429 comes back after its Retry-After, not after our own backoff, also beyond the 12 h of SQS."""
    rig = await make_rig()
    await rig.send("1", raises(limited(retry_after)), rig_success)
    rig.start()
    await rig.until_empty(retry_after + 60)

    (_, first), (_, second) = rig.runs
    assert retry_after <= second - first < retry_after + 2
    assert (rig.item("1").status, rig.item("1").attempts) == ("completed", 2)
    await rig.drain()


async def test_a_message_that_comes_back_early_waits_for_its_retry(make_rig: MakeRig) -> None:
    """A second copy of the message, say of a redrive, does not cut a Retry-After short."""
    rig = await make_rig()
    await rig.send("1", raises(limited(30)), rig_success)
    rig.start()
    await rig.until(lambda: rig.item("1").next_attempt_at != "")
    await rig.sqs.send_message(
        QueueUrl=rig.url,
        MessageBody=json.dumps({"execution_id": "1", "helper_type": "probe"}),
        MessageGroupId="another",
        MessageDeduplicationId="redriven",
    )
    await rig.until_empty()

    (_, first), (_, second) = rig.runs
    assert 30 <= second - first < 32
    await rig.drain()


async def test_a_retry_after_beyond_the_life_of_the_execution_ends_it(make_rig: MakeRig) -> None:
    """The table would forget the execution before, and nobody would know why it never ran."""
    rig = await make_rig()
    await rig.send("1", raises(limited(3600)))
    lives_until = int(rig.clock.now().timestamp()) + 1800
    rig.store.items["1"] = rig.item("1").model_copy(update={"ttl": lives_until})
    rig.start()
    await rig.until_empty()

    assert (rig.item("1").status, rig.item("1").attempts) == ("failed", 1)
    assert "in 3600 s" in rig.item("1").error_message
    assert [letter["execution_id"] for letter in letters(rig)] == ["1"]
    await rig.drain()


async def rig_success(_execution: Any) -> HelperOutput:
    return HelperOutput.ok("done")


async def test_exhausted_attempts_fail_and_leave_a_dead_letter_with_the_facts(make_rig: MakeRig) -> None:
    """The dead letter carries execution, error, attempts and the times of the first and last attempt."""
    rig = await make_rig()
    await rig.send("1", raises(TransientFailure("token abc for jane@example.com \x01")))
    rig.start()
    await rig.until_empty()

    (facts,) = letters(rig)
    assert (rig.item("1").status, rig.item("1").attempts, rig.item("1").retryable) == ("failed", 3, True)
    assert facts["execution_id"] == "1"
    assert facts["error_type"] == "TransientFailure"
    assert facts["error"] == "token abc for ***@*** ?"
    assert facts["attempts"] == "3"
    assert facts["first_attempt_at"] < facts["last_attempt_at"]
    await rig.drain()


async def test_the_dead_letter_goes_before_the_failure_is_written(make_rig: MakeRig) -> None:
    """While the dead-letter queue does not answer, the execution is not failed: it would never be dead-lettered."""
    rig = await make_rig()
    await rig.send("1", raises(TransientFailure("down")))
    rig.connection.cut = frozenset({"send_message"})
    rig.start()
    await rig.until(lambda: len(rig.runs) == 3)
    await asyncio.sleep(5)
    assert rig.item("1").status == "running"
    rig.connection.cut = frozenset()
    await rig.until_empty()

    assert rig.item("1").status == "failed"
    assert len(rig.runs) == 3
    assert len(letters(rig)) == 1
    await rig.drain()


async def test_an_execution_that_kills_its_workers_is_given_up(make_rig: MakeRig) -> None:
    """After three attempts that ended with the death of the worker it is failed without another run."""
    rig = await make_rig()
    await rig.send("1")
    past = rig.clock.now().timestamp() - 1
    rig.store.items["1"] = rig.item("1").model_copy(
        update={"status": "running", "worker_id": "dead", "attempts": 3, "lease_expires_at": past}
    )
    rig.start()
    await rig.until_empty()

    assert rig.runs == []
    assert (rig.item("1").status, rig.item("1").error_type) == ("failed", "WorkerDied")
    assert letters(rig)[0]["error_type"] == "WorkerDied"
    # The claim that found it dead ran nothing, and does not count.
    assert (rig.item("1").attempts, letters(rig)[0]["attempts"]) == (3, "3")
    await rig.drain()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "not an object"),
        ('{"helper_type": "probe"}', "no execution_id"),
        ('{"execution_id": 7, "helper_type": "probe"}', "no execution_id"),
        ('{"execution_id": "1", "helper_type": "tag_it"}', "serves 'probe'"),
    ],
)
async def test_poison_goes_straight_to_the_dead_letters(make_rig: MakeRig, body: str, reason: str) -> None:
    """With the reason, after one receive, and the group goes on."""
    rig = await make_rig()
    await rig.send("1", body=body)
    await rig.send("2")
    rig.start()
    await rig.until_empty()

    (facts,) = letters(rig)
    assert facts["error_type"] == "Poison"
    assert reason in facts["error"]
    assert [execution_id for execution_id, _ in rig.runs] == ["2"]
    await rig.drain()


async def test_a_message_without_its_execution_is_dead_lettered(make_rig: MakeRig) -> None:
    """The row was deleted (TTL): there is nothing to claim, and nothing is dropped in silence."""
    rig = await make_rig()
    await rig.send("1")
    del rig.store.items["1"]
    rig.start()
    await rig.until_empty()

    assert letters(rig)[0]["error_type"] == "ExecutionMissing"
    await rig.drain()


@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        (SystemExit(3), "HelperCrashed"),
        (KeyboardInterrupt(), "HelperCrashed"),
        (asyncio.CancelledError(), "HelperCrashed"),
        (ConfigRefused("probe", []), "ConfigRefused"),
    ],
)
async def test_a_helper_that_ends_badly_fails_and_the_worker_goes_on(
    make_rig: MakeRig, error: BaseException, error_type: str
) -> None:
    """No exception of a helper reaches the event loop."""
    rig = await make_rig()
    await rig.send("1", raises(error))
    await rig.send("2")
    rig.start()
    await rig.until_empty()

    assert (rig.item("1").status, rig.item("1").error_type) == ("failed", error_type)
    assert rig.item("2").status == "completed"
    await rig.drain()


async def test_an_outage_of_aws_inside_a_helper_is_tried_again(make_rig: MakeRig) -> None:
    """State, files and mail of a run are ours: a throttled table is not the helper's crash."""
    crash = HelperCrashed("copy_it crashed with ClientError")
    crash.__cause__ = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "UpdateItem")
    rig = await make_rig()
    await rig.send("1", raises(crash), rig_success)
    rig.start()
    await rig.until_empty()

    assert (rig.item("1").status, rig.item("1").attempts) == ("completed", 2)
    await rig.drain()


async def test_success_false_fails_with_its_output(make_rig: MakeRig) -> None:
    """A permanent failure that has something to report keeps it."""

    async def report(_execution: Any) -> HelperOutput:
        return HelperOutput.failed("no such tag", modified_data={"tag": "VIP"})

    rig = await make_rig()
    await rig.send("1", report)
    rig.start()
    await rig.until_empty()

    assert rig.item("1").status == "failed"
    assert json.loads(rig.item("1").output)["modified_data"] == {"tag": "VIP"}
    await rig.drain()


async def test_a_result_that_is_no_json_fails(make_rig: MakeRig) -> None:
    """Nonsense in the output is the helper's defect."""

    async def nonsense(_execution: Any) -> HelperOutput:
        return HelperOutput.ok("done", modified_data={"socket": object()})

    rig = await make_rig()
    await rig.send("1", nonsense)
    rig.start()
    await rig.until_empty()

    assert (rig.item("1").status, rig.item("1").error_type) == ("failed", "HelperCrashed")
    await rig.drain()


async def test_a_result_over_the_item_limit_is_cut_with_a_note(make_rig: MakeRig) -> None:
    """The execution completes; what is stored says that something is missing."""

    async def huge(_execution: Any) -> HelperOutput:
        return HelperOutput.ok("done", modified_data={"rows": "x" * 500_000})

    rig = await make_rig()
    await rig.send("1", huge)
    rig.start()
    await rig.until_empty()

    stored = json.loads(rig.item("1").output)
    assert rig.item("1").status == "completed"
    assert stored["message"] == "done"
    assert "cut" in stored["truncated"]
    await rig.drain()


async def test_half_a_character_in_a_result_is_stored_as_the_replacement_character(make_rig: MakeRig) -> None:
    """A vendor that cuts a text in the middle of an emoji makes no helper run twice."""

    async def half(_execution: Any) -> HelperOutput:
        return HelperOutput.ok("done", modified_data={"name": "Ann \ud83d"})

    rig = await make_rig()
    await rig.send("1", half)
    rig.start()
    await rig.until_empty()

    assert (rig.item("1").status, len(rig.runs)) == ("completed", 1)
    assert rig.item("1").result["modified_data"] == {"name": "Ann \ufffd"}
    await rig.drain()


async def test_a_helper_that_takes_too_long_is_cancelled_and_tried_again(make_rig: MakeRig) -> None:
    """The helper's own timeout bounds one attempt."""

    async def hang(_execution: Any) -> HelperOutput:
        await asyncio.sleep(1000)
        return HelperOutput.ok("never")

    rig = await make_rig()
    rig.timeout_seconds = 5.0
    await rig.send("1", hang, rig_success)
    rig.start()
    await rig.until_empty()

    assert rig.runs[0][1] < 1
    assert 5 <= rig.runs[1][1] <= 8
    assert rig.item("1").attempts == 2
    await rig.drain()


async def test_a_helper_that_ignores_its_cancellation_ends_the_process(make_rig: MakeRig, logs: list[Any]) -> None:
    """Nothing else stops it; until then its lease keeps everybody else off."""

    async def stubborn(_execution: Any) -> HelperOutput:
        for _ in range(3):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                continue
        return HelperOutput.ok("never")

    rig = await make_rig()
    rig.timeout_seconds = 5.0
    await rig.send("1", stubborn)
    rig.start()
    await rig.until(lambda: bool(rig.runaways), 20)

    assert any(entry["event"] == "helper_ignores_cancellation" for entry in logs)
    assert rig.item("1").status == "running"
    await rig.drain(0, 1)


async def test_an_outage_of_the_table_loses_nothing(make_rig: MakeRig) -> None:
    """Claims fail for a minute: messages come back, and everything runs once in the end."""
    rig = await make_rig()
    for execution_id in ("1", "2"):
        await rig.send(execution_id)
    rig.table.cut = frozenset({"claim", "extend", "complete"})
    rig.start()
    await asyncio.sleep(60)
    rig.table.cut = frozenset()
    await rig.until_empty()

    assert [execution_id for execution_id, _ in rig.runs] == ["1", "2"]
    await rig.drain()
