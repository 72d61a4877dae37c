"""The spool: a delivery is written beside its name, hashed on the way, and named when it is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType

from methods.errors import SourceUnreadable
from tasks.edges.fetch.errand import Desk, Fetched

BLOCK_BYTES = 1024**2


class Spooled:
    """A file on its way into the spool; it vanishes unless it is kept.

    Args:
        desk: the errand it is for.
        file_name: the name it came under.
        place: for a refusal.
    """

    def __init__(self, desk: Desk, file_name: str, place: str) -> None:
        self.file_name, self.place = file_name, place
        self._largest = desk.errand.pull.largest_bytes
        desk.spool.mkdir(parents=True, exist_ok=True)
        # The key keeps two periods of one source apart, should both be fetched at once.
        self.path = desk.spool / f"{desk.errand.source_code}-{desk.errand.key}-{Path(file_name).name}"
        self.part = self.path.with_name(f"{self.path.name}.part")
        self._hash = hashlib.sha256()
        self.byte_count = 0

    def __enter__(self) -> Spooled:
        self._stream = self.part.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self.part.unlink(missing_ok=True)

    def write(self, block: bytes) -> None:
        """Append a block.

        Raises:
            SourceUnreadable: the delivery is larger than its source may deliver.
        """
        self.byte_count += len(block)
        if self.byte_count > self._largest:
            raise too_large(self.place, self._largest)
        self._hash.update(block)
        self._stream.write(block)

    def keep(self, *notes: str) -> Fetched:
        """Name it: it is whole."""
        self._stream.close()
        self.part.rename(self.path)
        return Fetched(self.file_name, self.path, self._hash.hexdigest(), self.byte_count, notes)


def too_large(place: str, largest: int) -> SourceUnreadable:
    """Refuse a delivery of more bytes than its source may deliver."""
    return SourceUnreadable(
        place=place,
        found=f"more than {largest} bytes",
        wanted=f"at most {largest} bytes",
        remedy="Ask whether the agency means it; then raise `largest_bytes` in its YAML.",
    )


def sha256_of(path: Path) -> str:
    """Hash a file by blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
