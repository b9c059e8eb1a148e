"""Stream → queues: shards, leases, reader, dispatcher, scheduler (a KCL for DynamoDB Streams, in asyncio)."""
