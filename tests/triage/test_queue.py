"""The lobby in one look (T8-T10)."""

from shared.clock import ManualClock
from tests.triage.lobby import Lobby


def test_an_empty_lobby(lobby: Lobby) -> None:
    queue = lobby.queue()
    assert (queue.issued_today, queue.served_today, queue.left_today) == (0, 0, 0)
    assert (queue.waiting, queue.counters, queue.devices) == ((), (), ())
    assert {line.channel: line.waiting for line in queue.channels} == dict.fromkeys(
        (line.channel for line in queue.channels), 0
    )
    assert len(queue.channels) == 10


def test_the_lobby_now(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open("1")
    lobby.open("2", "vip")
    lobby.close("2")
    lobby.device("atm-1", "atm", "up")
    served, gone = lobby.wait(), lobby.wait()
    lobby.next("1")
    lobby.serve(served.ticket_id, 60)
    lobby.do("left", gone.ticket_id)
    at_counter = lobby.wait()
    lobby.next("1")
    plain = lobby.wait()
    clock.advance(100)
    green = lobby.wait(customer={"with_infant": True})
    lobby.take()
    queue = lobby.queue()
    assert [ticket.ticket_id for ticket in queue.waiting] == [green.ticket_id, plain.ticket_id]
    lines = {line.channel: line for line in queue.channels}
    assert (lines["counter"].waiting, lines["counter"].longest_wait_s) == (1, 100)
    assert (lines["green"].waiting, lines["green"].longest_wait_s) == (1, 0)
    assert lines["counter"].wait.p50_s > 0
    assert [(counter.counter, counter.state) for counter in queue.counters] == [("1", "open"), ("2", "closed")]
    assert queue.counters[0].serving is not None
    assert queue.counters[0].serving.ticket_id == at_counter.ticket_id
    assert [(device.device_id, device.status) for device in queue.devices] == [("atm-1", "up")]
    assert (queue.issued_today, queue.served_today, queue.left_today) == (6, 1, 1)
