"""Where everything lies, relative to the project's root: one function a kind of file."""

from __future__ import annotations

from pathlib import Path

ESTIMATORS = Path("models/estimators.safetensors")
JUDGE = Path("models/judge.safetensors")


def images(domain: str) -> Path:
    """Photographs and what is known of them."""
    return Path("data", domain, "images.zarr")


def items(domain: str) -> Path:
    """The table that describes them."""
    return Path("data", domain, "items.parquet")


def conditions(domain: str) -> Path:
    """Incomplete inputs made from the photographs."""
    return Path("data", domain, "conditions.zarr")


def regressor(domain: str, condition: str) -> Path:
    """The network f."""
    return Path("models", "regressor", f"{domain}-{condition}.safetensors")


def features(domain: str, condition: str) -> Path:
    """Regressed images and their descriptors."""
    return Path("features", f"{domain}-{condition}.zarr")


def projection(domain: str, condition: str) -> Path:
    """The projection of hypercolumns to descriptors."""
    return Path("models", "projection", f"{domain}-{condition}.safetensors")


def index(domain: str, condition: str) -> Path:
    """The whole-image index."""
    return Path("index", f"{domain}-{condition}.faiss")


def ranking(domain: str, condition: str) -> Path:
    """How much each cue counts when candidates are ranked."""
    return Path("models", "ranking", f"{domain}-{condition}.json")


def pix2pix(domain: str, condition: str) -> Path:
    """The generator of pix2pix; its config has the same name with `.json`."""
    return Path("models", "pix2pix", f"{domain}-{condition}.safetensors")


def pix2pix_progress(domain: str, condition: str) -> Path:
    """The folder of what was seen in its training: `losses.csv` and `samples/`."""
    return Path("models", "pix2pix", f"{domain}-{condition}")


def pix2pixhd(domain: str, network: str) -> Path:
    """A network of pix2pixHD; its config has the same name with `.json`."""
    return Path("models", "pix2pixhd", f"{domain}-{network}.safetensors")


def pix2pixhd_progress(domain: str, network: str) -> Path:
    """The folder of what was seen in its training: `losses-<level>.csv` and `samples/`."""
    return Path("models", "pix2pixhd", f"{domain}-{network}")


def pix2pixhd_styles(domain: str, network: str) -> Path:
    """The styles of its encoder."""
    return Path("models", "pix2pixhd", f"{domain}-{network}-styles.safetensors")


def glann(domain: str, seed: int, part: str) -> Path:
    """A network of GLANN or of a baseline; its config has the same name with `.json`."""
    return Path("models", "glann", f"{domain}-{seed}-{part}.safetensors")


def glann_codes(domain: str, seed: int) -> Path:
    """The latent codes of a domain's training images, by their ids."""
    return Path("models", "glann", f"{domain}-{seed}-codes.parquet")


def glann_progress(domain: str, seed: int, part: str) -> Path:
    """The folder of what was seen in a training: `losses.csv` and perhaps `samples/`."""
    return Path("models", "glann", f"{domain}-{seed}-{part}")


def classifier(domain: str) -> Path:
    """The network that tells a domain's categories apart."""
    return Path("models", "classifier", f"{domain}.safetensors")


def samples(domain: str, seed: int) -> Path:
    """The folder of what GLANN and its baselines made from noise."""
    return Path("samples", f"{domain}-{seed}")


def candidates(method: str, domain: str, condition: str) -> Path:
    """Synthesised images and their sources."""
    return Path("candidates", method, f"{domain}-{condition}.zarr")


def evaluation(method: str, domain: str, condition: str) -> Path:
    """The folder of one table's rows and of what they were computed from."""
    return Path("evaluation", method, f"{domain}-{condition}")


def agreement(domain: str, condition: str) -> Path:
    """What descriptors of several lengths keep and find."""
    return Path("evaluation", "descriptors", f"{domain}-{condition}.csv")
