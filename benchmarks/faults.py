"""Sessions whose connections fail as a seed says: what is lost, doubled or out of order.

    python benchmarks/faults.py --sessions 500 --seed 1

Every way to a server in turn, over a simulated network and in virtual time (see `simulated`): each session has some
connections that are cut, closed, refused, frozen or mute, in the middle of what is said. A session is whole if every
utterance has its text once and in order, nothing is missing, and the recording is what was said, sample by sample. What
the server has refused as often as it is asked, and which is missing with its own words, is counted apart.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import simulated
from ipyspeaches.session.delivery import MOST_REPORTED
from rows import Row, judged, progress, report


def rows(sessions: int, seed: str) -> list[Row]:
    """Live through so many sessions and return what became of them; those that were not whole are named."""
    lost = doubled = refused = others = faults = 0
    kinds: Counter[str] = Counter()
    for number in range(sessions):
        way = simulated.WAYS[number % len(simulated.WAYS)]
        name = f"{seed} {number}"
        outcomes = simulated.live_through(simulated.session_with_faults(name, way))
        lost, doubled = lost + len(outcomes.lost), doubled + len(outcomes.doubled)
        faults, refused = faults + len(outcomes.faults), refused + len(outcomes.refused)
        kinds.update(outcomes.faults)
        if outcomes.refused:
            progress(f"refused: seed {name!r}, {outcomes.refused} {MOST_REPORTED} times or more: {outcomes.missing}")
        if not outcomes.whole:
            others += 1
            progress(f"not whole: seed {name!r}, {outcomes}")
    progress(f"{sessions} sessions, seed {seed}: {dict(kinds)}")
    return [
        judged("faults a session", faults / sessions, "faults", budget=5, at_least=True),
        judged("utterances lost", lost, "utterances", budget=0),
        judged("utterances doubled", doubled, "utterances", budget=0),
        judged("utterances refused by the server and told so", refused, "utterances", budget=None),
        judged("sessions that were not whole", others, "sessions", budget=0),
    ]


def main() -> int:
    """Print the rows; return 1 if anything was lost, doubled or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="60 sessions")
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--seed", default="1")
    args = parser.parse_args()
    return report(rows(60 if args.quick else args.sessions, args.seed), as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
