"""Which files of a folder are photographs, which lie beside them, and which cannot be read.

What a program or a camera leaves beside photographs is left out and named; a picture in a format
that is not read is rejected, unless the same photograph lies beside it in one that is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path, PurePath, PurePosixPath

from PIL import Image

from exemplar.data.inputs import BadPhoto, Listing, printable
from exemplar.data.pixels import FORMATS
from exemplar.data.signatures import CAMERA_RAW

MAX_BYTES = 200_000_000  # of one file

# Of systems and their file managers, as little meant as hidden files.
SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r")
SYSTEM_FOLDERS = (
    "__macosx", "@eadir", "@recycle", "#recycle", "$recycle.bin", "system volume information",
    "lost+found", "lost.dir", "__pycache__",
)  # fmt: skip

# Surely no photographs.
LEFT_OUT = {
    "a table": ".csv .tsv .xml .json .jsonl .yaml .yml .mat .npy .npz .parquet .xls .xlsx .ods",
    "a text": ".txt .md .rst .html .htm .log .nfo .srt .md5 .sha1 .sha256 .sfv .tex .bib .toml",
    "a document": ".pdf .doc .docx .odt .rtf .pages .ppt .pptx .odp .key .epub .eml .msg",
    "a sidecar, written by a camera or a program": ".xmp .aae .thm .lrv .pp3 .dop .cos .cof .cop "
    ".cot .on1 .onphoto .vrd .nksc .arp .acr .ini .db .lnk .url .webloc .gpx .kml .kmz .lrcat "
    ".lrprev .lrtemplate .modd .moff .ctg .pto .tmp .bak .part .crdownload .download",
    "a video": ".mov .mp4 .m4v .avi .mkv .mts .m2ts .3gp .3g2 .wmv .webm .mpg .mpeg .mod .tod "
    ".vob .flv .ogv .mxf .insv .360 .braw .r3d",
    "a sound recording": ".wav .mp3 .m4a .aac .flac .ogg .opus .amr .wma .aif .aiff",
    "an archive; unpack it if it holds photographs": ".zip .rar .7z .tar .gz .tgz .bz2 .xz .zst "
    ".dmg .iso",
    "a program": ".py .ipynb .sh .bat .cmd .ps1 .exe .msi .dll .so .dylib .js .css .jar .apk",
}
NAMES = ("readme", "license", "licence", "notice", "copying", "makefile")  # texts without a suffix

# Pictures that are not read, and what to do with them.
UNREAD = {
    CAMERA_RAW: ".3fr .ari .arw .bay .cap .cr2 .cr3 .crw .dcr .dcs .dng .erf .fff .gpr .iiq .k25 "
    ".kdc .mdc .mef .mos .mrw .nef .nrw .orf .ori .pef .ptx .raf .raw .rw2 .rwl .rwz .sr2 .srf "
    ".srw .x3f",
    "a drawing or an editor's project: export it as PNG or JPEG": ".psd .psb .pdd .xcf .kra .ora "
    ".afphoto .afdesign .clip .procreate .sketch .cdr .ai .eps .ps .svg .svgz .wmf .emf .indd",
}
HEIC = (".heic", ".heif", ".hif")
CONVERTED = (*HEIC, ".jxl", ".jxr", ".wdp", ".exr", ".hdr", ".tga", ".dds", ".ico", ".pcx", ".qoi")


def image_files(root: Path, below: str, listing: Listing, used: Collection[str] = ()) -> list[str]:
    """Every file below a folder that should be a photograph, in the order of their paths.

    Every file is returned or noted; of hidden folders, and those of systems, the folder is.
    Linked folders are followed, but not back to one that contains them, and none is read twice.

    Args:
        root: the domain's root.
        below: a folder in it, `.` for all.
        listing: receives what is left out, and what cannot be read or named.
        used: files that are read as something else, as paths below `root`.

    Returns:
        Paths below `root`, with forward slashes.
    """
    found = []
    for path in _files(root / below, root, listing):
        source, beside = path.relative_to(root).as_posix(), _beside(path)
        if source in used:
            continue
        if source != printable(source):
            listing.reject(printable(source), "its name is not valid UTF-8")
        elif beside:
            listing.reject(source, f"left out: {beside}", bad=False)
        else:
            found.append(source)
    return _without_twins(sorted(found), listing)


def bytes_of(path: Path) -> bytes:
    """A whole file.

    Raises:
        BadPhoto: it cannot be read, is no plain file, or is too large.
    """
    try:
        if path.exists() and not path.is_file():
            raise BadPhoto("not a file that can be read to its end")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadPhoto(f"too large: {size // 1_000_000} MB, more than {MAX_BYTES // 1_000_000}")
        return path.read_bytes()
    except OSError as error:
        raise BadPhoto(f"cannot be read: {error.strerror}") from error


def advice(source: str) -> str:
    """What to do with a file that is no image of a format that is read; empty if not known."""
    return "; convert it to JPEG or PNG" if _suffix(source) in CONVERTED else ""


def _files(top: Path, root: Path, listing: Listing) -> Iterator[Path]:
    """The files below a folder.

    Linked folders come last, so that a file is named by the folder that it lies in.
    """
    seen: set[Path] = set()
    own, linked = [top], []
    while own or linked:
        folder = own.pop() if own else linked.pop(0)
        real = folder.resolve()
        if real in seen:
            continue
        seen.add(real)
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            where = printable(folder.relative_to(root).as_posix())
            listing.reject(where, f"the folder cannot be read: {error.strerror}")
            continue
        for path in paths:
            is_folder = os.path.isdir(path)  # noqa: PTH112 (a link in a circle is no folder)
            systems = SYSTEM_FOLDERS if is_folder else SYSTEM_FILES
            if path.name.startswith(".") or path.name.lower() in systems:
                name = printable(path.relative_to(root).as_posix()) + "/" * is_folder
                listing.reject(name, "left out: hidden, or a system's own", bad=False)
            elif not is_folder:
                yield path
            else:
                target = path.resolve()
                if not path.is_symlink():
                    own.append(path)
                elif not any(here.is_relative_to(target) for here in (real, top.resolve())):
                    linked.append(path)


@cache
def _kinds() -> tuple[dict[str, str], dict[str, str]]:
    """What is said of the suffixes of `LEFT_OUT`, and of those of `UNREAD`."""
    beside, unread = (
        {suffix: said for said, suffixes in table.items() for suffix in suffixes.split()}
        for table in (LEFT_OUT, UNREAD)
    )
    return beside, unread


@cache
def _read() -> frozenset[str]:
    """The suffixes of formats that are read."""
    Image.init()
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, kind in known if kind in FORMATS)


def _suffix(source: str | PurePath) -> str:
    return PurePosixPath(source).suffix.lower()


def _beside(path: Path) -> str:
    """What a file is that surely is no photograph; empty for others."""
    if path.name.lower() in NAMES:
        return "a text"
    return "an editor's copy" if path.name.endswith("~") else _kinds()[0].get(_suffix(path), "")


def _without_twins(sources: list[str], listing: Listing) -> list[str]:
    """Those that are photographs or may be; the others, and second copies, are noted."""
    pictures: dict[str, list[PurePosixPath]] = {}
    for path in map(PurePosixPath, sources):
        if _suffix(path) in _read():
            pictures.setdefault(path.stem.casefold(), []).append(path)
    kept, unread = [], _kinds()[1]
    for source in sources:
        path = PurePosixPath(source)
        twins = pictures.get(path.stem.casefold(), [])
        if _suffix(source) in HEIC:
            twins = [twin for twin in twins if _suffix(twin) not in HEIC]
            twins = [twin for twin in twins if twin.parent == path.parent]
        elif _suffix(source) in unread:  # cameras and people put them into folders side by side
            near = {path.parent, path.parent.parent}
            twins = [twin for twin in twins if near & {twin.parent, twin.parent.parent}]
        else:
            kept.append(source)
            continue
        if twins:
            twin = min(twins, key=lambda twin: (twin.parent != path.parent, twin))
            listing.reject(source, f"left out: the same photograph as {twin}", bad=False)
        elif _suffix(source) in unread:
            listing.reject(source, unread[_suffix(source)])
        else:
            kept.append(source)
    return kept
