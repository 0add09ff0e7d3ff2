"""N02: while the file of the environment is there, no host has a name or an address."""

import os
import socket
from pathlib import Path
from typing import Any

VARIABLE = "LAB_NAMELESS"


def install_from_environment() -> None:
    file, look_up = os.environ.get(VARIABLE), socket.getaddrinfo
    if not file:
        return

    def looked_up(*args: Any, **keywords: Any) -> Any:
        if Path(file).exists():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(*args, **keywords)

    socket.getaddrinfo = looked_up
