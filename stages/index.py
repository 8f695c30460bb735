"""Stage `index`: scene features of the exemplars → index/<domain>-<condition>.faiss."""

from __future__ import annotations

from exemplar.matching.exemplars import exemplar_rows
from exemplar.matching.index import build_index, save_index
from exemplar.settings import load_params
from exemplar.store import layout
from exemplar.store.arrays import array, open_group
from exemplar.store.items import NEEDED, read_items
from stages.arguments import domain_and_condition_of
from stages.ends import run


def main() -> None:
    """Indexes the exemplars; validation, test and removed images are never among them."""
    domain, condition = domain_and_condition_of("index")
    items = read_items(layout.items(domain))
    rows = exemplar_rows(items, load_params(), domain, NEEDED["train"])
    scene = array(open_group(layout.features(domain, condition), "scene"), "scene")
    save_index(layout.index(domain, condition), build_index(scene, rows))


if __name__ == "__main__":
    run(main)
