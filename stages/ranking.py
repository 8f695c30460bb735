"""Stage `ranking`: features, index, estimators → models/ranking/<domain>-<condition>.json."""

from __future__ import annotations

from exemplar.methods.pixelnn.coherent import learn_ranking
from exemplar.methods.pixelnn.ranking import save_ranking
from exemplar.store import layout
from stages.arguments import domain_and_condition_of
from stages.ends import run


def main() -> None:
    """Learns from a domain's validation images how much each cue counts."""
    domain, condition = domain_and_condition_of("ranking")
    save_ranking(layout.ranking(domain, condition), learn_ranking(domain, condition))


if __name__ == "__main__":
    run(main)
