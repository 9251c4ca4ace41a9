"""Sessions whose connections fail as a seed says: what is lost, doubled or out of order.

    python benchmarks/faults.py --sessions 500 --seed 1
    python benchmarks/faults.py --sockets --seed 1

Every way to a server in turn. Usually over a simulated network and in virtual time (see `simulated`): each session has
some connections that are cut, closed, refused, frozen or mute, in the middle of what is said. With ``--sockets``, 50
sessions over real ones, with an embedded server that is killed and frozen besides (see `broken_sockets`); that takes
some minutes, and has a use for `ulimit -n 4096`.

A session is whole if every utterance has its text once and in order, nothing is missing, and the recording is what was
said, sample by sample. What the server has refused as often as it is asked, and which is missing with its own words, is
counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator

import broken_sockets
import simulated
from ipyspeaches.session.delivery import MOST_REPORTED
from rows import Row, judged, progress, report
from simulated import Outcomes

MOST_AT_ONCE = 25
"""Sessions over sockets."""


async def simulations(sessions: int, seed: str) -> AsyncIterator[tuple[str, Outcomes]]:
    """Yield what became of so many sessions, each with its own seed."""
    for number in range(sessions):
        name, way = f"{seed} {number}", simulated.WAYS[number % len(simulated.WAYS)]
        work = simulated.session_with_faults(name, way)
        yield name, await asyncio.to_thread(simulated.live_through, work)  # which has a loop of its own


async def rows(lived: AsyncIterator[tuple[str, Outcomes]]) -> list[Row]:
    """Return what became of all sessions; those that were not whole are named."""
    all_outcomes: list[Outcomes] = []
    async for name, outcomes in lived:
        all_outcomes.append(outcomes)
        if outcomes.refused:
            progress(f"refused: seed {name!r}, {outcomes.refused} {MOST_REPORTED} times or more: {outcomes.missing}")
        if not outcomes.whole:
            progress(f"not whole: seed {name!r}, {outcomes}")
    progress(f"{len(all_outcomes)} sessions: {dict(Counter(one.way for one in all_outcomes))}")
    progress(f"{dict(Counter(fault for one in all_outcomes for fault in one.faults))}")
    faults = [len(one.faults) for one in all_outcomes]
    others = sum(not one.whole for one in all_outcomes)
    refused = sum(len(one.refused) for one in all_outcomes)
    return [
        judged("faults a session", sum(faults) / len(faults), "faults", budget=5, at_least=True),
        judged("the fewest in one", min(faults), "faults", budget=None),
        judged("utterances lost", sum(len(one.lost) for one in all_outcomes), "utterances", budget=0),
        judged("utterances doubled", sum(len(one.doubled) for one in all_outcomes), "utterances", budget=0),
        judged("utterances refused by the server and told so", refused, "utterances", budget=None),
        judged("sessions that were not whole", others, "sessions", budget=0),
    ]


def main() -> int:
    """Print the rows; return 1 if anything was lost, doubled or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="60 sessions, over sockets 5")
    parser.add_argument("--sockets", action="store_true", help="over real sockets, with a real server")
    parser.add_argument("--sessions", type=int, help="default: 500, over sockets 50")
    parser.add_argument("--seed", default="1")
    args = parser.parse_args()
    usual, quick = (50, 5) if args.sockets else (500, 60)
    sessions = args.sessions or (quick if args.quick else usual)
    progress(f"seed {args.seed!r}")
    if args.sockets:
        lived = broken_sockets.live_through(sessions, args.seed, MOST_AT_ONCE)
    else:
        lived = simulations(sessions, args.seed)
    return report(asyncio.run(rows(lived)), as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
