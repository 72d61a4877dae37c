"""What to fetch, what came of it, and how a refusal may speak of it without giving a secret away."""

from __future__ import annotations

import datetime
import hashlib
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from methods.errors import SettingWrong, SourceUnreadable
from tasks.edges.pulls import Pull

HIDDEN = "***"
SHORTEST_SECRET = 4


class SourceUnreachable(SourceUnreadable):
    """A source did not answer in full this time; asking again later may help."""


@dataclass(frozen=True)
class Fetched:
    """One delivery in the spool."""

    file_name: str
    path: Path
    sha256: str
    byte_count: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Errand:
    """What to fetch; its placeholders are not filled yet."""

    source_code: str
    owner: str
    pull: Pull
    values: Mapping[str, str]
    since: datetime.date | None = None

    @property
    def key(self) -> str:
        """Short name of this errand: another period, date or setting has another one."""
        said = f"{self.pull.model_dump_json()}|{sorted(self.values.items())}|{self.since}"
        return hashlib.sha256(said.encode()).hexdigest()[:12]


@dataclass
class Vault:
    """Gives credentials by name, and keeps them out of what people read."""

    ask: Callable[[str], str]
    _given: set[str] = field(default_factory=set)

    def __call__(self, name: str) -> str:
        """Give a credential."""
        value = self.ask(name)
        self.learn(value)
        return value

    def learn(self, value: str | None) -> None:
        """Hide a value from now on."""
        # One so short is no secret, and blotting it out would blot out words.
        if value and len(value) >= SHORTEST_SECRET:
            self._given |= {value, urllib.parse.quote(value, safe="")}

    def hide(self, text: str) -> str:
        """Blot the credentials out of a text."""
        for value in sorted(self._given, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text

    def fill(self, errand: Errand, template: str) -> str:
        """Fill the placeholders of an address.

        Raises:
            SettingWrong: it holds a placeholder that means nothing.
        """

        def value(match: re.Match[str]) -> str:
            word = match.group(1)
            if ":" in word:
                return self._address_part(word)
            if word not in errand.values:
                raise SettingWrong(
                    place=f"sources: {errand.source_code} pull.address",
                    found=f"{{{word}}}",
                    wanted=", ".join(f"{{{name}}}" for name in sorted(errand.values)) + " or {env:NAME}",
                )
            return errand.values[word]

        return re.sub(r"\{([^{}]+)\}", value, template)

    def _address_part(self, name: str) -> str:
        found = self.ask(name)
        # A whole address is no secret, only the password in it.
        if "://" in found:
            self.learn(urllib.parse.unquote(urllib.parse.urlsplit(found).password or ""))
        else:
            self.learn(found)
        return found


@dataclass(frozen=True)
class Desk:
    """All that one errand needs while it runs: where to write, whom to ask, how to wait."""

    errand: Errand
    spool: Path
    vault: Vault
    sleep: Callable[[float], None]

    def place(self, address: str) -> str:
        """Name source and address, without credentials and query."""
        return f"source {self.errand.source_code}, {self.vault.hide(shown(address))}"


def shown(address: str) -> str:
    """Take user, password and query out of an address."""
    if "://" not in address:
        return address
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
