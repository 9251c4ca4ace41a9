"""The transport within the process keeps the order, the waiting and the ends of a socket."""

from __future__ import annotations

import asyncio

import pytest

from ipyspeaches.errors import ServerUnreachableError, StateError
from ipyspeaches.transports.transport import TransportClosed
from memory_transport import MemoryPeer, MemoryTransport, memory_pair


async def connected() -> tuple[MemoryTransport, MemoryPeer]:
    transport, peer = memory_pair()
    await transport.connect()
    return transport, peer


async def test_messages_go_both_ways_in_order() -> None:
    transport, peer = await connected()
    assert peer.connected.is_set()
    for number in range(3):
        await transport.send(b'{"to server": %d}' % number)
        await peer.send(f'{{"to client": {number}}}')
    assert [await peer.receive() for _ in range(3)] == [f'{{"to server": {number}}}' for number in range(3)]
    assert [await transport.receive() for _ in range(3)] == [f'{{"to client": {number}}}' for number in range(3)]


async def test_receiving_waits_for_a_message() -> None:
    transport, peer = await connected()
    waiting = asyncio.create_task(transport.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    await peer.send("at last")
    assert await waiting == "at last"


async def test_a_sender_waits_while_nobody_takes() -> None:
    transport, peer = await connected()

    async def flood() -> None:
        for number in range(1000):
            await transport.send(str(number).encode())

    flooding = asyncio.create_task(flood())
    for _ in range(2000):
        await asyncio.sleep(0)
    assert not flooding.done()
    assert [await peer.receive() for _ in range(1000)] == [str(number) for number in range(1000)]
    await flooding


async def test_a_cut_comes_after_what_was_sent_and_has_no_close_frame() -> None:
    transport, peer = await connected()
    await peer.send("last words")
    await peer.abort()
    assert await transport.receive() == "last words"
    with pytest.raises(TransportClosed) as caught:
        await transport.receive()
    assert caught.value.code is None
    with pytest.raises(TransportClosed):
        await transport.send(b"{}")


async def test_a_cut_wakes_those_who_wait() -> None:
    transport, peer = await connected()
    waiting = asyncio.create_task(transport.receive())
    await asyncio.sleep(0)
    await peer.abort()
    with pytest.raises(TransportClosed):
        await waiting


async def test_a_close_frame_has_code_and_reason() -> None:
    transport, peer = await connected()
    await peer.close(1009, "too big")
    with pytest.raises(TransportClosed) as caught:
        await transport.receive()
    assert (caught.value.code, caught.value.reason) == (1009, "too big")


async def test_the_client_can_close() -> None:
    transport, peer = await connected()
    await transport.close()
    await transport.close()
    with pytest.raises(TransportClosed) as caught:
        await peer.receive()
    assert caught.value.code == 1000


async def test_the_peer_can_refuse() -> None:
    transport, peer = memory_pair()
    peer.refusal = ServerUnreachableError("Nothing listens here: start the server.")
    with pytest.raises(ServerUnreachableError, match="Nothing listens"):
        await transport.connect()
    assert not peer.connected.is_set()
    with pytest.raises(StateError, match=r"connect\(\) first"):
        await transport.send(b"{}")
