"""The stage `report` on a small finished run, written here as the stages before would leave it."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
import zarr
from PIL import Image

from exemplar.metrics.detail_columns import COLUMNS as DETAIL
from exemplar.metrics.sampled_columns import COLUMNS as SAMPLED
from exemplar.report.tables import BEYOND, COLUMNS, COMPARISON, FEW_IMAGES, METRICS, TableError
from exemplar.settings import SettingsError
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items
from stages import report

Members = list[tuple[int, int, int]]
CANDIDATES: Members = [(k, first, t) for k, first in ((1, 1), (1, 2), (3, 1)) for t in (1, 7, 0)]
SELECTIONS = ("rand-1", "oracle per metric", "oracle one candidate")
RANKED = ("top-1", "random few", "distinct few")
MANY = ("pix2pix", "global", "pixelnn", "coherent", "whole")
WHOLE = [[1, 1, "guides"], [3, 1, "guides"], [3, 2, "coherent"]]
FEW = 5
JUDGE = "estimators@rendered"


def blobs(count: int, side: int = 32) -> np.ndarray:
    """Discs on plain grounds, u8 (N, side, side, 3)."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    images = np.empty((count, side, side, 3), np.uint8)
    for image in images:
        centre = generator.uniform(0.35, 0.65, 2) * side
        inside = np.hypot(y - centre[0], x - centre[1]) < generator.uniform(0.2, 0.4) * side
        colours = generator.integers(0, 256, (2, 3))
        image[:] = np.where(inside[..., None], colours[0], colours[1])
    return images


def finished_run(
    root: Path,
    images: np.ndarray,
    conditions: tuple[str, ...] = ("lowres", "edges"),
    members: Members = CANDIDATES,
    tests: int = 3,
) -> None:
    """Writes all inputs of the stage under `root`, for one domain, `rendered`."""
    training, side = len(images) - tests, images.shape[1]
    write_group(root / layout.images("rendered"), {"image": images})
    write_items(root / layout.items("rendered"), _items(training, tests, side))
    write_group(root / layout.conditions("rendered"), _conditions(images, conditions))
    for seed, condition in enumerate(conditions):
        generator = np.random.default_rng(seed)
        described = {"backbone": "a net", "layers": ["conv1_2", "conv3_3"], "dimensions": 64}
        path = root / layout.features("rendered", condition)
        write_group(path, {"regressed": _blurred(images)}, described)
        path = root / layout.agreement("rendered", condition)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "dimensions,window,agreement,similarity,variance_kept\n"
            "32,11,0.8,0.98,0.9\n32,0,0.7,0.97,0.9\n64,11,0.9374,0.995,0.95\n64,0,0.9,0.99,0.95\n"
        )
        for method in ("pixelnn", "global", "coherent"):
            path = root / layout.candidates(method, "rendered", condition)
            _write_candidates(path, images, training, members, generator, method == "coherent")
        rows = list(range(training, len(images)))
        _write_whole(root / layout.candidates("whole", "rendered", condition), images, rows)
        shape = (len(rows), len(members), *images.shape[1:])
        made = _blurred(images)[rows][:, None] + generator.integers(0, 3, shape, np.uint8)
        path = root / layout.candidates("pix2pix", "rendered", condition)
        write_group(path, {"image": made}, {"rows": rows})
        _write_training(root, condition, images[:2])
        folder = root / layout.evaluation("pixelnn", "rendered", condition)
        ids = [f"head-{row:04d}" for row in range(training, len(images))]
        _write_evaluation(folder, condition, ids, len(members), side, generator)
    params = {
        "run": {"domains": ["rendered"], "conditions": list(conditions)},
        "domains": {"rendered": {"count": 9}, "elsewhere": {"root": "unused"}},
        "regressor": {"network": {"width": 16}},
        "pix2pix": {"training": {"epochs": 31}},
        "report": {"inputs": 2, "candidates": 4, "spreads": 1},
        "studio": {"port": 4711},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def _write_training(root: Path, condition: str, images: np.ndarray) -> None:
    """Losses and pictures of a training of 120 steps, looked at every ten."""
    folder = root / layout.pix2pix_progress("rendered", condition)
    (folder / "samples").mkdir(parents=True)
    steps = range(10, 121, 10)
    losses = [(step, 0.5, 2 + 1 / step, 10 / step) for step in steps]
    columns = ["step", "discriminator", "adversarial", "l1"]
    pd.DataFrame(losses, columns=columns).to_csv(folder / "losses.csv", index=False)
    for step in steps:
        made = np.clip(images.astype(int) - 120 + step, 0, 255)
        columns = np.concatenate([np.zeros_like(images), made, images], 2)
        sheet = np.concatenate(columns, 0).astype(np.uint8)
        Image.fromarray(sheet).save(folder / "samples" / f"{step:07d}.png")
    config = root / layout.pix2pix("rendered", condition).with_suffix(".json")
    config.write_text(json.dumps({"network": "unet", "settings": {"levels": 3, "width": 24}}))


def _items(training: int, tests: int, side: int) -> pd.DataFrame:
    rows = range(training + tests)
    columns = {
        "id": [f"head-{i:04d}" for i in rows],
        "split": ["train"] * training + ["test"] * tests,
        "category": "cat",
        "source": [f"seed {i}" for i in rows],
        "sha256": [f"{i:064x}" for i in rows],
        "licence": "CC0-1.0",
        "width": side,
        "height": side,
    }
    return pd.DataFrame(columns)


def _conditions(images: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    grey, step = images.mean(-1), images.shape[1] // 8
    down, across = np.gradient(grey / 64, axis=(1, 2))
    normals = np.stack([-across, down, np.ones_like(grey)], -1)
    stored = {
        "lowres": images[:, step // 2 :: step, step // 2 :: step],
        "edges": np.clip(np.hypot(down, across), 0, 1).astype(np.float16),
        "normals": normals / np.linalg.norm(normals, axis=-1, keepdims=True),
        "labels": (grey // 32).astype(np.uint8),
    }
    return {name: stored[name] for name in names}


def _blurred(images: np.ndarray) -> np.ndarray:
    values = images.astype(np.float32)
    for _ in range(3):
        values = (values + sum(np.roll(values, s, a) for s in (-2, 2) for a in (1, 2))) / 5
    return values.astype(np.uint8)


def _write_candidates(
    path: Path,
    images: np.ndarray,
    training: int,
    members: Members,
    generator: np.random.Generator,
    scored: bool,
) -> None:
    """Candidates whose bands are copied from several exemplars, slightly moved."""
    side = images.shape[1]
    y, x = np.mgrid[:side, :side]
    rows = list(range(training, len(images)))
    source = np.empty((len(rows), len(members), side, side, 3), np.int32)
    for place in range(len(rows)):
        ranked = generator.permutation(training)
        for index, (neighbours, first, window) in enumerate(members):
            band = (y * 2 + x + side // 4 * np.sin(y / 9)).astype(int) * 2 // side % neighbours
            exemplar = ranked[(first - 1 + band) % training]
            moved = np.rint(y + min((window or 25) // 3, side // 3) * np.sin(x / 11))
            moved = np.clip(moved, 0, side - 1).astype(int)
            source[place, index] = np.stack([exemplar, moved, x], -1)
    image = images[source[..., 0], source[..., 1], source[..., 2]]
    arrays = {"image": image, "source": source}
    if scored:
        arrays["score"] = generator.normal(9, 1, source.shape[:2]).astype(np.float32)
        arrays["few"] = np.argsort(arrays["score"], 1)[:, : 2 * FEW : 2][:, :FEW].astype(np.int16)
    attributes = {"rows": rows, "candidates": [list(member) for member in members]}
    write_group(path, arrays, attributes | {"votes": int(scored)})


def _write_whole(path: Path, images: np.ndarray, rows: list[int]) -> None:
    """Three pictures of each test image, twice as large, of the first photographs of all."""
    count, side = len(rows), 2 * images.shape[1]
    y, x = np.broadcast_arrays(*np.indices((side, side)), subok=False)
    slot = np.broadcast_to(np.where(x < side // 4, 1, 0), (count, 3, side, side)).copy()
    slot[:, 0] = 0  # of one alone
    exemplar = np.broadcast_to(np.array([[0, -1], [0, 1], [1, 2]]), (count, 3, 2))
    used = np.take_along_axis(exemplar[..., None, None], slot[:, :, None], 2)[:, :, 0]
    source = np.stack([slot, *(np.broadcast_to(v, slot.shape) for v in (y, x))], -1)
    arrays = {
        "image": images[used, y // 2, x // 2],
        "source": source.astype(np.int16),
        "exemplar": exemplar.astype(np.int32),
        "score": np.array([[0.5, 2.0, 1.0]] * count, np.float32),
        "few": np.array([[0, 1]] * count, np.int16),
    }
    write_group(path, arrays, {"rows": rows, "candidates": WHOLE, "votes": 1})


def _write_evaluation(
    folder: Path, condition: str, ids: list[str], count: int, side: int, draw: np.random.Generator
) -> None:
    """Tables of numbers without meaning."""
    folder.mkdir(parents=True)
    rows = []
    for method in ("regressor", *MANY):
        selections = SELECTIONS + (RANKED if method in ("coherent", "whole") else ())
        for selection in ("single",) if method == "regressor" else selections:
            row = {name: f"{draw.uniform(8, 30):.6g}" for name in METRICS}
            row |= {"domain": "rendered", "condition": condition, "method": method}
            row |= {"selection": selection, "ap": f"{draw.uniform(0.3, 0.9):.6g}"}
            row |= {"images": str(len(ids)), "candidates": str(count)}
            row |= {"judge": JUDGE, "judge_shares": "descriptors"}
            if method not in ("regressor", "pix2pix"):
                row["correspondence"] = f"{draw.uniform(0.1, 0.5):.6g}"
            if method not in ("regressor", "pix2pix", "whole"):
                row["seam"] = f"{draw.uniform(2, 9):.6g}"
            if selection in ("rand-1", "random few", "distinct few"):
                row |= {"diversity": f"{draw.uniform(0.1, 0.5):.6g}", "diversity_features": "g"}
            if selection == "rand-1":
                row |= {"fid": f"{draw.uniform(2, 9):.6g}", "fid_features": "estimators@rendered f"}
                row |= {name: f"{draw.uniform(0.3, 0.9):.6g}" for name in ("f8", "f1_8")}
                row |= {name: f"{draw.uniform(0.1, 0.9):.6g}" for name in SAMPLED[:-1]}
                row |= {SAMPLED[-1]: "efficientnet f"}
            if selection == "top-1":
                row["rank_correlation"] = f"{draw.uniform(0.1, 0.5):.6g}"
            rows.append(row)
    chance = {"method": "chance", "selection": "expected", "images": str(len(ids))}
    chance |= {"domain": "rendered", "condition": condition, "correspondence": "0.731234"}
    table = pd.DataFrame([*rows, chance]).reindex(columns=list(COLUMNS))
    table.to_csv(folder / "table.csv", index=False)
    compared = [(c, *np.round(draw.normal(5, 2, 5), 4)) for c in (*METRICS, "seam", "diversity")]
    compared.append(("fid", 7.1234, 5.4321, -1.6913, None, None))
    compared = pd.DataFrame(compared, columns=list(COMPARISON[2:-2]))
    compared = compared.assign(domain="rendered", condition=condition, images=len(ids), judge=JUDGE)
    compared[list(COMPARISON)].to_csv(folder / "comparison.csv", index=False)
    detail = pd.DataFrame(_detail(draw)).assign(domain="rendered", condition=condition)
    detail.reindex(columns=list(DETAIL)).to_csv(folder / "detail.csv", index=False)
    scores = [
        {
            "image": i,
            "method": m,
            "candidate": c,
            "mean": round(draw.uniform(8, 30), 4),
            "judge": JUDGE,
        }
        for i in ids
        for m in MANY
        for c in range(count)
    ]
    pd.DataFrame(scores).to_csv(folder / "scores.csv", index=False)
    spread = [
        {
            "image": i,
            "method": m,
            "diversity": f"{draw.uniform(0.1, 0.5):.6g}",
            "order": " ".join(map(str, draw.permutation(count))),
        }
        for i in ids
        for m in MANY
    ]
    pd.DataFrame(spread).to_csv(folder / "spread.csv", index=False)
    falls = {"input": 1.2, "regressor": 3.0, "global": 2.1, "pixelnn": 2.0, "truth": 1.9}
    falls |= {"coherent": 2.2, "pix2pix": 2.5, "whole": 1.8}
    spectrum = [
        {"series": name, "frequency": f, "power": 0.01 * float(f) ** -fall if f else 0.0}
        for name, fall in falls.items()
        for f in range(side // 2 + 1)
    ]
    pd.DataFrame(spectrum).to_csv(folder / "spectrum.csv", index=False)


def _detail(draw: np.random.Generator) -> list[dict[str, object]]:
    """Numbers without meaning of both methods at one size; the first is in favour of whole."""
    rows = []
    for selection, candidates in (("top-1", 1), ("rand-1", 2)):
        for metric, judge in (("mean", JUDGE), ("kid_efficientnet_lite2", "efficientnet f")):
            numbers = np.round(draw.uniform(1, 9, len(DETAIL[4:13])), 4).tolist()
            row = dict(zip(DETAIL[4:13], numbers, strict=True))
            row |= {"metric": metric, "selection": selection, "candidates": candidates}
            row |= {"judge": judge, "judge_shares": "nothing" if metric == "mean" else ""}
            rows.append(row | {"images": 3, "side": 64})
    rows[0] |= {"difference": -2.1234, "low": -3.25, "high": -1.125}
    rows[1] |= {"difference": 0.5, "low": -0.25, "high": 1.5}
    return rows


class Page(HTMLParser):
    """What a test asks of a page: its tags, its `data` values, its addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self.addresses: list[str] = []
        self.opened: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.opened.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag == "data":
            self.values.append(given.get("value") or "")
        if given.get("id"):
            self.ids.append(given["id"] or "")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a finished run with its report."""
    root = tmp_path_factory.mktemp("run")
    finished_run(root, blobs(12))
    _report(root)
    return root


def _report(root: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        report.main()
    return (root / "reports/index.html").read_text()


def test_the_page_says_which_dimensions_are_used_and_what_they_find(run: Path) -> None:
    page = (run / "reports/index.html").read_text()
    assert page.count("<b>64</b>") == 2  # once a condition
    assert "<b>32</b>" not in page
    assert page.count("93.7 %") == 2


def test_the_csv_is_the_evaluations_one_under_the_other(run: Path) -> None:
    lines = [
        (run / layout.evaluation("pixelnn", "rendered", c) / "table.csv").read_text().splitlines()
        for c in ("lowres", "edges")
    ]
    joined = (run / "reports/tables/pixelnn.csv").read_text().splitlines()
    assert joined == [*lines[0], *lines[1][1:]]
    assert joined[0] == (
        "domain,condition,method,selection,mean,median,rmse,within_11_25,within_22_5,within_30,"
        "ap,images,candidates,judge,judge_shares,correspondence,seam,diversity,"
        "diversity_features,fid,f8,f1_8,fid_features,rank_correlation,fd_efficientnet_lite2,"
        "kid_efficientnet_lite2,kid_efficientnet_lite2_low,kid_efficientnet_lite2_high,"
        "efficientnet_lite2_features"
    )


def test_the_comparisons_are_joined_and_shown(run: Path) -> None:
    tables = [
        (run / layout.evaluation("pixelnn", "rendered", c) / "comparison.csv").read_text()
        for c in ("lowres", "edges")
    ]
    joined = (run / "reports/tables/coherent.csv").read_text()
    assert joined == tables[0] + "".join(tables[1].splitlines(True)[1:])
    page = Page((run / "reports/index.html").read_text())
    table = pd.read_csv(run / "reports/tables/coherent.csv", dtype=str, keep_default_na=False)
    for column in ("published", "coherent", "difference", "low", "high"):
        assert set(filter(None, table[column])) <= set(page.values), column


def test_pictures_at_their_own_size_are_joined_and_shown(run: Path) -> None:
    tables = [
        (run / layout.evaluation("pixelnn", "rendered", c) / "detail.csv").read_text()
        for c in ("lowres", "edges")
    ]
    joined = (run / "reports/tables/detail.csv").read_text()
    assert joined == tables[0] + "".join(tables[1].splitlines(True)[1:])
    text = (run / "reports/index.html").read_text()
    section = text[text.index('<section id="detail">') : text.index('<section id="scores">')]
    table = pd.read_csv(run / "reports/tables/detail.csv", dtype=str, keep_default_na=False)
    for column in DETAIL[4:13]:
        assert set(table[column]) <= set(Page(section).values), column
    assert section.count("<h3>") == 2 and "rendered, 64 pixels" in section
    assert "<td>best-ranked (top-1)<small>, 3 images</small></td>" in section
    assert "<td>2 drawn, their mean<small>, 3 images</small></td>" in section
    first = section[section.index("<tbody>") : section.index("</tbody>")].split("<tr")[1:3]
    assert ' class="for-whole"' in first[0] and "−2.12</data>" in first[0]
    assert ">neither</td>" in first[1]
    assert f"Mean: {JUDGE}; independent: it had no part" in section
    assert '<p class="note">KID: efficientnet f.</p>' in section


def test_without_pictures_at_their_own_size_it_is_said(tmp_path: Path) -> None:
    finished_run(tmp_path, blobs(6), ("edges",), tests=2)
    path = tmp_path / layout.evaluation("pixelnn", "rendered", "edges") / "detail.csv"
    path.write_text(",".join(DETAIL) + "\n")
    assert "<code>evaluate.detail</code> is null" in _report(tmp_path)
    assert (tmp_path / "reports/tables/detail.csv").read_text() == path.read_text()


def test_whole_pictures_come_first_with_the_photographs_they_are_of(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    shown = text.split('<div class="example">')[1]
    large, rest = (
        shown[: shown.index('<div class="row">')],
        shown[shown.index('<div class="row">') :],
    )
    assert "data:image/jpeg" not in rest
    assert re.findall(r"<figcaption>([^<]+)<small>([^<]+)<", large) == [
        ("K 1 · from 1", "best-ranked · head-0000 100%"),
        ("K 3 · from 1", "rank 3 of 3 · head-0000 75%, head-0001 25%"),
    ]
    addresses = [a for a in Page(large).addresses if a.startswith("data:image/jpeg;base64,")]
    stored = open_group(run / layout.candidates("whole", "rendered", "lowres"))
    place = 0  # of two of three, the first
    for address, candidate in zip(addresses, (0, 1), strict=True):
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))
        image = np.asarray(array(stored, "image"))[place, candidate]
        assert picture.shape == image.shape == (64, 64, 3)
        assert np.abs(picture.astype(int) - image).mean() < 4


def test_the_page_has_every_number_of_the_csv_and_shows_it_rounded(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    table = pd.read_csv(run / "reports/tables/pixelnn.csv", dtype=str, keep_default_na=False)
    found = dict(re.findall(r'<data value="([^"]+)">([^<]+)</data>', text))
    assert all((table[column] != "").any() for column in BEYOND)
    places = {"ap": 2, "correspondence": 3, "seam": 2, "rank_correlation": 2}
    places |= dict.fromkeys(SAMPLED[1:4], 4)
    for column in (*METRICS, "correspondence", *BEYOND):
        decimals = places.get(column, 3 if column in BEYOND else 1)
        for value in filter(None, table[column]):
            assert found[value] == f"{float(value):.{decimals}f}", (column, value)


def test_no_score_stands_without_its_judge(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    section = text[text.index('<section id="scores">') : text.index("What differs")]
    heads = re.findall(r'<th class="n">(.*?)</th>', section)
    heads = [re.sub("<[^>]+>", "", head) for head in heads]
    judged = [head.split(" (judge: ") for head in heads if " (judge: " in head]
    judged = [(name.split()[0], judge.rstrip(")")) for name, judge in judged]
    names = {"Mean", "Median", "RMSE", "11.25°", "22.5°", "30°", "AP"}
    assert not [head for head in heads if head.split()[0] in names and "(judge: " not in head]
    assert [head for head in heads if head.startswith("FID")] == [
        "FID ↓ (features: estimators@rendered f)",
        "FID ↓ (features: estimators@rendered f)",
    ]
    # And none without the warning that it is of few images.
    assert text[: text.index('<section id="scores">')].count(FEW_IMAGES) == 2
    assert section.count(f'<p class="note">{FEW_IMAGES}</p>') == 2
    # Two blocks of ours, two published ones for edges; none for lowres.
    assert [judge for name, judge in judged if name == "Mean"] == [
        JUDGE,
        JUDGE,
        "PixelNet",
        "PixelNet",
    ]


def test_equal_inputs_give_equal_bytes(run: Path) -> None:
    before = (run / "reports/index.html").read_bytes()
    _report(run)
    assert (run / "reports/index.html").read_bytes() == before


def test_the_page_needs_nothing_else(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    page = Page(text)
    assert {"svg", "table", "img", "details"} <= set(page.opened)
    assert not {"script", "link", "iframe"} & set(page.opened)
    inside = ("#", "data:image/png;base64,", "data:image/jpeg;base64,")
    assert all(address.startswith(inside) for address in page.addresses)
    assert "http" not in text
    assert "@import" not in text
    assert len(page.ids) == len(set(page.ids))
    inside = [address[1:] for address in page.addresses if address.startswith("#")]
    assert set(inside) <= set(page.ids)
    assert str(run) not in text


def test_the_settings_are_those_of_the_run(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    assert "inputs: 2" in text
    assert "conv{1_2, 3_3} of a net, projected to 64 dimensions" in text
    assert "PixelNet from scratch, width 16" in text
    assert "U-Net from scratch, levels 3, width 24, 120 steps" in text
    assert "epochs: 31" in text
    assert "elsewhere" not in text, "a domain that was not run"
    assert "port: 4711" not in text, "a section that no stage before reads"


def test_as_many_inputs_and_candidates_as_asked_for(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    assert text.count('<div class="example">') == 2 * 2
    first = text[text.index('<div class="candidates"') : text.index('<div class="compare"')]
    notes = re.findall(r"<figcaption>K [^<]+<small>([^<]+)</small>", first)
    assert len(notes) == 4, "of the five distinct ones"
    assert notes[0] == "best-ranked of 9"
    assert [note[:11] for note in notes[1:]] == ["rank 3 of 9", "rank 5 of 9", "rank 7 of 9"]
    assert text.count('<div class="compare"') == 2 * 2


def test_many_domains_share_the_inputs_of_one_page() -> None:
    settings = report.ReportSettings(inputs=4, total=24, candidates=8)
    assert [settings.shown(pairs) for pairs in (1, 6, 7, 12, 40)] == [4, 4, 3, 2, 1]


def test_the_spread_shows_the_most_different_above_the_distinct_few(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    section = text[text.index('<section id="spread">') : text.index('<section id="against">')]
    assert section.count('<div class="spread">') == 2, "one input of each condition"
    figure = section[section.index('<div class="spread">') :]
    lines = figure.split('<p class="label">')[1:3]
    table = pd.read_csv(
        run / layout.evaluation("pixelnn", "rendered", "lowres") / "spread.csv", dtype=str
    )
    stored = {
        m: open_group(run / layout.candidates(m, "rendered", "lowres"))
        for m in ("pix2pix", "coherent")
    }
    few = np.asarray(array(stored["coherent"], "few"))[0][:4]
    first = table[table["image"] == table["image"][0]].set_index("method")
    order = [int(place) for place in first.at["pix2pix", "order"].split()[:4]]
    for line, method, places in zip(lines, ("pix2pix", "coherent"), (order, few), strict=True):
        shown = re.findall(r"<figcaption>no. (\d+)<", line)
        assert [int(place) - 1 for place in shown] == list(places)
        assert first.at[method, "diversity"] in Page(line).values
        images = np.asarray(array(stored[method], "image"))[0]
        levels = np.sqrt(images.astype(float).var(0).mean())
        assert f"± {levels:.1f} levels<" in line
    assert "Pix-to-Pix</b>, the most different of 9" in lines[0]
    assert "PixelNN (coherent)</b>, a distinct few of 9" in lines[1]


def test_the_training_is_shown_from_its_first_to_its_last_step(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    section = text[text.index('<section id="training">') : text.index('<section id="reproduce">')]
    assert section.count("<svg ") == 2
    captions = re.findall(r"<figcaption>([^<]+)<", section)
    steps = ["step 10", "step 40", "step 70", "step 90", "step 120"]
    assert captions == ["input", *steps, "truth"] * 2


def test_a_training_that_left_nothing_is_named(tmp_path: Path) -> None:
    finished_run(tmp_path, blobs(6), ("edges",), tests=2)
    (tmp_path / layout.pix2pix_progress("rendered", "edges") / "losses.csv").unlink()
    with pytest.raises(
        TableError, match=r"losses.csv: no such file; the stage pix2pix@rendered-ed"
    ):
        _report(tmp_path)
    assert not (tmp_path / "reports").exists()


def test_shares_of_every_explained_image_add_up_to_one(run: Path) -> None:
    text = (run / "reports/index.html").read_text()
    tables = re.findall(r'<table class="attribution">.*?</table>', text, re.DOTALL)
    assert len(tables) == 2 * 2
    for table in tables:
        assert sum(map(float, Page(table).values)) == pytest.approx(1)


def test_candidates_of_other_images_are_refused(tmp_path: Path) -> None:
    finished_run(tmp_path, blobs(6), ("edges",), tests=2)
    path = tmp_path / layout.candidates("global", "rendered", "edges")
    zarr.open_group(str(path)).attrs["rows"] = [1, 2]
    with pytest.raises(StoreError, match=r"rendered-edges: expected candidates of the same test"):
        _report(tmp_path)


@pytest.mark.parametrize(
    "file",
    ["table.csv", "scores.csv", "spectrum.csv", "comparison.csv", "spread.csv", "detail.csv"],
)
def test_a_missing_evaluation_says_what_to_do(tmp_path: Path, file: str) -> None:
    finished_run(tmp_path, blobs(6), ("edges",), tests=2)
    (tmp_path / layout.evaluation("pixelnn", "rendered", "edges") / file).unlink()
    with pytest.raises(TableError, match=rf"{file}: no such file; the stage evaluate@"):
        _report(tmp_path)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("method", ["coherent", "pixelnn", "global", "pix2pix", "whole"])
def test_missing_candidates_say_what_to_do(tmp_path: Path, method: str) -> None:
    finished_run(tmp_path, blobs(6), ("edges",), tests=2)
    remove(tmp_path / layout.candidates(method, "rendered", "edges"))
    with pytest.raises(StoreError, match=r"rendered-edges.zarr: no Zarr group; the stage"):
        _report(tmp_path)


def test_an_unknown_setting_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        "run: {domains: [rendered], conditions: [edges]}\nreport: {inputs: 0, pages: 3}\n"
    )
    with pytest.raises(SettingsError, match=r"(?s)report\.inputs.*report\.pages"):
        _report(tmp_path)


def test_pixels_of_no_source_are_said_to_have_no_single_source(tmp_path: Path) -> None:
    finished_run(tmp_path, blobs(6), ("labels",), tests=2)
    path = tmp_path / layout.candidates("coherent", "rendered", "labels")
    array(zarr.open_group(str(path)), "source")[:] = -1
    text = _report(tmp_path)
    assert "blended from several" in text
    assert "no numbers for this condition" in text
