"""All breeds by name: what `animals.draw` draws from and `params.yaml` may name."""

from __future__ import annotations

from exemplar.data.rendered.cats import CATS
from exemplar.data.rendered.dogs import DOGS
from exemplar.data.rendered.others import OTHERS
from exemplar.data.rendered.strangers import STRANGERS

BREEDS = {**CATS, **DOGS, **OTHERS}
"""What a domain draws from unless it names its breeds."""

KNOWN = {**BREEDS, **STRANGERS}
"""What it may name."""
