"""A small part of the fuzz run, the same each time: every parser takes its inputs, or refuses them as documented."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import fuzz
from fuzzed import parsers

INPUTS = 300
"""For each parser; ``make fuzz`` gives them more."""


def test_every_parser_takes_its_inputs_or_refuses_them_as_documented(tmp_path: Path) -> None:
    with parsers(tmp_path) as known, warnings.catch_warnings(action="ignore"):
        for parser in known:
            tally = fuzz.run(parser, INPUTS, "slice")
            assert tally.findings == []
            assert tally.inputs == INPUTS
            assert tally.grown_kib < 100 * 2**10
            # The inputs are neither harmless nor rubbish.
            assert tally.refused < INPUTS or parser.name == "failure"
            assert tally.refused > INPUTS // 100 or not parser.errors, parser.name
            assert tally.longest_message < 1_100 or parser.name == "client", parser.name


def test_all_inputs_are_given_and_can_be_made_again(tmp_path: Path) -> None:
    def made() -> list[list[Any]]:
        with parsers(tmp_path) as known:
            assert sum(fuzz.shares(1_000_003, known)) == 1_000_003
            alike = [parser for parser in known if parser.name != "audio"]  # each Ogg file has a serial number
            return [[parser.make(fuzz.chance("1", parser, number)) for number in range(20)] for parser in alike]

    assert made() == made()
