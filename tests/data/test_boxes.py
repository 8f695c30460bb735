from __future__ import annotations

import pytest

from exemplar.data.boxes import boxed, read_table, voc_boxes, with_box
from exemplar.data.inputs import DomainError, Listing, Photo

HEADER = "path,xmin,ymin,xmax,ymax,category"


def boxes_of(tmp_path, lines, sources=("a.jpg", "sub/b.png", "c.jpg", "c.png")):
    table = tmp_path / "boxes.csv"
    table.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    photos = {source: Photo(source, category="own") for source in sources}
    return boxed(table, tmp_path, list(sources), ".", photos)


def test_rows_become_inputs_in_the_order_of_their_files(tmp_path):
    got = boxes_of(
        tmp_path,
        [
            "\ufeff" + HEADER,
            'sub\\b,0,1,2.5,3,"cat, tabby"',
            "./a.jpg,4,5,6,7,dog",
            "",
            "a,1,1,2,2,",
        ],
    )
    assert got.photos == [
        Photo("a.jpg", (4, 5, 6, 7), "dog"),
        Photo("a.jpg", (1, 1, 2, 2), ""),
        Photo("sub/b.png", (0, 1, 2.5, 3), "cat, tabby"),
    ]
    assert [(r.source, r.reason, r.bad) for r in got.rejections] == [
        ("c.jpg", "left out: no box in boxes.csv", False),
        ("c.png", "left out: no box in boxes.csv", False),
    ]


BAD_ROWS = {
    "a.jpg,1,2,3,x,dog": "expected a box of four numbers, got 1, 2, 3, x",
    "a.jpg,1,2,nan,4,dog": "expected xmin < xmax and ymin < ymax",
    "a.jpg,5,2,5,4,dog": "expected xmin < xmax and ymin < ymax",
    "a.jpg,1,2,3": "expected 6 fields, got 4",
    '"a.jpg,1,2,3,4,dog': "expected 6 fields, got 1",
    "a.jpg,1,2,3,4,dog,,": "expected 6 fields, got 8",
    "gone.jpg,1,2,3,4,dog": "there is no image gone.jpg",
    "c,1,2,3,4,dog": "c may be any of c.jpg, c.png",
    "../a.jpg,1,2,3,4,dog": "there is no image ../a.jpg",
    ",1,2,3,4,dog": "the column path is empty",
    "\udcff\udcfe.jpg,1,2,3,4,dog": "there is no image",
    "x" * 200_000: "expected 6 fields, got 0",
}


@pytest.mark.parametrize("row", BAD_ROWS, ids=range(len(BAD_ROWS)))
def test_bad_row_costs_only_itself(tmp_path, row):
    got = boxes_of(tmp_path, [HEADER, "a.jpg,1,2,3,4,dog", row, "sub/b.png,1,2,3,4,cat"])
    assert [p.source for p in got.photos] == ["a.jpg", "sub/b.png"]
    bad = [r for r in got.rejections if r.bad]
    assert [r.source for r in bad] == ["boxes.csv:3"]
    assert BAD_ROWS[row] in bad[0].reason


def test_stated_size_is_kept(tmp_path):
    header = "image_name,breed,xmin,ymin,xmax,ymax,image_width,image_height"
    got = boxes_of(
        tmp_path, [header, "a,pug,1,2,3,4,600,400", "a,pug,1,2,3,4,,", "c.jpg,p,1,2,3,4,x,1"]
    )
    assert [p.stated for p in got.photos] == [(600, 400), None]
    assert "expected an image size in pixels, got x, 1" in got.rejections[0].reason


def test_wrong_tables_are_refused_whole(tmp_path):
    with pytest.raises(DomainError, match=r"gone\.csv: no such table; expected a CSV with xmin"):
        read_table(tmp_path / "gone.csv", tmp_path, ("xmin",), Listing())
    (tmp_path / "t.csv").write_text("path,x0\n")
    with pytest.raises(DomainError, match="expected the columns xmin too; it has path, x0"):
        read_table(tmp_path / "t.csv", tmp_path, ("xmin",), Listing())
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(DomainError, match="expected the columns path or image_name or file"):
        read_table(tmp_path / "t.csv", tmp_path, (), Listing())


def voc(*boxes: str) -> str:
    objects = "".join(f"<object><bndbox>{box}</bndbox></object>" for box in boxes)
    size = "<size><width>50</width><height>40</height></size>"
    return f"<annotation>{size}{objects}</annotation>"


BOX = "<xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax>"


def test_voc_gives_every_object(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(voc(BOX, BOX.replace("3", "9")))
    assert voc_boxes(path, Photo("a.jpg", category="pug")) == [
        Photo("a.jpg", (1, 2, 3, 4), "pug", stated=(50, 40)),
        Photo("a.jpg", (1, 2, 9, 4), "pug", stated=(50, 40)),
    ]
    path.write_text(voc())
    assert voc_boxes(path, Photo("a.jpg")) == []


def test_voc_damage_is_told(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(voc(BOX)[:-20])
    with pytest.raises(ValueError, match="not readable as XML"):
        voc_boxes(path, Photo("a.jpg"))
    path.write_text(voc("<xmin>1</xmin>"))
    with pytest.raises(ValueError, match="four numbers, got 1, nothing, nothing, nothing"):
        voc_boxes(path, Photo("a.jpg"))


def test_with_box_replaces_nothing_else():
    photo = Photo("a.jpg", category="pug", split="test")
    assert with_box(photo, ["1", " 2", "3e1", "4.5"]) == Photo(
        "a.jpg", (1, 2, 30, 4.5), "pug", "test"
    )


def test_names_are_found_in_the_other_unicode_form(tmp_path):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    lines = [HEADER, f"{composed}.jpg,1,2,3,4,x", f"{decomposed},5,6,7,8,y"]
    for stored in (composed, decomposed):
        got = boxes_of(tmp_path, lines, (f"{stored}.jpg",))
        assert [(p.source, p.category) for p in got.photos] == [(f"{stored}.jpg", n) for n in "xy"]
    both = boxes_of(tmp_path, lines, (f"{composed}.jpg", f"{decomposed}.jpg"))
    assert [p.source for p in both.photos] == [f"{composed}.jpg"]
    assert "may be any of" in both.rejections[0].reason
