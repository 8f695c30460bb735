"""Pictures made again of their records and the photographs alone: the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from exemplar.data.inputs import DomainError
from exemplar.methods.pixelnn.whole.by_labels import ByLabels
from exemplar.methods.pixelnn.whole.candidates import of_input
from exemplar.methods.pixelnn.whole.records import NONE, composed_of, recorded, rederived, save
from exemplar.patches.voting import rederive
from exemplar.store.arrays import StoreError
from tests.methods.pixelnn.whole.heads import DOMAIN, SIDE, labels_of, opened, write_heads

SIDES = {1: 28, 3: 64}  # one is enlarged, one reduced


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        photographs, settings = opened(write_heads(sides=SIDES, exemplars=[1, 3]))
        finder = ByLabels(photographs, np.arange(6), settings)
        wide = settings.model_copy(update={"leaders": 6, "ground": 0.0, "loyalty": 0.0})
        yield folder, photographs, list(of_input(finder, labels_of(6), wide))


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made[0])
    return made


def saved(made, photographs, path="sources.npz"):
    ids = photographs.items["id"].to_numpy(dtype=str)
    save(path, DOMAIN, made, np.arange(len(made), dtype=np.float32), ids, ["a.png: read"])
    return path


def test_a_record_is_enough(here):
    _, photographs, made = here
    picks = [pick for one in made for pick in one.picks]
    assert {1, 3} <= {pick.row for pick in picks} and any(pick.mirrored for pick in picks)
    for one in made:
        record = recorded(one, 4, (SIDE, SIDE))
        assert record.exemplar.tolist()[len(one.picks) :] == [NONE] * (4 - len(one.picks))
        exemplars = composed_of(record, photographs)
        assert [each.mirrored for each in exemplars] == [pick.mirrored for pick in one.picks]
        assert [e.colours is None for e in exemplars] == [e.colours is None for e in one.exemplars]
        again = rederive(record.source.astype(np.int32), exemplars, one.votes)
        assert (again == one.image).all()


def test_so_is_the_file(here):
    _, photographs, made = here
    path = saved(made, photographs)
    assert (rederived(path) == np.stack([one.image for one in made])).all()
    with np.load(path, allow_pickle=False) as stored:
        assert str(stored["domain"]) == DOMAIN and stored["notes"].tolist() == ["a.png: read"]
        names = photographs.items["id"].tolist()
        for place, one in enumerate(made):
            used = [name for name in stored["exemplar"][place].tolist() if name]
            assert used == [names[pick.row] for pick in one.picks]
        assert stored["candidates"].tolist() == [str(one.member) for one in made]
        assert stored["source"].dtype == np.int16
        followers = sum(len(one.picks) - 1 for one in made)
        assert len(stored["gain"]) == followers  # only K = 3 has some here


def test_candidates_without_followers_have_no_colour_maps(here):
    _, photographs, made = here
    alone = [one for one in made if len(one.picks) == 1]
    path = saved(alone, photographs, "alone.npz")
    with np.load(path, allow_pickle=False) as stored:
        assert len(stored["gain"]) == 0 and (stored["colours"] == NONE).all()
    assert (rederived(path) == np.stack([one.image for one in alone])).all()


def test_another_photograph_is_told(here):
    _, photographs, made = here
    path = saved(made, photographs)
    photo = Path("raw/train/images/1.png")
    kept = photo.read_bytes()
    try:
        Image.fromarray(np.zeros((28, 28, 3), np.uint8)).save(photo)
        with pytest.raises(DomainError, match=r"1\.png: is another file than when the domain"):
            rederived(path)
        photo.unlink()
        with pytest.raises(DomainError, match=r"1\.png: cannot be read: No such file"):
            rederived(path)
    finally:
        photo.write_bytes(kept)


def test_a_domain_that_was_prepared_otherwise_is_told(here):
    """The files are the same, of each another part is used."""
    folder, photographs, made = here
    path = saved(made, photographs).replace("sources", str(folder / "sources"))
    other = folder / "other"
    other.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(other)
        write_heads(sides=SIDES, domain={"crop": 0.7})
        with pytest.raises(StoreError, match="are used otherwise than when it was written"):
            rederived(path)


def test_what_the_domain_lacks_is_told(here):
    _, _, made = here
    ids = np.array([f"gone-{row}" for row in range(7)])
    save("gone.npz", DOMAIN, made, np.zeros(len(made)), ids, [])
    with pytest.raises(StoreError, match=r"gone\.npz: the domain has no photograph gone-\d any"):
        rederived("gone.npz")
    np.savez_compressed("coherent.npz", source=np.zeros((1, 4, 4, 3)))
    with pytest.raises(StoreError, match=r"coherent\.npz: not of whole pictures; those of other"):
        rederived("coherent.npz")


def test_settings_of_pictures_do_not_matter(here):
    """How large they are to be by now, or how they are composed."""
    _, photographs, made = here
    path = saved(made, photographs)
    params = yaml.safe_load(Path("params.yaml").read_text())
    text = Path("params.yaml").read_text()
    try:
        Path("params.yaml").write_text(yaml.safe_dump(params | {"whole": {"detail": 32}}))
        assert (rederived(path) == np.stack([one.image for one in made])).all()
    finally:
        Path("params.yaml").write_text(text)
