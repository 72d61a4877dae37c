"""Recipients as data: who gets which bulletins by e-mail, by role."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from methods.errors import SettingWrong
from tasks.edges import mail
from tasks.edges.settings import settings

NATION = "IR"
Role = Literal["ministry", "province", "agency"]
ProvinceCode = Annotated[str, Field(pattern=r"^[0-9]{2}$")]
AgencyCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(_Strict):
    """One address."""

    address: str
    name: str = Field(default="", max_length=200)

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if not mail.ADDRESS.fullmatch(address):
            raise ValueError("wanted an address such as name@example.ir, in Latin letters")
        return address

    @field_validator("name")
    @classmethod
    def _is_one_line(cls, name: str) -> str:
        # A half-space is not printable, and belongs to a name.
        if any(ord(sign) < 32 for sign in name):
            raise ValueError("wanted a name in one line")
        return name


class EarlyPerson(Person):
    """One address that gets an edition before its release, under embargo."""

    role: Role
    code: str = NATION


class Lists(_Strict):
    """Who gets an edition."""

    title: str = ""
    ministry: tuple[Person, ...] = ()
    province: dict[ProvinceCode, tuple[Person, ...]] = {}
    agency: dict[AgencyCode, tuple[Person, ...]] = {}
    pre_release: tuple[EarlyPerson, ...] = ()


class Recipient(_Strict):
    """One person in one role."""

    address: str
    name: str
    role: Role
    code: str
    is_pre_release: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one and the same; upper case makes no other address."""
        return self.address.lower(), self.role, self.code

    def __str__(self) -> str:
        """Name it in a message."""
        return f"{self.address} ({self.role}{'' if self.role == 'ministry' else ' ' + self.code})"


def is_example() -> bool:
    """Say whether no file of recipients is named, so that there is only the example of the repository."""
    return not os.environ.get("PAYESH_RECIPIENTS")


def refuse_example() -> None:
    """Stop where nobody has said who is to get anything.

    Raises:
        SettingWrong: PAYESH_RECIPIENTS names no file.
    """
    if is_example():
        raise SettingWrong(
            place="PAYESH_RECIPIENTS", found="nothing", wanted="a YAML that says who gets an edition by e-mail",
            remedy="Copy reference/recipients.yaml, put the addresses in, and name the copy.",
        )  # fmt: skip


def load() -> list[Recipient]:
    """Read the lists: those PAYESH_RECIPIENTS names, else the example.

    Raises:
        SettingWrong: it cannot be read, says what no list may say, or names somebody twice in one role.
    """
    path = Path(os.environ.get("PAYESH_RECIPIENTS") or settings().root / "reference" / "recipients.yaml")
    lists = _lists(path)
    found = [_recipient(person, "ministry", NATION) for person in lists.ministry]
    found += [_recipient(one, "province", code) for code, people in lists.province.items() for one in people]
    found += [_recipient(one, "agency", code) for code, people in lists.agency.items() for one in people]
    found += [_recipient(one, one.role, one.code, is_pre_release=True) for one in lists.pre_release]
    if not found:
        raise SettingWrong(place=path.name, found="no recipient", wanted="somebody who gets an edition")
    twice = sorted(key for key, count in Counter(one.key for one in found).items() if count > 1)
    if twice:
        raise SettingWrong(
            place=path.name, found=f"{' '.join(twice[0])} twice", wanted="each address once in a role, early or not"
        )
    return found


def _recipient(person: Person, role: Role, code: str, is_pre_release: bool = False) -> Recipient:
    return Recipient(address=person.address, name=person.name, role=role, code=code, is_pre_release=is_pre_release)


def _lists(path: Path) -> Lists:
    try:
        # Every scalar stays text: 03 is a province, not a number.
        said: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
        return Lists.model_validate(said or {})
    except OSError as error:
        raise SettingWrong(
            place="PAYESH_RECIPIENTS", found=f"{path}: {error.strerror}", wanted="a YAML of recipients",
            remedy="See reference/recipients.yaml for an example.",
        ) from error  # fmt: skip
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingWrong(place=path.name, found=str(error).replace("\n", " "), wanted="YAML in UTF-8") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingWrong(
            place=f"{path.name}, {'.'.join(map(str, first['loc'])) or 'top level'}",
            found=repr(first.get("input"))[:80],
            wanted=first["msg"],
        ) from error
