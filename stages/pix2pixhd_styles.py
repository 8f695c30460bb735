"""Stage `pix2pixhd_styles`: a model → models/pix2pixhd/<domain>-<network>-styles."""

from __future__ import annotations

from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.networks import NETWORKS
from exemplar.methods.pix2pixhd.stored import (
    classes_of,
    inputs,
    training_set,
)
from exemplar.methods.pix2pixhd.styles import (
    NO_STYLES,
    StylesSettings,
    learn_styles,
    record,
    save_styles,
)
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace
from stages.arguments import domain_and_network_of
from stages.ends import run


def main() -> None:
    """Finds the styles of each class among a domain's training images, for one network."""
    domain, network = domain_and_network_of("pix2pixhd_styles", NETWORKS)
    settings = section(load_params(), "pix2pixhd_styles", StylesSettings)
    keep_freed_memory()
    with workplace(f"pix2pixhd_styles/{domain}-{network}", *inputs(domain)) as folder:
        model = load_model(layout.pix2pixhd(domain, network))
        found = NO_STYLES
        if model.encoder is not None:
            found = learn_styles(record(model, training_set(domain, folder)), settings)
        config = {"classes": list(classes_of(domain)), "settings": settings.model_dump()}
        save_styles(layout.pix2pixhd_styles(domain, network), found, config)


if __name__ == "__main__":
    run(main)
