"""Stage `index`: scene features of the training images → index/<domain>-<condition>.faiss."""

from __future__ import annotations

from exemplar.matching.images import build_index, save_index
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items, rows_of
from stages.arguments import domain_and_condition_of


def main() -> None:
    """Indexes the exemplars; validation and test images are never among them."""
    domain, condition = domain_and_condition_of("index")
    rows = rows_of(read_items(layout.items(domain)), "train")
    scene = array(open_group(layout.features(domain, condition), "scene"), "scene")
    save_index(layout.index(domain, condition), build_index(read_rows(scene, rows), rows))


if __name__ == "__main__":
    main()
