"""A folder that cannot be written, for the process alone that installs this."""

import ctypes
import os
import sys

VARIABLE = "RECONCILER_LAB_READ_ONLY"
NO_MOUNT = "no read-only mount: "
"""How the process says that this machine does not let it."""
_NEW_MOUNTS = 0x20000
_RDONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000


def install_from_environment():
    folder = os.environ.pop(VARIABLE, "").encode()
    if not folder:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (
        lambda: libc.unshare(_NEW_MOUNTS),
        lambda: libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None),
        lambda: libc.mount(folder, folder, None, _BIND, None),
        lambda: libc.mount(folder, folder, None, _REMOUNT | _BIND | _RDONLY, None),
    ):
        if call():
            sys.exit(NO_MOUNT + os.strerror(ctypes.get_errno()))
