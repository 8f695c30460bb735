"""How every stage ends: well, or with one message where the project knows what is wrong.

    if __name__ == "__main__":
        run(main)

A traceback is for faults of the code alone; `EXEMPLAR_TRACEBACK=1` shows it of every error.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""

TRACEBACK = "EXEMPLAR_TRACEBACK"
"""The environment variable that shows tracebacks of errors that are explained, too."""

DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM,
    errno.ENOENT, errno.ESTALE,
}  # fmt: skip
"""What the system says of disks, folders and rights, for which no code is to blame."""


def run(main: Callable[[], None]) -> None:
    """Runs a stage to its end; the last line of its module.

    Args:
        main: the stage.

    Raises:
        SystemExit: with status 1 after an error that the project explains, whose message is
            printed; with status 130 after Ctrl-C.
        BaseException: any other error, as it came.
    """
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:
        said = explained(error)
        if said is None or os.environ.get(TRACEBACK):
            raise
        print(f"{Path(sys.argv[0]).stem}: {said}", file=sys.stderr)
        raise SystemExit(1) from None


def explained(error: Exception) -> str | None:
    """What a user is told of an error; None if it is a fault of the code.

    The project explains the errors whose classes it defines, and those of the disk.

    Args:
        error: with notes, which are told, too.
    """
    if type(error).__module__.split(".")[0] in ("exemplar", "stages"):
        said = str(error)
    elif isinstance(error, OSError) and error.errno in DISK:
        what = error.strerror or os.strerror(error.errno)
        advice = "see to the disk and run again"
        if error.errno == errno.ENOENT:
            advice = "if a stage makes it, run `exemplar reproduce`"
        said = f"{error.filename}: " * (error.filename is not None) + f"{what}; {advice}"
    else:
        return None
    return with_notes(error, said)


def with_notes(error: Exception, said: str) -> str:
    """What is said of an error, and below what was noted as it came up."""
    return "\n".join([said, *getattr(error, "__notes__", [])])
