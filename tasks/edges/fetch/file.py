"""Files: drop folders, SFTP, object stores and plain downloads."""

from __future__ import annotations

import errno
import io
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import fsspec
import httpx

from methods.errors import SourceUnreadable
from tasks.edges.fetch.errand import Desk, Fetched, SourceUnreachable
from tasks.edges.fetch.spooling import BLOCK_BYTES, Spooled
from tasks.edges.fetch.web import admit, basic, service
from tasks.edges.pulls import FilePull, NoAuth

if TYPE_CHECKING:
    import paramiko

EXTRAS = {"sftp": "sftp", "ssh": "sftp", "s3": "s3", "s3a": "s3"}
# Requests for blocks of 32 KiB that may be on their way at once: 2 MiB.
SFTP_REQUESTS = 64
# A file that is not there, or not ours to read, will not be so in a minute either.
LASTING = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)


def fetch_file(desk: Desk, pull: FilePull) -> Fetched:
    """Fetch one file; of several that a glob names, the newest by name."""
    address = desk.vault.fill(desk.errand, pull.address)
    protocol = address.partition("://")[0].lower() if "://" in address else "file"
    if protocol in ("http", "https"):
        return _download(desk, pull, address)
    place = desk.place(address)
    with _refusals(desk, place, protocol), _store(desk, pull, protocol, address) as (store, path):
        found = _newest(desk, store, path, place)
        return _copy(desk, store, found, place, protocol)


def _copy(desk: Desk, store: Any, path: str, place: str, protocol: str) -> Fetched:
    stated = store.info(path)
    if stated["type"] == "directory":
        raise SourceUnreadable(place, "a folder", "a file", "Name the file, or write a glob such as plans-*.csv.")
    notes = () if protocol == "file" else (f"through {protocol}",)
    with Spooled(desk, PurePosixPath(path).name, place) as spooled:
        with store.open(path, "rb", block_size=8 * BLOCK_BYTES, cache_type="readahead") as stream:
            if hasattr(stream, "prefetch"):
                # One request at a time would wait for the line once every 32 KiB.
                stream.prefetch(stated["size"], max_concurrent_requests=SFTP_REQUESTS)
            # One that grows without end is left as soon as it is longer than it was.
            while spooled.byte_count <= stated["size"] and (block := stream.read(BLOCK_BYTES)):
                spooled.write(block)
        store.invalidate_cache()
        now = store.info(path)["size"]
        if not stated["size"] == spooled.byte_count == now:
            raise SourceUnreachable(
                place=place,
                found=f"{spooled.byte_count} bytes of a file of {stated['size']}, then {now} bytes",
                wanted="a file that stays as it is while it is read",
                remedy="Fetch again when it is written in full; ask the agency to rename it into place.",
            )
        return spooled.keep(*notes)


def _newest(desk: Desk, store: Any, path: str, place: str) -> str:
    if store.exists(path):
        return path
    found = [one for one in store.glob(path) if is_whole(one)] if re.search(r"[*?\[]", path) else []
    if not found:
        raise SourceUnreadable(
            place=place,
            found="no file",
            wanted=f"the file of {desk.errand.owner}",
            remedy="Ask the agency to deliver it, or correct `address` in its YAML.",
        )
    return str(max(found, key=_by_name))


def is_whole(path: str) -> bool:
    """Say that a file is neither hidden, nor what a spreadsheet program puts beside one, nor still being written."""
    name = path.rpartition("/")[2]
    return not name.startswith(("~$", ".")) and not name.endswith((".part", ".tmp", ".filepart"))


def _by_name(path: str) -> list[tuple[int, int | str]]:
    # plans-10 is newer than plans-9.
    return [(1, int(part)) if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", path)]


@contextmanager
def _store(desk: Desk, pull: FilePull, protocol: str, address: str) -> Iterator[tuple[Any, str]]:
    if protocol in ("sftp", "ssh"):
        store, path = _sftp(desk, pull, address)
        try:
            yield store, path
        finally:
            store.client.close()
        return
    options = _s3_options(desk, pull) if protocol in ("s3", "s3a") else {}
    # A listing kept from an earlier errand would hide what has been delivered since.
    kind = _kind(desk, address, protocol)
    yield kind(skip_instance_cache=True, use_listings_cache=False, **options), kind._strip_protocol(address)


def _kind(desk: Desk, address: str, protocol: str) -> Any:
    try:
        return fsspec.get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        extra = EXTRAS.get(protocol)
        raise SourceUnreadable(
            place=desk.place(address),
            found=f"no means to read {protocol}://",
            wanted="a path, sftp://, s3://, http:// or https://",
            remedy=f"Install payesh[{extra}]." if extra else "Correct the address in its YAML.",
        ) from error


def _s3_options(desk: Desk, pull: FilePull) -> dict[str, Any]:
    return {
        "key": desk.vault(pull.user) if pull.user else None,
        "secret": desk.vault(pull.password) if pull.password else None,
        "endpoint_url": desk.vault.fill(desk.errand, pull.endpoint_url) if pull.endpoint_url else None,
        "config_kwargs": {
            "connect_timeout": pull.timeout_seconds,
            "read_timeout": pull.timeout_seconds,
            "retries": {"max_attempts": 1},
        },
    }


def _sftp(desk: Desk, pull: FilePull, address: str) -> tuple[Any, str]:
    kind = _kind(desk, address, "sftp")
    parts = urllib.parse.urlsplit(address)
    desk.vault.learn(urllib.parse.unquote(parts.password or ""))
    password = desk.vault(pull.password) if pull.password else urllib.parse.unquote(parts.password or "") or None
    store = kind(
        parts.hostname,
        port=parts.port or 22,
        username=desk.vault(pull.user) if pull.user else urllib.parse.unquote(parts.username or "") or None,
        password=password,
        pkey=_private_key(desk, pull) if pull.key else None,
        host_key_policy=_host_key_policy(desk, pull, desk.place(address)),
        # Only what the YAML names opens an agency's server, never a key that lies about on this machine.
        look_for_keys=False,
        allow_agent=False,
        timeout=pull.timeout_seconds,
        banner_timeout=pull.timeout_seconds,
        auth_timeout=pull.timeout_seconds,
        channel_timeout=pull.timeout_seconds,
        skip_instance_cache=True,
    )
    store.ftp.get_channel().settimeout(pull.timeout_seconds)
    return store, urllib.parse.unquote(parts.path)


def _private_key(desk: Desk, pull: FilePull) -> paramiko.PKey:
    import paramiko

    text = desk.vault(pull.key or "")
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text))
        except paramiko.SSHException:
            continue
    raise SourceUnreadable(
        place=f"source {desk.errand.source_code}, {pull.key}",
        found="no private key that can be read",
        wanted="an Ed25519, ECDSA or RSA key in PEM or OpenSSH form, without a passphrase",
    )


def _host_key_policy(desk: Desk, pull: FilePull, place: str) -> paramiko.MissingHostKeyPolicy:
    import paramiko

    class Known(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """Lets in the server whose key is pinned or known, and no other."""

        def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
            """Judge the key a server shows."""
            if pull.host_key is not None:
                is_known, wanted = key.fingerprint == pull.host_key, pull.host_key
            else:
                file = Path(pull.known_hosts).expanduser()
                is_known = file.is_file() and paramiko.HostKeys(str(file)).check(hostname, key)
                wanted = f"a key that {pull.known_hosts} holds for {hostname}"
            if not is_known:
                raise SourceUnreadable(
                    place=place,
                    found=f"a server with the key {key.fingerprint}",
                    wanted=wanted,
                    remedy=f"Ask {desk.errand.owner} by another way whether that is its key; "
                    "then write it as `host_key` in its YAML.",
                )

    return Known()


def _download(desk: Desk, pull: FilePull, address: str) -> Fetched:
    # Not through fsspec: it asks for ranges, and takes a body that ends too early for the whole one.
    url = httpx.URL(address)
    name = PurePosixPath(url.path).name or desk.errand.source_code
    place = desk.place(address)
    with service(desk, pull.timeout_seconds, whole_answer=False) as to, Spooled(desk, name, place) as spooled:
        if isinstance(pull.auth, NoAuth) and pull.user and pull.password:
            to.admission.value = basic(desk, desk.vault(pull.user), desk.vault(pull.password))
        else:
            admit(to, pull.auth)
        answer = to.get(url, spooled.write)
        if "text/html" in answer.headers.get("content-type", "") and not name.endswith((".html", ".htm")):
            raise SourceUnreadable(
                place, "an HTML page", f"the file {name}", "Open the address in a browser: it may ask to log in."
            )
        return spooled.keep(f"through {url.scheme}")


@contextmanager
def _refusals(desk: Desk, place: str, protocol: str) -> Iterator[None]:
    try:
        yield
    except SourceUnreadable:
        # Said already; the package whose errors are looked for below may be the one that is missing.
        raise
    except (OSError, EOFError) as error:
        raise _refused(desk, place, error) from error
    except _foreign(protocol) as error:
        kind = SourceUnreadable if type(error).__name__ in LASTING_KINDS else SourceUnreachable
        raise _say(desk, place, kind, str(error) or type(error).__name__) from error


# By name, since the packages they stand in are extras.
LASTING_KINDS = (
    "AuthenticationException", "BadAuthenticationType", "BadHostKeyException", "NoCredentialsError",
    "PartialCredentialsError", "ClientError", "ParamValidationError", "ValueError",
)  # fmt: skip


def _foreign(protocol: str) -> tuple[type[Exception], ...]:
    try:
        if protocol in ("sftp", "ssh"):
            import paramiko

            return (paramiko.SSHException,)
        if protocol in ("s3", "s3a"):
            import botocore.exceptions

            return (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ValueError)
    except ImportError:
        # Without the package none of its errors can be under way; the refusal that is names the extra.
        return ()
    return ()


def _refused(desk: Desk, place: str, error: OSError | EOFError) -> SourceUnreadable:
    number = error.errno if isinstance(error, OSError) else None
    is_lasting = number in LASTING or isinstance(error, FileNotFoundError | PermissionError)
    found = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return _say(desk, place, SourceUnreadable if is_lasting else SourceUnreachable, found)


def _say(desk: Desk, place: str, kind: type[SourceUnreadable], found: str) -> SourceUnreadable:
    again = "Try again later; if it lasts, check" if kind is SourceUnreachable else "Check"
    return kind(
        place=place,
        found=desk.vault.hide(found),
        wanted=f"the file of {desk.errand.owner}, readable",
        remedy=f"{again} the address and the credentials that its YAML names.",
    )
