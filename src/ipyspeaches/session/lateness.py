"""Whether sound comes as it is spoken, or was held up on its way."""

from __future__ import annotations

from typing import Final

LATE_S: Final = 1.0
"""More than what a notebook, a network or a busy processor takes in the ordinary course of things."""
_DRIFT: Final = 1e-3
"""Seconds a second by which a microphone's clock may run slower than the machine's, and then some."""


class Lateness:
    """Compares when sound came with how much of it there is: the quickest it ever came is as it is spoken.

    Attributes
    ----------
    is_late
        Whether the last sound was more than `LATE_S` late.
    late_until_s
        Session second at which the last sound ended that was.
    """

    def __init__(self) -> None:
        self.is_late = False
        self.late_until_s = 0.0
        self._quickest_s: float | None = None
        self._at_s = 0.0

    def observe(self, end_s: float, now_s: float) -> float:
        """Return how many seconds late sound is.

        Parameters
        ----------
        end_s
            Session second at which it ends; sound that was lost counts.
        now_s
            When it came, on a monotonic clock.
        """
        taken_s = now_s - end_s
        if self._quickest_s is None:
            self._quickest_s = taken_s
        else:
            self._quickest_s = min(taken_s, self._quickest_s + _DRIFT * (now_s - self._at_s))
        self._at_s = now_s
        late_s = taken_s - self._quickest_s
        self.is_late = late_s > LATE_S
        if self.is_late:
            self.late_until_s = end_s
        return late_s

    def restart(self) -> None:
        """Forget what was: the session's clock has stood still meanwhile."""
        self.is_late = False
        self._quickest_s = None
