"""The metrics: read from their owners at each request."""

from prometheus_client.parser import text_string_to_metric_families

from models.contract.values.time import system_clock
from realtime.engine import Counters
from realtime.faults.faults import Faults
from realtime.faults.loop_lag import LoopLagMonitor
from realtime.nodes.leader import Leader
from realtime.operators.metrics import Metrics
from realtime.request_log import RequestCounts
from realtime.transports.stream import Streams
from tests.realtime.room_stack import RecordingConnection, RoomStack


async def test_the_exposition_has_the_owners_numbers(stack: RoomStack) -> None:
    """A subscriber, a request and a closed connection are counted, and no label has an id."""
    counters, requests, faults = Counters(), RequestCounts(), Faults()
    metrics = Metrics(
        counters=counters,
        streams=Streams(system_clock),
        dispatcher=stack.dispatcher,
        service=stack.service,
        requests=requests,
        loop_lag=LoopLagMonitor(lambda: False, lambda _: None),
        leader=Leader(stack.sync),
        recovery=stack.recovery,
        queued_bytes=lambda: 70_000,
        faults=faults,
    )
    faults.begin("disk")
    await stack.join(RecordingConnection())
    counters.closed["slow"] += 2
    requests.count("slot.book", "ok", 0.01)
    text = metrics.exposition().decode()
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["slotcast_watchers",] == samples["slotcast_rooms",] == 1
    assert samples["slotcast_connections_closed_total", "slow"] == 2
    assert samples["slotcast_requests_total", "ok", "slot.book"] == 1
    assert samples["slotcast_request_seconds_bucket", "+Inf", "slot.book"] == 1
    assert samples["slotcast_request_seconds_count", "slot.book"] == 1
    assert samples["slotcast_push_seconds_count",] == 0
    assert samples["slotcast_reads_queued", "heavy"] == 0
    assert samples["slotcast_read_wait_seconds_count", "server"] == samples["slotcast_read_seconds_count", "server"]
    assert samples["slotcast_queued_bytes",] == 70_000
    assert samples["slotcast_snapshots_total", "new"] == 1
    assert samples["slotcast_replayed_changes_count",] == 0
    written = samples["slotcast_batch_commands_count",]
    assert written == samples["slotcast_batch_seconds_count",] == samples["slotcast_lock_wait_seconds_count",] > 0
    assert samples["slotcast_batch_seconds_sum",] >= samples["slotcast_lock_wait_seconds_sum",] > 0
    assert samples["slotcast_fault", "disk"] == samples["slotcast_faults_total", "disk"] == 1
    assert samples["slotcast_fault", "loop"] == 0
    assert samples["slotcast_disk_free_bytes",] > 0
    assert "room" not in {label for _, *labels in samples for label in labels}
    assert stack.slot not in text
