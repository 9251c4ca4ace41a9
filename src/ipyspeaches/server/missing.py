"""What the failures of single endpoints mean: no way to the hub, a gated model, a server that lacks an endpoint."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import httpx2

from ipyspeaches.errors import ModelNotFoundError, ProtocolError, ServerError, ServerUnreachableError
from ipyspeaches.server.api import Explain, Failed
from ipyspeaches.server.failures import detail_of

DIARIZATION_MODEL: Final = "pyannote/speaker-diarization-community-1"
"""The one that Speaches can run."""
_NO_SUCH_ENDPOINT: Final = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_GAVE_UP: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})


def lacks_endpoint(failed: Failed) -> bool:
    """Return whether an answer says that the server has no such endpoint, rather than no such model."""
    if not isinstance(failed, httpx2.Response):
        return False
    if failed.status_code == HTTPStatus.NOT_FOUND:
        return detail_of(failed) == "Not Found"
    return failed.status_code in _NO_SUCH_ENDPOINT


def explain_lack(address: str) -> Explain:
    """Return what failures mean where an endpoint is looked for."""

    def explain(failed: Failed) -> ServerError | None:
        if not lacks_endpoint(failed):
            return None
        path = failed.request.url.path
        return ProtocolError(f"{address} does not offer {path}: use a server that does.")

    return explain


def explain_registry(address: str) -> Explain:
    """Return what failures mean where the models are listed that a server could download."""

    def explain(failed: Failed) -> ServerError | None:
        if lacks_endpoint(failed):
            return ProtocolError(
                f"{address} has no list of models to download: name the model by its id on the Hugging Face hub, or "
                "update the server."
            )
        if isinstance(failed, httpx2.ReadTimeout) or _is_status(failed, HTTPStatus.INTERNAL_SERVER_ERROR):
            return ProtocolError(
                f"{address} cannot say which models there are to download ({_what(failed)}): it asks the Hugging Face "
                "hub for them, so give that computer a way to huggingface.co. Installed models work without."
            )
        return None

    return explain


def explain_download(address: str, model: str, timeout_s: float) -> Explain:
    """Return what failures mean where a server shall install a model."""

    def explain(failed: Failed) -> ServerError | None:
        detail = detail_of(failed) or "" if isinstance(failed, httpx2.Response) else ""
        if _is_status(failed, HTTPStatus.UNAUTHORIZED) and "gated" in detail:
            return ModelNotFoundError(
                f"{address} may not download {model} (HTTP 401), whose authors want their terms accepted: accept them "
                f"at https://huggingface.co/{model} and start the server with HF_TOKEN set to a token of that account."
            )
        if _is_status(failed, HTTPStatus.NOT_FOUND) and not lacks_endpoint(failed):
            return ModelNotFoundError(
                f"{address} knows no model '{model}' to download: check its spelling against the server's registry "
                "(Server.registry(), or ipyspeaches models registry)."
            )
        if isinstance(failed, httpx2.ReadTimeout) or (isinstance(failed, httpx2.Response) and _gave_up(failed)):
            waited = f"within {timeout_s:.0f} s" if isinstance(failed, httpx2.ReadTimeout) else _what(failed)
            return ServerUnreachableError(
                f"No answer came from {address} about the download of {model} ({waited}), which probably goes on: "
                "look later whether the model is among the installed ones."
            )
        if _is_status(failed, HTTPStatus.INTERNAL_SERVER_ERROR):
            return ProtocolError(
                f"{address} could not download {model} (HTTP 500): give that computer a way to huggingface.co and room "
                "on its disk; its log says which is missing."
            )
        return None

    return explain


def explain_diarization(address: str) -> Explain:
    """Return what failures mean where a server shall tell speakers apart."""

    def explain(failed: Failed) -> ServerError | None:
        if lacks_endpoint(failed):
            return ProtocolError(
                f"{address} cannot tell speakers apart: it has no such endpoint, so use a newer Speaches server."
            )
        return None

    return explain


def no_diarization_model(address: str) -> ModelNotFoundError:
    """Return the error for a server that has no model that tells speakers apart."""
    return ModelNotFoundError(
        f"{address} has no model installed that tells speakers apart: have a Speaches server download "
        f"'{DIARIZATION_MODEL}' (its authors want their terms accepted at huggingface.co first)."
    )


def _is_status(failed: Failed, status: HTTPStatus) -> bool:
    return isinstance(failed, httpx2.Response) and failed.status_code == status


def _gave_up(response: httpx2.Response) -> bool:
    return response.status_code in _GAVE_UP


def _what(failed: Failed) -> str:
    return f"HTTP {failed.status_code}" if isinstance(failed, httpx2.Response) else "no answer"
