"""Stage `analogy_flow`: pairs with known flow → reports/tables/analogy_flow.csv.

    python -m stages.analogy_flow

A′, made of pixels of B′, is compared with A (PSNR), and the field with the true flow (endpoint
error, in pixels) and with the surface of rendered heads (correspondence error). A run that was
interrupted goes on after the last pair and method that it finished.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from exemplar.data.flow_pairs import FlowPair, FlowSet, flow_pairs
from exemplar.data.rendered_pairs import true_places
from exemplar.memory import keep_freed_memory
from exemplar.methods.deep_analogy import inverse
from exemplar.methods.deep_analogy.baselines import Correspondence, identity, sampled
from exemplar.methods.deep_analogy.compared import ComparedSettings
from exemplar.methods.deep_analogy.evaluation import inputs, measured, ready
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.metrics.correspondence import correspondence_error
from exemplar.metrics.cycle import cycle_error
from exemplar.metrics.flow import endpoint_error, psnr
from exemplar.report.analogy_scores import FLOW, FLOW_COLUMNS, TRUTH
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace, written
from exemplar.store.flow import field_of, flow_of
from stages.ends import run

NAME = "analogy_flow"


class AnalogyFlowSettings(ComparedSettings):
    """The section `analogy_flow` of `params.yaml`."""

    sets: dict[str, FlowSet] = Field(min_length=1)


def main() -> None:
    """Matches all pairs of all sets by all methods, and writes the table."""
    params = load_params()
    settings: AnalogyFlowSettings = section(params, NAME, AnalogyFlowSettings)
    analogy: AnalogySettings = section(params, "analogy", AnalogySettings)
    keep_freed_memory()
    torch.set_num_threads(analogy.threads)
    weights = (layout.ESTIMATORS, inverse.STORED)
    sets = ready(settings.sets, flow_pairs, analogy, settings, weights)
    with workplace(NAME, *inputs(sets, NAME, settings.model_dump(mode="json"))) as folder:
        rows = [
            {"pair": f"{name}/{pair.name}", "method": method, **numbers}
            for name, pair, method, numbers in measured(sets, folder, measure, NAME)
        ]
        rows += [
            {"pair": f"{one.name}/{pair.name}", "method": TRUTH, **bound(pair)}
            for one in sets
            for pair in one.pairs
            if pair.flow is not None
        ]
        with written(FLOW) as partial:
            table = pd.DataFrame(rows, columns=list(FLOW_COLUMNS))
            table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")


def bound(pair: FlowPair) -> dict[str, float]:
    """What the true field reaches: of rendered heads the nearest point that B′ shows."""
    assert pair.flow is not None
    places = field_of(pair.flow)
    places = np.where(np.isnan(places), identity(pair.a, pair.b_prime).forward, places)
    if pair.surfaces is not None:
        nearest = true_places(*pair.surfaces, np.inf)
        places = np.where(np.isnan(nearest), places, nearest)
    limit = np.array(pair.b_prime.shape[:2]) - 1
    places = places.clip(0, limit).astype(np.float32)
    truth = Correspondence(places, places, sampled(pair.b_prime, places))
    numbers = measure(pair, truth)
    return {name: value for name, value in numbers.items() if name != "cycle_error"}


def measure(pair: FlowPair, found: Correspondence) -> dict[str, float]:
    """What can be known of a correspondence; what cannot is left out."""
    numbers = {
        "psnr": psnr(found.a_prime, pair.a),
        "cycle_error": cycle_error(found.forward, found.backward),
    }
    if pair.flow is not None:
        numbers["endpoint_error"] = endpoint_error(flow_of(found.forward), pair.flow)
    if pair.surfaces is not None:
        here, there = pair.surfaces
        places = np.rint(found.forward).astype(np.int64)
        source = np.concatenate([np.zeros_like(places[..., :1]), places], axis=-1)
        error = correspondence_error(here, there[None], source[None])
        numbers["correspondence_error"] = float(error[0])
    return numbers


if __name__ == "__main__":
    run(main)
