"""Fetching a checkpoint from the Hugging Face hub, or finding it where it was fetched before. Only data is fetched.

Every way in which that fails is said in words that end with what to do. It knows no model: what a folder holds is
checkpoint.py's business.
"""

import pathlib

from medlab import machine
from medlab.core.errors import DataError, MedlabError, near_names, shown
from medlab.models.catalog import entries, entry_of_hub

DESCRIPTION = ("*.json", "*.jinja", "*.model", "*.txt")
"""config, tokenizer, processor, chat template, and the list of weight files"""
WEIGHTS = ("model*.safetensors",)
OTHERWISE = 'without an account or a network: MODEL = "demo"'


def fetch(hub: str, revision: str | None = None, *, weights: bool) -> pathlib.Path:
    """The folder with the checkpoint's description, and its weights if asked for; what is here already stays.

    hub       such as "google/medgemma-4b-it"
    revision  a commit, tag or branch; None is "main"

    Raises DataError: "gated", "missing_file" or "unreachable", with what to do.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    patterns = [*DESCRIPTION, *(WEIGHTS if weights else ())]
    try:
        return pathlib.Path(snapshot_download(hub, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, OSError) as error:
        raise in_words(error, hub, revision) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ("httpx", "httpx2"):  # which of the two is the hub's choice
            raise in_words(error, hub, revision) from error
        raise


def in_words(error: Exception, hub: str, revision: str | None) -> MedlabError:
    """What the hub's own exception means for the person who asked."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    cause = error
    while isinstance(cause, LocalEntryNotFoundError) and cause.__cause__ is not None:
        cause = cause.__cause__
    status = cause.response.status_code if isinstance(cause, HfHubHTTPError) else None
    name = shown(hub)
    if isinstance(cause, GatedRepoError) or (status in (401, 403) and _is_gated(hub)):
        return _gated(hub)
    if isinstance(cause, RevisionNotFoundError):
        return DataError(
            "missing_file",
            f"{name} has no revision {shown(str(revision))}",
            accepted="a commit, tag or branch of its page",
            fix=f"load_model({name}) takes the newest",
        )
    if isinstance(cause, RepositoryNotFoundError) or status in (401, 403, 404):
        return _not_found(hub, status)
    if isinstance(cause, OfflineModeIsEnabled) or (
        isinstance(cause, LocalEntryNotFoundError) and machine.hub_is_offline()
    ):
        return DataError(
            "unreachable",
            f"{name} is not whole on this machine, and HF_HUB_OFFLINE forbids the hub",
            accepted="a checkpoint that was fetched before, or its folder",
            fix=f'unset HF_HUB_OFFLINE and run `hf download {hub}` once; or MODEL = "demo"',
        )
    if status is not None:
        return DataError(
            "unreachable",
            f"the hub answered {status} for {name}",
            accepted="a hub in working order",
            fix=f"try again in a minute; {OTHERWISE}",
        )
    return DataError(
        "unreachable",
        f"{name} is not on this machine, and the hub cannot be reached ({type(cause).__name__})",
        accepted="a network, or the folder of a checkpoint",
        fix=f"check the network and its proxy (HTTPS_PROXY), or give a local folder; {OTHERWISE}",
    )


def _is_gated(hub: str) -> bool:
    known = entry_of_hub(hub)
    return known is not None and known.gated


def _gated(hub: str) -> DataError:
    known = entry_of_hub(hub)
    terms = known.licence if known else "terms of its page"
    lacking = "the token here was not granted it" if machine.hub_token_is_there() else "there is no token here"
    return DataError(
        "gated",
        f"{shown(hub)} is gated, and {lacking}",
        accepted=f"a Hugging Face account that has accepted the {terms}",
        fix=f"open https://huggingface.co/{hub} and accept the terms, then run `hf auth login` (or set HF_TOKEN); "
        f"{OTHERWISE}",
    )


def _not_found(hub: str, status: int | None) -> DataError:
    near = near_names(hub, [one.hub for one in entries() if one.hub])
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return DataError(
        "missing_file",
        f"the hub has no {shown(hub)}" + (", or it is private" if status == 401 else ""),
        accepted="the id of a model, org/name",
        fix=f"{hint}For a private one: `hf auth login` (or set HF_TOKEN); {OTHERWISE}",
    )
