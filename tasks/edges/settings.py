"""What a deployment may choose, read once from the environment."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from methods.errors import SettingWrong

ROOT = Path(__file__).resolve().parents[2]
TEHRAN = ZoneInfo("Asia/Tehran")


@dataclass(frozen=True)
class Settings:
    """Folders, addresses and the date of today."""

    root: Path
    home: Path
    guideline_folders: tuple[Path, ...]
    form_folders: tuple[Path, ...]
    source_folder: Path
    today: datetime.date
    database_url_or_none: str | None

    @property
    def database_url(self) -> str:
        """Address of the warehouse, for SQLAlchemy with psycopg2."""
        if self.database_url_or_none is None:
            raise SettingWrong(
                place="PAYESH_DATABASE_URL",
                found="nothing",
                wanted="the address of the warehouse",
                remedy="Run `make up`, or set it to an existing PostgreSQL.",
            )
        return self.database_url_or_none

    @property
    def inbox(self) -> Path:
        """Folder agencies drop their files into."""
        return self.home / "inbox"

    @property
    def outbox(self) -> Path:
        """Folder of the lists handed out to inspectors."""
        return self.home / "outbox"

    @property
    def archive(self) -> Path:
        """Folder of the deliveries as received, by their SHA-256."""
        return self.home / "archive"

    @property
    def spool(self) -> Path:
        """Folder of deliveries that are on their way in."""
        return self.home / "spool"

    @property
    def feedback(self) -> Path:
        """Folder of what agencies get back: reports, and workbooks to correct and return."""
        return self.home / "feedback"

    @property
    def bulletins(self) -> Path:
        """Folder of printed editions."""
        return self.home / "bulletins"

    @property
    def site(self) -> Path:
        """Folder of the static site."""
        return self.home / "site"


def settings() -> Settings:
    """Read the settings in force; reading again follows a changed environment."""
    return Settings(
        root=ROOT,
        home=Path(os.environ.get("PAYESH_HOME") or ROOT / "var").resolve(),
        guideline_folders=_folders("PAYESH_GUIDELINES", ROOT / "guidelines"),
        form_folders=_folders("PAYESH_FORMS", ROOT / "reference" / "forms"),
        source_folder=Path(os.environ.get("PAYESH_SOURCES") or ROOT / "sources").resolve(),
        today=_today(),
        database_url_or_none=_database_url(),
    )


def _folders(name: str, default: Path) -> tuple[Path, ...]:
    written = os.environ.get(name)
    if not written:
        return (default,)
    return tuple(Path(part).resolve() for part in written.split(os.pathsep) if part)


def _today() -> datetime.date:
    written = os.environ.get("PAYESH_TODAY")
    if not written:
        return datetime.datetime.now(TEHRAN).date()
    try:
        return datetime.date.fromisoformat(written)
    except ValueError as error:
        raise SettingWrong(place="PAYESH_TODAY", found=repr(written), wanted="a date such as 2025-10-14") from error


def _database_url() -> str | None:
    written = os.environ.get("PAYESH_DATABASE_URL")
    # SQLAlchemy 2.1 reads a bare scheme as psycopg 3, which is not installed.
    for bare in ("postgresql://", "postgres://"):
        if written and written.startswith(bare):
            return "postgresql+psycopg2://" + written[len(bare) :]
    return written or None
