"""A table with a stream in memory, whose shards split, roll, trim and fail as a script says.

No emulator splits a shard, expires an iterator in reasonable time, throttles or answers twice. This one does:

    table = ScriptedTable()
    table.put({"execution_id": "exec:1", "status": "queued"})
    left, right = table.split(listed_after=3.0)
    table.faults.fail("get_records", "LimitExceededException", times=2)
    reader = table.client("router-1")       # describe_stream, get_shard_iterator, get_records
"""

from fleet.testing.streams.client import ScriptedStreamsClient
from fleet.testing.streams.faults import Faults
from fleet.testing.streams.shard import ScriptedShard
from fleet.testing.streams.table import ScriptedTable

__all__ = ["Faults", "ScriptedShard", "ScriptedStreamsClient", "ScriptedTable"]
