"""The lock is whole, hashed and free of addresses; set-up finds a Python or says what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def blocks() -> list[tuple[Requirement, list[str]]]:
    """Each requirement of the lock with its hashes."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "requirements.lock").read_text())
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            words = line.split(" --hash=")
            found.append((Requirement(words[0].strip()), [word.strip() for word in words[1:]]))
    return found


def test_the_lock_names_no_address():
    text = (ROOT / "requirements.lock").read_text()
    for word in ("://", "index-url", "find-links", "trusted-host", "@"):
        assert word not in text


def test_every_requirement_is_pinned_and_hashed():
    for requirement, hashes in blocks():
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes)


def test_nothing_in_the_lock_is_a_nightly():
    for requirement, _ in blocks():
        (pin,) = requirement.specifier
        assert not Version(pin.version).is_prerelease, f"{requirement}: run make lock"
        assert Version(pin.version).local is None, f"{requirement}: not from the common index"


def test_the_lock_covers_the_project():
    """Each dependency, of each extra and of the build, has a pin that fits."""
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    wanted += [item for extra in project["optional-dependencies"].values() for item in extra]
    pins: dict[str, list[str]] = {}
    for requirement, _ in blocks():
        pins.setdefault(requirement.name, []).extend(pin.version for pin in requirement.specifier)
    for text in wanted:
        requirement = Requirement(text)
        if requirement.name == project["name"]:  # extras in an extra, which are looked at anyway
            assert requirement.extras <= set(project["optional-dependencies"])
            continue
        versions = pins.get(requirement.name, [])
        assert versions, f"requirements.lock lacks {text}: run make lock"
        assert all(version in requirement.specifier for version in versions), f"{text}: {versions}"


def test_the_extras_differ_in_faiss_alone():
    extras = PROJECT["project"]["optional-dependencies"]
    names = {key: [Requirement(text).name for text in extras[key]] for key in ("cpu", "gpu")}
    assert all(len(found) == 1 and found[0].startswith("faiss-") for found in names.values())
    assert names["cpu"] != names["gpu"]


def test_versions_of_python_agree():
    """The range of pyproject.toml is the one that set-up looks for."""
    text = (ROOT / "setup" / "find-python").read_text()
    found = dict(re.findall(r"^(oldest|newest)=(\d+)$", text, re.M))
    oldest, newest = int(found["oldest"]), int(found["newest"])
    assert PROJECT["project"]["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
    assert PROJECT["tool"]["pyright"]["pythonVersion"] == f"3.{oldest}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{oldest}"


@pytest.fixture
def path_of(tmp_path):
    """Makes a folder of fake interpreters and of the few tools that set-up calls."""

    def make(**programs: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for tool in (
            "sh",
            "cat",
            "sed",
            "tail",
            "dirname",
            "uname",
            "cksum",
            "grep",
            "df",
            "awk",
            "rm",
        ):
            (folder / tool).symlink_to(shutil.which(tool) or pytest.fail(f"no {tool}"))
        for name, body in programs.items():
            program = folder / name.replace("_", ".")
            program.write_text(f"#!/bin/sh\n{body}\n")
            program.chmod(0o755)
        return folder

    return make


def find_python(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "setup/find-python"],
        cwd=ROOT,
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# A fake that claims a version: the probe runs in a real Python told so.
def claims(version: str) -> str:
    numbers = version.replace(".", ", ")
    return (
        "shift; code=$1; shift\n"
        f'exec {sys.executable} -c "import sys; sys.version_info = ({numbers})\n$code" "$@"'
    )


def test_the_first_fitting_python_is_found(path_of):
    folder = path_of(python3=claims("3.10.2"), python3_14="exit 127", python3_12=claims("3.12.1"))
    answer = find_python(folder)
    assert answer.returncode == 0, answer.stderr
    assert Path(answer.stdout.strip()) == Path(sys.executable).resolve()


def test_chatter_of_an_interpreter_is_no_path(path_of):
    answer = find_python(path_of(python3=f"echo warned >&2\n{claims('3.13.0')}"))
    assert Path(answer.stdout.strip()) == Path(sys.executable).resolve()


@pytest.mark.parametrize(
    ("version", "said"), [("3.10.13", "version 3.10.13"), ("3.15.0", "version 3.15.0")]
)
def test_a_python_of_the_wrong_age_is_named(path_of, version, said):
    answer = find_python(path_of(python3=claims(version)))
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "expected Python 3.11 to 3.14" in answer.stderr
    assert f"python3: {said}" in answer.stderr
    assert "Install one" in answer.stderr


def test_no_python_at_all(path_of):
    answer = find_python(path_of())
    assert answer.returncode == 1
    assert "none under the names: python3 python3.14" in answer.stderr


def test_a_python_without_venv(path_of):
    answer = find_python(path_of(python3='echo "has no module ensurepip" >&2; exit 1'))
    assert answer.returncode == 1
    assert "apt install python3-venv" in answer.stderr


def test_a_named_python_is_the_only_one_tried(path_of):
    folder = path_of(python3=claims("3.12.0"), python3_9=claims("3.9.0"))
    answer = find_python(folder, PYTHON="python3.9")
    assert answer.returncode == 1
    assert "python3.9: version 3.9.0" in answer.stderr


@pytest.fixture
def clone(tmp_path):
    """A project of which set-up sees only its own files."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "setup", folder / "setup")
    return folder


def install(clone: Path, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "setup/install"],
        cwd=clone,
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def complete(clone: Path, path: Path) -> None:
    """An environment whose fake Python and installer note what they are asked."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "uv"):
        program = clone / ".venv" / "bin" / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"$(dirname "$0")/../../asked"\n')
        program.chmod(0o755)
    (clone / ".venv" / "complete").write_text(f"{clone} cpu 0 0\n")
    assert install(clone, path).returncode == 0


def test_set_up_again_does_nothing(clone, path_of):
    path = path_of()
    complete(clone, path)
    (clone / "asked").unlink()
    answer = install(clone, path)
    assert (answer.returncode, answer.stdout) == (0, "")
    assert "uv" not in (clone / "asked").read_text()


def test_a_new_lock_brings_the_environment_up_to_date(clone, path_of):
    path = path_of()
    complete(clone, path)
    with (clone / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    answer = install(clone, path)
    assert "bringing .venv up to date (cpu)" in answer.stdout
    asked = (clone / "asked").read_text()
    assert "--require-hashes --constraint requirements.lock" in asked
    assert "--extra cpu" in asked


@pytest.mark.parametrize(
    ("cache", "given", "used"),
    [
        ("near/uv/not-yet", {}, "its own"),
        ("far/uv/not-yet", {}, ".venv/cache"),
        ("far/uv", {"UV_CACHE_DIR": "mine"}, "mine"),
    ],
)
def test_packages_are_kept_once(clone, path_of, tmp_path, cache, given, used):
    """A cache that cannot be linked into is not filled, unless the user named it."""
    path = path_of()
    complete(clone, path)
    (tmp_path / cache).parent.mkdir(parents=True)
    (path / "df").unlink()
    (path / "df").write_text(
        "#!/bin/sh\ncase $2 in */far*) on=/far ;; *) on=/ ;; esac\necho\necho fs 9 1 9 1% $on\n"
    )
    (path / "df").chmod(0o755)
    (clone / ".venv" / "bin" / "uv").write_text(
        f'#!/bin/sh\n[ "$1 $2" != "cache dir" ] || {{ echo {tmp_path / cache}; exit; }}\n'
        f"{shutil.which('mkdir')} -p .venv/cache\n"
        'echo "$2 in ${UV_CACHE_DIR:-its own}" >>asked\n'
    )
    with (clone / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    (clone / "asked").write_text("")
    answer = install(clone, path, **given)
    assert answer.returncode == 0, answer.stderr
    asked = (clone / "asked").read_text().replace(f"{clone}/", "").splitlines()
    assert [line for line in asked if " in " in line] == [f"install in {used}"] * 2
    assert not (clone / ".venv" / "cache").exists()


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (7, "the packages need 8 GB, .* has 7 GB free: make room there"),
        (14, "has 14 GB free; the packages take 8 GB, the default run 7 GB more"),
        (15, "^$"),
    ],
)
def test_room_is_looked_for_first(clone, path_of, free, said):
    path = path_of(python3=claims("3.12.0"))
    (path / "df").unlink()
    (path / "df").write_text(f"#!/bin/sh\necho\necho fs 1 1 {free * 1024**2} 1% /\n")
    (path / "df").chmod(0o755)
    # It goes no further than to the removal of what was there.
    (path / "rm").unlink()
    (path / "rm").write_text('#!/bin/sh\n[ "$1" != -rf ]\n')
    (path / "rm").chmod(0o755)
    answer = install(clone, path)
    assert re.search(said, answer.stderr.splitlines()[0] if free < 15 else "")
    assert ("making .venv" in answer.stdout) == (free >= 8)


def test_a_gpu_changes_the_extra(clone, path_of):
    path = path_of()
    complete(clone, path)
    (path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: H200 (UUID: 1)'\n")
    (path / "nvidia-smi").chmod(0o755)
    answer = install(clone, path)
    if sys.platform == "linux":
        assert "(gpu)" in answer.stdout
        assert "--extra gpu" in (clone / "asked").read_text()


def test_an_interrupted_set_up_starts_afresh(clone, path_of):
    path = path_of(python3=claims("3.10.0"))
    complete(clone, path)
    (clone / ".venv" / "complete").unlink()
    answer = install(clone, path)
    assert answer.returncode == 1
    assert "expected Python" in answer.stderr


def test_a_moved_project_starts_afresh(clone, path_of, tmp_path):
    path = path_of(python3=claims("3.10.0"))
    complete(clone, path)
    moved = clone.rename(tmp_path / "elsewhere")
    answer = install(moved, path)
    assert answer.returncode == 1
    assert "expected Python" in answer.stderr


def test_make_lists_its_targets():
    answer = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in ("setup", "reproduce", "test", "lint", "lock", "doctor", "clean"):
        assert re.search(rf"^make {target} ", answer, re.M)
