"""The columns of a table of two methods at the size of pictures (`detail`)."""

PAIR = ("coherent", "whole")
"""The methods that are compared; differences are of the second less the first."""

TOP, DRAWN = "top-1", "rand-1"
"""Of each image the best-ranked candidate, and the mean over some that are drawn."""

COLUMNS = (
    "domain", "condition", "metric", "selection", "coherent", "coherent_low", "coherent_high",
    "whole", "whole_low", "whole_high", "difference", "low", "high", "images", "candidates", "side",
    "judge", "judge_shares",
)  # fmt: skip
"""Of `detail.csv`: intervals of 95 % over test images; `judge` is the network that judged, or whose
features were compared, and `judge_shares` what a judge shares with what it judges."""
