"""The line between a kernel and the page that captures: orders there, news back.

Messages of a notebook may overtake each other and may be held up while a cell runs, so both ways are numbered. The
twin of this file is `js/src/rtc/link.ts`; the shapes are in `js/src/wire/messages.ts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

from ipyspeaches.errors import ConnectionLostError, SpeachesError

Order: TypeAlias = dict[str, Any]
News: TypeAlias = dict[str, Any]


class PageLine:
    """Carries the orders and the news of one connection that a page has with a server.

    Everything but the constructor belongs to the engine's loop.

    Parameters
    ----------
    link_id
        Tells this connection from the page's earlier ones.
    post
        Sends an order to the page.

    Attributes
    ----------
    used
        Whether a connection was ever asked for.
    """

    def __init__(self, link_id: int, post: Callable[[Order], None]) -> None:
        self.link_id = link_id
        self.used = False
        self._post = post
        self._orders = 0
        self._early: dict[int, News] = {}
        self._expected = 0
        self._news: asyncio.Queue[News | SpeachesError] = asyncio.Queue()
        self._lost: SpeachesError | None = None

    def order(self, action: str, **content: Any) -> None:  # noqa: ANN401  whatever JSON can carry
        """Tell the page to do something; nothing happens if it has gone."""
        self.used = True
        if self._lost is None:
            self._post({"type": "peer", "action": action, "link_id": self.link_id, "seq": self._orders, **content})
            self._orders += 1

    def put(self, news: News) -> None:
        """Take news as they came, in any order and perhaps of another connection."""
        if news.get("link_id") != self.link_id or int(news["seq"]) < self._expected:
            return
        self._early[int(news["seq"])] = news
        while (due := self._early.pop(self._expected, None)) is not None:
            self._expected += 1
            self._news.put_nowait(due)

    def lose(self, error: SpeachesError) -> None:
        """Note that the page has gone, or its microphone has: nothing more will come."""
        if self._lost is None:
            self._lost = error
            self._news.put_nowait(error)

    async def next(self) -> News:
        """Return the next news.

        Raises
        ------
        SpeachesError
            Why there will be none, once all that came before was taken.
        """
        news = await self._news.get()
        if isinstance(news, SpeachesError):
            self._news.put_nowait(news)  # for whoever asks again
            raise news
        return news


def page_gone() -> ConnectionLostError:
    """Return the error for a page that was closed or reloaded while it was connected with the server."""
    return ConnectionLostError(
        "The page that sent the sound to the server was closed or reloaded, and its connection went with it: press "
        'Record to go on. What was recorded is kept. (With transport="realtime", a recording survives a reload.)'
    )
