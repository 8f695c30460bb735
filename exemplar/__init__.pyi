# What is public, for those who read types; `__init__.py` loads it when it is first used.
from exemplar.correspondence import correspond as correspond
