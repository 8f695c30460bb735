"""The photographs of the domains in use: are there as many as the stages need?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exemplar.data.inputs import DomainError, Listing
from exemplar.data.photo_settings import Photos
from exemplar.data.scan import KINDS
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.data.splits import assign, missing, remedy, within_limit
from exemplar.settings import SettingsError, section
from exemplar.store.items import NEEDED
from flows.checks.finding import Finding, ok, problem


def photographs(params: dict[str, Any]) -> Iterator[Finding]:
    """Counts the files of every domain of `run.domains` whose folder is there, without opening any.

    What `prepare` will reject of them, for they are damaged, small or come twice, is not known yet.
    """
    run = params.get("run")
    for name in (run.get("domains") or []) if isinstance(run, dict) else []:
        try:
            settings = section(params, f"domains.{name}", Domain)
            common = section(params, "prepare", PrepareSettings)
            if isinstance(settings, Photos) and settings.root.is_dir():
                settings = settings.model_copy(update={"download": False})
                yield _counted(name, settings, common, KINDS[settings.kind].inputs(settings))
        except SettingsError:
            continue  # told with the settings
        except (DomainError, OSError) as error:
            yield problem(f"domain {name}", str(error), "see the message")


def _counted(name: str, settings: Photos, common: PrepareSettings, listing: Listing) -> Finding:
    """Whether the files are enough, by the splits that so many will have."""
    sources = [f"{photo.source}" for photo in listing.photos]
    bad = sum(rejection.bad for rejection in listing.rejections)
    seen = f"{len(set(sources))} files that may be photographs, {bad} that cannot be read"
    seen += f", {len(listing.rejections) - bad} left out"
    try:
        splits = assign(
            sources, [photo.split for photo in listing.photos], settings.splits, common.seed
        )
    except DomainError as error:
        return problem(f"domain {name}", f"{seen}: {error}", remedy(name))
    keep = within_limit(sources, splits, settings.limit, common.seed)
    short = missing(split for split, kept in zip(splits, keep, strict=True) if kept)
    if short:
        return problem(f"domain {name}", f"{seen}: {short}", remedy(name))
    return ok(f"domain {name}", f"{seen}; {sum(NEEDED.values())} or more are needed")
