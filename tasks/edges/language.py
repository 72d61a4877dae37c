"""Languages of the pages: Persian as it is written, English by a catalogue that must hold every message."""

from __future__ import annotations

import gettext
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, BinaryIO

import yaml
from babel.messages import pofile

from methods.errors import TranslationMissing
from tasks.edges.settings import ROOT

ORIGINAL = "fa"
ENGLISH = "en"
LANGUAGES = (ORIGINAL, ENGLISH)
DIRECTIONS = {ORIGINAL: "rtl", ENGLISH: "ltr"}
CATALOGUE = "locale/{}/LC_MESSAGES/payesh.po"

Key = tuple[str | None, str]


def N_(message: str) -> str:  # noqa: N802
    """Mark a message for the catalogue where it is written; it is translated where it is used."""
    return message


class Catalogue(gettext.NullTranslations):
    """A catalogue without a way out: what it lacks is an error, never the original in its place."""

    def __init__(self, language: str, messages: Mapping[Key, Sequence[str]]) -> None:
        super().__init__()
        self._place = CATALOGUE.format(language)
        self._language = language
        self._messages = messages

    def gettext(self, message: str) -> str:
        """Translate a message."""
        return self._forms(None, message)[0]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Translate a message that counts; English has two forms."""
        return self._forms(None, msgid1)[0 if n == 1 else 1]

    def pgettext(self, context: str, message: str) -> str:
        """Translate a message that means something else elsewhere."""
        return self._forms(context, message)[0]

    def _forms(self, context: str | None, message: str) -> Sequence[str]:
        forms = self._messages.get((context, message))
        if forms is None:
            raise TranslationMissing(
                place=self._place, found=f"no translation of «{message}»" + (f" ({context})" if context else ""),
                wanted=f"one in `{self._language}` that is not marked fuzzy",
                remedy="`make messages` lists it there; translate it and print again.",
            )  # fmt: skip
        return forms


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Give the translations of a language; the original needs none."""
    if language == ORIGINAL:
        return gettext.NullTranslations()
    with (ROOT / CATALOGUE.format(language)).open("rb") as file:
        catalogue = pofile.read_po(file, locale=language, abort_invalid=True)
    found: dict[Key, tuple[str, ...]] = {}
    for message in catalogue:
        identifier = message.id if isinstance(message.id, str) else message.id[0]
        forms = (message.string or "",) if isinstance(message.string, str | None) else tuple(message.string)
        if identifier and all(forms) and not message.fuzzy:
            found[message.context, identifier] = forms
    return Catalogue(language, found)


def extract_values(
    file: BinaryIO, keywords: Sequence[str], comment_tags: Sequence[str], options: Mapping[str, str]
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Extract messages from YAML, for Babel: the texts at these `paths`, such as `indicators.name_fa`."""
    patterns = options["paths"].split()
    for path, line, text in _texts(yaml.compose(file), ""):
        if any(fnmatchcase(path, pattern) for pattern in patterns):
            yield line, "gettext", text, []


def _texts(node: Any, path: str) -> Iterator[tuple[str, int, str]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _texts(value, f"{path}.{key.value}".lstrip("."))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _texts(value, path)
    else:
        yield path, node.start_mark.line + 1, node.value
