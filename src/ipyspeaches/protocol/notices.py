"""What users are told while a session goes on, in sentences with the cure."""

from __future__ import annotations

from collections.abc import Sequence

from ipyspeaches.errors import ServerError
from ipyspeaches.protocol.events import Noticed, Span
from ipyspeaches.protocol.outcomes import Broken, Refused

WAITED_TOO_LONG = (
    "it waited too long, because the server is slower than speech. Its sound is kept in the recording: transcribe "
    "that again with more time."
)


def not_in_translation(names: Sequence[str]) -> Noticed:
    """Return the warning about options that translation does not have."""
    given = " and ".join(names)
    return Noticed("no_effect", f"Translation does not use {given}: leave it out, or use task='transcribe'.")


def not_in_realtime(names: Sequence[str]) -> Noticed:
    """Return the warning about options for which the server's realtime session has no place."""
    *others, last = names
    given = f"{', '.join(others)} and {last} have" if others else f"{last} has"
    return Noticed(
        "no_effect",
        f'{given} no effect in a realtime session of this server: transport="chunked" and transport="sse" send such '
        "options with each request.",
    )


def behind(seconds: float) -> Noticed:
    """Return the warning that the server is slower than speech."""
    return Noticed(
        "behind",
        f"The server is slower than speech and {seconds:.0f} s behind: utterances that wait are sent together. Use a "
        "faster model, or a server that has less to do.",
    )


def retrying(error: ServerError) -> Noticed:
    """Return the warning that a request was refused for the time being."""
    return Noticed("retrying", f"{error} The recording goes on; it is tried again.")


def incomplete(span: Span, outcome: Broken | Refused) -> Noticed:
    """Return the warning that half a text is all that there is."""
    how = f"{outcome.reason}, twice" if isinstance(outcome, Broken) else "The stream of text broke, and was not resumed"
    return Noticed(
        "incomplete",
        f"{how}: the text from {span.start_s:.1f} to {span.end_s:.1f} s may be incomplete. See the server's log for "
        "the cause, and transcribe this part of the recording again.",
    )


def no_text(outcome: Broken | Refused) -> str:
    """Return why an utterance has no text."""
    if isinstance(outcome, Refused):
        return str(outcome.error)
    return (
        f"{outcome.reason}, twice and without any text: see the server's log for the cause (a language that the model "
        "does not know looks like this, too)."
    )
