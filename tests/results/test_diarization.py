from __future__ import annotations

from pathlib import Path

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.results.diarization import Diarization, SpeakerTurn
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.vad.segments import Segments

TURNS = Diarization(
    [SpeakerTurn(3.0, 6.0, "Bo"), SpeakerTurn(0.0, 2.5, "Ann Lee"), SpeakerTurn(5.0, 8.0, "Ann Lee")], 9
)


def test_turns_are_in_order_and_a_table() -> None:
    assert [turn.start for turn in TURNS] == [0.0, 3.0, 5.0]
    assert TURNS.speakers == ("Ann Lee", "Bo")
    assert list(TURNS.to_pandas().columns) == ["start", "end", "speaker"]
    assert Diarization().speakers == ()
    assert len(Diarization().to_pandas()) == 0
    assert Diarization([SpeakerTurn(0, 2, "a")]).duration == 2
    assert repr(TURNS) == "Diarization(3 turns of 2 speakers: Ann Lee, Bo)"


@pytest.mark.parametrize(
    ("start", "end", "speaker"),
    [(0, 1, "Ann Lee"), (2, 4, "Bo"), (4, 8, "Ann Lee"), (5, 6, "Bo"), (2.6, 2.9, None), (9, 10, None)],
)
def test_who_speaks_longest_is_the_speaker(start: float, end: float, speaker: str | None) -> None:
    assert TURNS.speaker_between(start, end) == speaker


def test_turns_are_written_as_rttm_and_read_as_speech(tmp_path: Path) -> None:
    text = TURNS.to_rttm(uri="talk")
    assert text is not None
    assert text.splitlines()[0] == "SPEAKER talk 1 0.000 2.500 <NA> <NA> Ann_Lee <NA> <NA>"
    TURNS.to_rttm(tmp_path / "talk.rttm")
    assert Segments.from_rttm(tmp_path / "talk.rttm") == Segments([(0, 2.5), (3, 8)])


def test_a_turn_begins_with_the_recording_at_the_earliest() -> None:
    text = Diarization([SpeakerTurn(-0.005, 1, "Ann\u2028Lee")]).to_rttm(uri="my talk")
    assert text == "SPEAKER my_talk 1 0.000 1.000 <NA> <NA> Ann_Lee <NA> <NA>\n"
    for start, end in ((3, 1), (float("nan"), 1), (-0.5, 1), (0, float("inf"))):
        with pytest.raises(InputError, match="RTTM cannot hold"):
            Diarization([SpeakerTurn(start, end, "Ann")]).to_rttm()


def test_a_transcript_is_told_apart_by_speaker() -> None:
    said = Transcript(
        [
            Segment(0.5, 2.0, "Good morning.", language="en", id=0),
            Segment(2.0, 2.4, "大家好", id=1),
            Segment(3.2, 5.0, "Hello.", id=2),
            Segment(8.5, 9.0, "", id=3),
            Segment(8.6, 9.0, "Who is it?", id=4),
        ]
    )
    dialogue = said.with_speakers(TURNS)
    assert [line.speaker for line in dialogue] == ["Ann Lee", "Ann Lee", "Bo", None, None]
    assert dialogue.to_txt() == "Ann Lee: Good morning.大家好\nBo: Hello.\n?: Who is it?\n".replace(".大", ". 大")
    frame = dialogue.to_pandas()
    assert list(frame.columns) == ["start", "end", "speaker", "text", "language", "id"]
    assert frame["id"].to_list() == [0, 1, 2, 3, 4]
    assert len(Transcript().with_speakers(TURNS).to_pandas()) == 0
