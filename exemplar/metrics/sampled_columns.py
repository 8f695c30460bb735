"""The columns of a table for distances on a large network's features (`sampled_distance`)."""

FD, KID = "fd_efficientnet_lite2", "kid_efficientnet_lite2"
LOW, HIGH = f"{KID}_low", f"{KID}_high"
FEATURES = "efficientnet_lite2_features"
COLUMNS = (FD, KID, LOW, HIGH, FEATURES)
"""Of a table: both distances, the ends of KID's 95 % interval over test images, and the network
with how it was asked."""
