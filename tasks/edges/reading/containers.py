"""What a delivery is wrapped in: gzip and zip, opened within bounds, one inside the other too."""

from __future__ import annotations

import fnmatch
import gzip
import lzma
import mmap
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from tasks.edges.reading.encodings import head_text
from tasks.edges.reading.table import empty, unreadable
from tasks.edges.readings import Reading

# What grows beyond this is a decompression bomb or a mistake; below SMALL_BYTES any ratio is harmless.
LARGEST_UNPACKED_BYTES = 2 * 1024**3
LARGEST_RATIO = 200
SMALL_BYTES = 1024**2
MOST_MEMBERS = 10_000
DEEPEST_NESTING = 3
BLOCK_BYTES = 1024**2

# Damaged offsets make the system itself refuse a seek, hence OSError; RuntimeError is zipfile's for encryption.
_BROKEN = (zipfile.BadZipFile, EOFError, OSError, RuntimeError, UnicodeDecodeError, lzma.LZMAError, zlib.error)
_HEAD_BYTES = 4096
_GZIP, _ZIP, _OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = {
    _GZIP: "gzip",
    b"PK\x05\x06": "zip",
    b"PAR1": "parquet",
    b"%PDF": "pdf",
    b"Rar!": "rar",
    b"7z\xbc\xaf\x27\x1c": "7z",
}
_HTML = re.compile(r"\s*<(!doctype html|html|head|meta|body|table|style|script)\b", re.IGNORECASE)
_CLUTTER = ("__MACOSX/", ".DS_Store", "Thumbs.db")

KIND_NAMES = {
    "gzip": "a gzip file",
    "zip": "a zip archive",
    "xlsx": "a workbook (XLSX)",
    "ods": "a workbook (ODS)",
    "xls": "a workbook (XLS)",
    "locked": "an encrypted workbook",
    "parquet": "a Parquet file",
    "html": "HTML, a web page under another name",
    "xml": "XML",
    "pdf": "a PDF",
    "rar": "a RAR archive",
    "7z": "a 7z archive",
    "json": "JSON",
    "text": "plain text",
}


class Reads(Protocol):
    """What can be read in blocks."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes."""


@dataclass(frozen=True)
class Content:
    """A file without its wrapping.

    Args:
        place: where it stands, for refusals.
        path: its bytes on disk.
        name: the name it was delivered under.
        kind: what its first bytes say it is; a key of KIND_NAMES.
        allowed: the most bytes that it may unpack to.
    """

    place: str
    path: Path
    name: str
    kind: str
    allowed: int


@contextmanager
def unwrapped(place: str, path: Path, name: str, reading: Reading) -> Iterator[Content]:
    """Open the wrapping of a delivery down to the file that holds the table.

    A zip of many files that belong together (pages, workbooks of cells) stays a zip.

    Raises:
        SourceUnreadable: empty, broken off, encrypted, a bomb, or not wrapped as the YAML says.
    """
    size = path.stat().st_size
    allowed = min(LARGEST_UNPACKED_BYTES, max(SMALL_BYTES, LARGEST_RATIO * size))
    content = Content(place, path, name, kind_of(place, path), allowed)
    _check_container(content, reading)
    with ExitStack() as stack:
        for _ in range(DEEPEST_NESTING):
            if content.kind == "gzip" and reading.container != "none":
                content = stack.enter_context(_gunzipped(content))
            elif content.kind == "zip" and reading.container != "none" and not holds_many(content, reading):
                content = stack.enter_context(_picked(content, reading))
            else:
                break
        else:
            raise unreadable(content.place, "archives inside archives", f"at most {DEEPEST_NESTING} layers")
        yield content


def holds_many(content: Content, reading: Reading) -> bool:
    """Say whether all files of a zip are read as one table."""
    if reading.cells or reading.format == "pages":
        return True
    if reading.format != "auto" or reading.member:
        return False
    with _archive(content) as archive:
        names = [entry.filename for entry in _files(content, archive)]
    return len(names) > 1 and all(name.casefold().endswith(".json") for name in names)


def each_file(content: Content) -> Iterator[Content]:
    """Unpack the files of a zip one after another, page 2 before page 10; each is gone after its turn."""
    with _archive(content) as archive:
        left = content.allowed
        for entry in sorted(_files(content, archive), key=_natural):
            with _member(content, archive, entry, left) as file:
                left -= file.path.stat().st_size
                yield file


@contextmanager
def named_file(content: Content, name: str) -> Iterator[Content | None]:
    """Unpack the one file of a zip that has a name; None where there is none."""
    with _archive(content) as archive:
        entry = next((one for one in _files(content, archive) if one.filename == name), None)
        if entry is None:
            yield None
            return
        with _member(content, archive, entry, content.allowed) as file:
            yield file


def blocks(content: Content) -> Iterator[tuple[str, bytes]]:
    """Pass through a zip's files block by block, counting what they truly unpack to.

    Raises:
        SourceUnreadable: a bomb, a broken or an encrypted archive.
    """
    left = content.allowed
    with _archive(content) as archive:
        for entry in _files(content, archive):
            with _opened(content, archive, entry) as stream:
                for block in _bounded(content, stream, left):
                    left -= len(block)
                    yield entry.filename, block


def kind_of(place: str, path: Path) -> str:
    """Tell by its bytes what a file is.

    Raises:
        SourceUnreadable: it is empty.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise empty(place)
    if head.startswith(_ZIP):
        return _zip_kind(place, path)
    if head.startswith(_OLE):
        return "locked" if _is_locked(path) else "xls"
    named = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    return named or _text_kind(head)


# refusals ----------------------------------------------------------------------------------------


def _check_container(content: Content, reading: Reading) -> None:
    if reading.container in ("zip", "gzip") and content.kind != reading.container:
        raise unreadable(
            content.place,
            KIND_NAMES[content.kind],
            KIND_NAMES[reading.container],
            "Ask the agency for the agreed file, or correct `container` in its YAML.",
        )


def _bomb(content: Content) -> Exception:
    packed = content.path.stat().st_size
    return unreadable(
        content.place,
        f"{packed} bytes that unpack to more than {content.allowed}",
        "an archive of plausible size",
        "Ask the agency what it sent; nothing of it was read.",
    )


# kinds -------------------------------------------------------------------------------------------


def _zip_kind(place: str, path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _BROKEN as error:
        raise unreadable(place, f"a broken archive ({error})", "a whole workbook or a whole zip archive") from error
    if "[Content_Types].xml" in names:
        return "xlsx"
    return "ods" if "content.xml" in names and "mimetype" in names else "zip"


def _is_locked(path: Path) -> bool:
    # Excel keeps a workbook behind a password as a stream of this name, in the container of old workbooks.
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find("EncryptedPackage".encode("utf-16-le")) >= 0


def _text_kind(head: bytes) -> str:
    text = head_text(head).lstrip()
    if _HTML.match(text):
        return "html"
    if text.startswith("<?xml"):
        return "html" if "<html" in text.lower() else "xml"
    return "json" if text[:1] in ("{", "[") else "text"


# gzip --------------------------------------------------------------------------------------------


@contextmanager
def _gunzipped(content: Content) -> Iterator[Content]:
    name = content.name.removesuffix(".gz")
    with gzip.open(content.path) as stream, _stored(_bounded(content, stream, content.allowed)) as path:
        yield Content(content.place, path, name, kind_of(content.place, path), content.allowed)


# zip ---------------------------------------------------------------------------------------------


@contextmanager
def _archive(content: Content) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(content.path)
    except _BROKEN as error:
        raise unreadable(content.place, f"a broken archive ({error})", "a whole zip archive") from error
    with archive:
        yield archive


@contextmanager
def _picked(content: Content, reading: Reading) -> Iterator[Content]:
    with _archive(content) as archive:
        files = _files(content, archive)
        names = [entry.filename for entry in files]
        wanted = [entry for entry in files if _fits(entry.filename, reading.member)]
        if len(wanted) != 1:
            found = f"{len(wanted)} files that fit {reading.member!r}" if reading.member else f"{len(wanted)} files"
            raise unreadable(
                content.place,
                f"{found} of {', '.join(names[:10]) or 'none'}",
                "one file in the zip",
                "Name it by a pattern under `member` in the YAML.",
            )
        with _member(content, archive, wanted[0], content.allowed) as file:
            yield file


def _fits(name: str, pattern: str | None) -> bool:
    return pattern is None or fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(PurePosixPath(name).name, pattern)


def _files(content: Content, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise unreadable(content.place, f"{len(entries)} files in a zip", f"at most {MOST_MEMBERS}")
    for entry in entries:
        _check_entry(content, entry)
    # What the archive itself admits to is refused before a byte of it is unpacked.
    if sum(entry.file_size for entry in entries) > content.allowed:
        raise _bomb(content)
    return [entry for entry in entries if not entry.is_dir() and not _is_clutter(entry.filename)]


def _check_entry(content: Content, entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
        raise unreadable(
            content.place,
            f"the file name {entry.filename!r}, which leads out of the archive",
            "plain file names in the zip",
            "Ask the agency how this zip was made; nothing of it was read.",
        )
    if entry.flag_bits & 0x1:
        raise unreadable(
            f"{content.place}, {entry.filename}",
            "a file behind a password",
            "a zip without encryption",
            "Ask the agency to deliver it without a password.",
        )


def _is_clutter(name: str) -> bool:
    return name.startswith(_CLUTTER[0]) or name.endswith(_CLUTTER[1:])


def _natural(entry: zipfile.ZipInfo) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", entry.filename)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


@contextmanager
def _member(content: Content, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> Iterator[Content]:
    place = f"{content.place}, {entry.filename}"
    with _opened(content, archive, entry) as stream, _stored(_bounded(content, stream, left)) as path:
        yield Content(place, path, PurePosixPath(entry.filename).name, kind_of(place, path), content.allowed)


@contextmanager
def _opened(content: Content, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[Reads]:
    try:
        stream = archive.open(entry)
    except _BROKEN as error:
        raise unreadable(
            f"{content.place}, {entry.filename}", f"a broken archive ({error})", "a whole archive"
        ) from error
    with stream:
        yield stream


# streams -----------------------------------------------------------------------------------------


def _bounded(content: Content, stream: Reads, allowed: int) -> Iterator[bytes]:
    left = allowed
    try:
        while block := stream.read(BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                raise _bomb(content)
            yield block
    except _BROKEN as error:
        raise unreadable(content.place, f"a broken archive ({error})", "a whole archive") from error


@contextmanager
def _stored(parts: Iterable[bytes]) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(prefix="payesh-unpacked-") as file:
        file.writelines(parts)
        file.flush()
        yield Path(file.name)
