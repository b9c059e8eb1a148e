"""One measured consumer of somebody else: ``python rival_child.py celery|powertools MESSAGES``.

Runs in the environment of requirements/bench.txt, which holds neither this project nor its dependencies. Prints the
same JSON line as worker_child.py. ``send-celery`` reads bodies from standard input and sends them as Celery tasks.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

QUEUE_URL = os.environ["BENCH_QUEUE_URL"]
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]

results: list[float] = []
started: list[float] = []
lock = threading.Lock()


def note(execution_id: str) -> int:
    """A message has its result."""
    with lock:
        results.append((time.time() - float(execution_id.rpartition("@")[2])) * 1000)
        return len(results)


def report() -> None:
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    result = {
        "wall": wall,
        "cpu": cpu,
        "start_cpu": started[1],
        "peak_mb": round(peak / 1024, 1),
        "milliseconds": results,
    }
    # Celery takes sys.stdout for its log.
    os.write(1, json.dumps(result).encode() + b"\n")


def powertools(messages: int) -> None:
    """The batch processor for FIFO queues on a boto3 receive and delete loop."""
    import boto3
    from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    sqs = boto3.client("sqs", endpoint_url=ENDPOINT, region_name="us-west-2")
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)

    def handle(record: SQSRecord) -> None:
        note(json.loads(record.body)["execution_id"])

    Path(os.environ["BENCH_READY"]).touch()
    started.extend((time.perf_counter(), time.process_time()))
    while len(results) < messages:
        answer = sqs.receive_message(
            QueueUrl=QUEUE_URL, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageSystemAttributeNames=["All"]
        )
        received = answer.get("Messages", [])
        if not received:
            continue
        event = {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:us-west-2:000000000000:q.fifo",
                    "awsRegion": "us-west-2",
                }
                for message in received
            ]
        }
        failed = process_partial_response(event=event, record_handler=handle, processor=processor, context=None)
        bad = {failure["itemIdentifier"] for failure in failed["batchItemFailures"]}
        sqs.delete_message_batch(
            QueueUrl=QUEUE_URL,
            Entries=[
                {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                for n, message in enumerate(received)
                if message["MessageId"] not in bad
            ],
        )
    report()


def celery_app() -> Any:
    from celery import Celery

    app = Celery("bench", broker="sqs://000000000000:emulator@")
    app.conf.update(
        broker_transport_options={
            "region": "us-west-2",
            "predefined_queues": {"bench.fifo": {"url": QUEUE_URL}},
            "wait_time_seconds": 1,
            "polling_interval": 0.01,
        },
        task_default_queue="bench.fifo",
        task_ignore_result=True,
        worker_prefetch_multiplier=10,
        task_acks_late=True,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )
    return app


def celery(messages: int) -> None:
    """A thread pool of twenty, late acknowledgement: the closest to what our worker guarantees."""
    app = celery_app()

    @app.task(name="bench.noop")
    def noop(execution_id: str) -> None:
        if not started:
            started.extend((time.perf_counter(), time.process_time()))
        if note(execution_id) == messages:
            # The acknowledgement of the last ones is still on its way; it costs what the first ones saved.
            threading.Timer(0.2, finish).start()

    def finish() -> None:
        report()
        os._exit(0)

    Path(os.environ["BENCH_READY"]).touch()
    arguments = ["worker", "--pool=threads", "--concurrency=20", "--loglevel=ERROR", "--queues=bench.fifo"]
    app.worker_main([*arguments, "--without-gossip", "--without-mingle", "--without-heartbeat"])


def send_celery() -> None:
    app = celery_app()
    task = app.signature("bench.noop")
    for line in sys.stdin:
        body = json.loads(line)
        if body.get("pause"):
            time.sleep(body["pause"])
        execution_id = body["execution_id"].replace("@now", f"@{time.time()}")
        task.clone(args=(execution_id,)).apply_async(
            MessageGroupId=body["group"], MessageDeduplicationId=body["deduplication_id"]
        )


if __name__ == "__main__":
    if sys.argv[1] == "send-celery":
        send_celery()
    else:
        {"celery": celery, "powertools": powertools}[sys.argv[1]](int(sys.argv[2]))
