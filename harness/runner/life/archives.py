"""One file as a tar archive: how an engine hands it out and takes it, with owner and mode. Pure."""

import io
import tarfile


def with_text(archive: bytes, text: str) -> bytes:
    """The same file, owner and mode with another text."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as old:
        member = next(iter(old))
    content = text.encode()
    member.size = len(content)
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as new:
        new.addfile(member, io.BytesIO(content))
    return found.getvalue()


def content(archive: bytes) -> bytes:
    """What stands in the one file of it."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as file:
        opened = file.extractfile(next(iter(file)))
        return opened.read() if opened else b""
