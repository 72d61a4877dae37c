"""Pulls as data: every kind of place a delivery may come from, and what a source's YAML may say of it."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

LARGEST_BYTES = 4 * 1024**3
# What a query may hold outside of quotes; a column of such a name must be quoted.
NOT_IN_A_QUERY = (
    "insert", "update", "delete", "merge", "into", "drop", "alter", "create", "truncate", "grant", "revoke",
    "call", "exec", "execute", "copy", "lock", "set", "begin", "commit", "rollback", "attach", "pragma",
)  # fmt: skip


def _without_secret(address: str) -> str:
    said = urlsplit(re.sub(r"\{[^{}]*\}", "", address))
    if said.password:
        raise ValueError("wanted no password in the address: name it, as in {env:NAME} or {block:name}")
    # Read once, since a port that is no number is told only then.
    _ = said.port
    return address


Address = Annotated[str, AfterValidator(_without_secret)]
Credential = Annotated[str, Field(pattern=r"^(env|block):\S+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class NoAuth(_Strict):
    """Anyone may read."""

    kind: Literal["none"] = "none"


class TokenAuth(_Strict):
    """A fixed token in a header."""

    kind: Literal["token"]
    token: Credential = Field(description="name of a credential")
    header: str = "Authorization"
    prefix: str = "Bearer"


class BasicAuth(_Strict):
    """A user and a password with every request."""

    kind: Literal["basic"]
    user: Credential = Field(description="name of a credential")
    password: Credential = Field(description="name of a credential")


class OAuth2(_Strict):
    """A token obtained for a client's own credentials (RFC 6749, section 4.4)."""

    kind: Literal["oauth2"]
    token_address: Address
    client_id: Credential = Field(description="name of a credential")
    client_secret: Credential = Field(description="name of a credential")
    scope: str | None = None


Auth = Annotated[NoAuth | TokenAuth | BasicAuth | OAuth2, Field(discriminator="kind")]


class _Limited(_Strict):
    largest_bytes: int = Field(default=LARGEST_BYTES, ge=1, description="a larger delivery is refused")
    timeout_seconds: float = Field(default=60, gt=0, description="for one answer; for a file: for one block")


class _Service(_Limited):
    longest_wait_seconds: float = Field(default=300, ge=0, description="bound on the waits a service asks for, summed")
    resume_hours: float = Field(default=24, ge=0, description="older pages of a fetch that broke off are not used")


class FilePull(_Limited):
    """A file: a path or glob of a drop folder, sftp://, s3://, http(s)://, or another address fsspec knows."""

    kind: Literal["file"]
    address: Address
    user: Credential | None = Field(default=None, description="name of a credential; for s3 the access key's")
    password: Credential | None = Field(default=None, description="name of a credential; for s3 the secret key's")
    key: Credential | None = Field(default=None, description="name of a credential: an SSH private key in PEM")
    host_key: str | None = Field(
        default=None, pattern=r"^SHA256:[A-Za-z0-9+/]{43}$", description="as ssh-keygen -l says"
    )
    known_hosts: str = Field(default="~/.ssh/known_hosts", description="asked where no host_key is given")
    endpoint_url: str | None = Field(default=None, description="of an S3-compatible store")
    auth: Auth = NoAuth()


class ApiPull(_Service):
    """A JSON service, paged through."""

    kind: Literal["api"]
    address: Address
    auth: Auth = NoAuth()
    paging: Literal["page", "offset", "cursor", "link", "none"] = "page"
    page_parameter: str = "page"
    first_page: int = Field(default=1, ge=0, le=1)
    size_parameter: str = "size"
    page_size: int = Field(default=5000, ge=1)
    offset_parameter: str = "offset"
    cursor_parameter: str = "cursor"
    next_cursor: str = Field(default="next_cursor", description="dotted key of the next page's cursor")
    rows: str = Field(default="items", description="dotted key of the rows; empty if the answer is the array itself")
    pages: str | None = Field(default=None, description="dotted key of the number of pages; else an empty page ends")
    total: str | None = Field(default=None, description="dotted key of the number of rows: fewer are refused")
    since_parameter: str | None = Field(default=None, description="takes the date from which on rows are wanted")


class SqlPull(_Limited):
    """One query at an agency's database, sent in a read-only transaction."""

    kind: Literal["sql"]
    address: Address
    query: str

    @field_validator("query")
    @classmethod
    def _reads_only(cls, query: str) -> str:
        bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", _without_quoted(query), flags=re.DOTALL).strip().removesuffix(";")
        if not re.match(r"(select|with)\b", bare, re.IGNORECASE) or ";" in bare:
            raise ValueError("wanted a single select, which may begin with `with`")
        for word in re.findall(r"[a-z_]+", bare.lower()):
            if word in NOT_IN_A_QUERY:
                raise ValueError(f"wanted a query that only reads; `{word}` stands in it (quote a column of that name)")
        return query


class _Odk(_Service):
    kind: Literal["odk"]
    address: Address
    project: int
    form: str = Field(description="its form ID; may hold {year} and {phase}")
    user: Credential = Field(description="name of a credential: the e-mail address of a web user")
    password: Credential = Field(description="name of a credential")
    auth: Literal["session", "basic"] = "session"


class _Kobo(_Service):
    kind: Literal["kobo"]
    address: Address
    asset: str = Field(description="uid of the project")
    token: Credential = Field(description="name of a credential")


Photographed = Annotated[
    str | None,
    Field(
        description="column of a photograph, groups before it behind `/`; its SHA-256 comes as `<column>/sha256`, the"
        " photograph itself is not kept"
    ),
]


class OdkPull(_Odk):
    """Submissions to a form at ODK Central, through its OData service."""

    photograph: Photographed = None
    table: str = "Submissions"
    with_repeats: bool = Field(default=False, description="repeats come inside of their submission")
    page_size: int = Field(default=1000, ge=1)


class KoboPull(_Kobo):
    """Submissions to an asset at KoboToolbox, API version 2."""

    photograph: Photographed = None
    # Since 2026 a page holds at most 1,000 submissions.
    page_size: int = Field(default=1000, ge=1, le=1000)


class _Pushed(_Strict):
    level: str = Field(default="county", description="only visits of this level: another's are none of its business")
    provinces: tuple[str, ...] = Field(default=(), description="only plans of these provinces, by code; empty: all")


class OdkPush(_Pushed, _Odk):
    """A form at ODK Central that visits are asked by; it is created if it is not there."""


class KoboPush(_Pushed, _Kobo):
    """A project at KoboToolbox that visits are asked by; an empty one must be there."""


Push = Annotated[OdkPush | KoboPush, Field(discriminator="kind")]
Pull = Annotated[FilePull | ApiPull | SqlPull | OdkPull | KoboPull, Field(discriminator="kind")]


def _without_quoted(query: str) -> str:
    return re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"|\[[^\]]*\]|`[^`]*`", " '' ", query)
