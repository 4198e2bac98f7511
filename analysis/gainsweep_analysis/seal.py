"""The block at the start of an archive that says what the rest must be."""

import hashlib
from pathlib import Path

import h5py

SCHEMA = "gainsweep archive"
SEAL_SIZE = 512
HDF5_START = b"\x89HDF\r\n\x1a\n"


class ArchiveError(Exception):
    """The file is no archive that this package can read; the message says why and what to do."""


def check_seal(path: Path) -> None:
    """ArchiveError unless the bytes are those that the program wrote. The HDF5 library can crash on
    damaged files, so this comes before it sees one."""
    if path.exists() and not path.is_file():
        raise ArchiveError(f"{path}: it is no regular file. Name the archive.h5 of a run.")
    if not path.is_file():
        raise ArchiveError(f"{path}: there is no such file. Name the archive.h5 of a run.")
    with path.open("rb") as file:
        seal = file.read(SEAL_SIZE)
        lines = seal.rstrip(b"\0").split(b"\n")
        if lines[0] != SCHEMA.encode() or len(lines) < 3:
            kind = (
                "an HDF5 file of another program"
                if seal.startswith(HDF5_START)
                else "its first bytes say so"
            )
            raise ArchiveError(
                f"{path}: it is not a gainsweep archive ({kind}). Name the archive.h5 of a run."
            )
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else None
        if digest is None:
            digest = hashlib.sha256(file.read())
    if lines[2] != b"sha256 " + digest.hexdigest().encode():
        raise ArchiveError(
            f"{path}: it is damaged, cut short or altered (its bytes do not match the SHA-256 "
            "at its start). Copy it again or repeat the run."
        )


def check_storage(file: h5py.File) -> None:
    """ArchiveError when anything lies elsewhere: external and soft links, external and virtual
    storage. Nothing of another file is opened or read."""

    def check(path: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            if item.is_virtual or item.external is not None:
                kind = "virtual" if item.is_virtual else "external"
                raise ArchiveError(
                    f"/{path}: its values lie in other files ({kind} storage): they are not read. "
                    "Copy the archive.h5 of the run again."
                )
            return
        for name in item:
            if not isinstance(item.get(name, getlink=True), h5py.HardLink):
                raise ArchiveError(
                    f"/{path}: link {name} leads elsewhere, maybe to other files. "
                    "Copy the archive.h5 of the run again."
                )

    check("", file)
    file.visititems(check)
