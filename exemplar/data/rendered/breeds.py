"""All breeds by name: what `animals.draw` draws from and `params.yaml` may name."""

from __future__ import annotations

from exemplar.data.rendered.cats import CATS
from exemplar.data.rendered.dogs import DOGS
from exemplar.data.rendered.others import OTHERS

BREEDS = {**CATS, **DOGS, **OTHERS}
