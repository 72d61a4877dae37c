"""Files from drop folders, SFTP, object stores and plain downloads."""

import hashlib
import io
import sys
import tracemalloc

import boto3
import paramiko
import pytest

from methods.errors import SourceUnreadable
from tasks.edges.fetch import SourceUnreachable
from tasks.edges.fetch.spooling import Spooled

# Longer than a block, and of no period, so that a block lost or doubled shows.
CONTENT = b"".join(hashlib.sha256(bytes([number % 251, number // 251])).digest() for number in range(50_000))
BASIC = {"user": "env:USER", "password": "env:PASSWORD"}


def file(address, **more):
    return {"kind": "file", "address": str(address)} | more


def check(fetched, name):
    assert fetched.file_name == name
    assert fetched.path.read_bytes() == CONTENT
    assert (fetched.sha256, fetched.byte_count) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert [*fetched.path.parent.iterdir()] == [fetched.path]


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "in box"
    (folder / "P04").mkdir(parents=True)
    return folder


def test_a_file_of_the_drop_folder(inbox, fetch):
    (inbox / "P04" / "1403.csv").write_bytes(CONTENT)
    check(fetch(file("{inbox}/P04/{year}.csv"), inbox=str(inbox)), "1403.csv")


def test_of_several_the_newest_by_name(inbox, fetch):
    for name in ("plans-9.csv", "plans-8.csv", "visits-99.csv"):
        (inbox / "P04" / name).write_bytes(b"old")
    (inbox / "P04" / "plans-10.csv").write_bytes(CONTENT)
    check(fetch(file("{inbox}/P04/plans-*.csv"), inbox=str(inbox)), "plans-10.csv")


@pytest.mark.parametrize("name", ["~$plans-2.csv", ".plans-2.csv", "plans-2.csv.part"])
def test_what_is_held_open_or_still_written_is_not_the_newest(inbox, fetch, name):
    (inbox / "P04" / "plans-1.csv").write_bytes(CONTENT)
    (inbox / "P04" / name).write_bytes(b"lock")
    check(fetch(file("{inbox}/P04/*plans-*"), inbox=str(inbox)), "plans-1.csv")


def test_a_name_with_brackets_is_that_file(inbox, fetch):
    (inbox / "plans [1].csv").write_bytes(CONTENT)
    check(fetch(file(inbox / "plans [1].csv")), "plans [1].csv")


@pytest.mark.parametrize("name", ["1403.csv", "plans-*.csv", "nowhere/1403.csv"])
def test_no_file(inbox, fetch, name):
    with pytest.raises(SourceUnreadable, match="found no file; wanted the file of the Ministry") as refused:
        fetch(file(inbox / name))
    assert not isinstance(refused.value, SourceUnreachable)


def test_a_folder_is_no_file(inbox, fetch):
    with pytest.raises(SourceUnreadable, match="found a folder"):
        fetch(file(inbox / "P04"))


def test_too_large_a_file_leaves_nothing_behind(inbox, fetch):
    (inbox / "1403.csv").write_bytes(CONTENT)
    with pytest.raises(SourceUnreadable, match="more than 1599999 bytes"):
        fetch(file(inbox / "1403.csv", largest_bytes=len(CONTENT) - 1))
    assert not [*fetch.spool.iterdir()]
    assert fetch(file(inbox / "1403.csv", largest_bytes=len(CONTENT))).byte_count == len(CONTENT)


def test_a_large_file_takes_little_memory(inbox, fetch):
    with (inbox / "1403.csv").open("wb") as stream:
        stream.truncate(100_000_000)
    tracemalloc.start()
    assert fetch(file(inbox / "1403.csv")).byte_count == 100_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_file_that_grows_while_it_is_read_is_refused(inbox, fetch, monkeypatch):
    path = inbox / "1403.csv"
    path.write_bytes(CONTENT)
    keep = Spooled.write

    def write_while_it_grows(spooled, block):
        with path.open("ab") as stream:
            stream.write(b"x")
        keep(spooled, block)

    monkeypatch.setattr(Spooled, "write", write_while_it_grows)
    with pytest.raises(SourceUnreachable, match="wanted a file that stays as it is"):
        fetch(file(path))
    assert not [*fetch.spool.iterdir()]


def test_a_kind_of_address_nobody_knows(fetch):
    with pytest.raises(SourceUnreadable, match="no means to read gopher://"):
        fetch(file("gopher://agency/1403.csv"))


# sftp --------------------------------------------------------------------------------------------


def over_sftp(sftp, name, **more):
    return file(f"sftp://127.0.0.1:{sftp.port}/{name}", user="env:USER", **more)


def test_sftp_with_a_password(sftp, fetch):
    (sftp.folder / "1403.csv").write_bytes(CONTENT)
    fetched = fetch(over_sftp(sftp, "1403.csv", password="env:PASSWORD", host_key=sftp.fingerprint))
    check(fetched, "1403.csv")
    assert fetched.notes == ("through sftp",)


def test_sftp_with_a_key_and_a_glob(sftp, fetch):
    for name, content in {"plans-1402.csv": b"old", "plans-1403.csv": CONTENT}.items():
        (sftp.folder / name).write_bytes(content)
    text = io.StringIO()
    sftp.client_key.write_private_key(text)
    pull = over_sftp(sftp, "plans-*.csv", key="env:KEY", host_key=sftp.fingerprint)
    check(fetch(pull, secrets={"env:USER": "payesh", "env:KEY": text.getvalue()}), "plans-1403.csv")
    with pytest.raises(SourceUnreadable, match="no private key"):
        fetch(pull, secrets={"env:USER": "payesh", "env:KEY": "-----BEGIN"})


def test_sftp_to_a_server_that_known_hosts_holds(sftp, fetch, tmp_path):
    (sftp.folder / "1403.csv").write_bytes(CONTENT)
    known = paramiko.HostKeys()
    known.add(f"[127.0.0.1]:{sftp.port}", sftp.host_key.get_name(), sftp.host_key)
    known.save(str(tmp_path / "known"))
    check(fetch(over_sftp(sftp, "1403.csv", password="env:PASSWORD", known_hosts=str(tmp_path / "known"))), "1403.csv")


@pytest.mark.parametrize("pinned", [{}, {"host_key": "SHA256:" + "A" * 43}])
def test_sftp_to_an_unknown_server_gets_no_password(sftp, fetch, tmp_path, pinned):
    with pytest.raises(SourceUnreadable, match="a server with the key SHA256:") as refused:
        fetch(over_sftp(sftp, "1403.csv", password="env:PASSWORD", known_hosts=str(tmp_path / "none"), **pinned))
    assert sftp.fingerprint in str(refused.value) and not isinstance(refused.value, SourceUnreachable)


def test_sftp_with_a_wrong_password(sftp, fetch):
    secrets = {"env:USER": "payesh", "env:PASSWORD": "wr0ng"}
    with pytest.raises(SourceUnreadable, match="found Authentication failed") as refused:
        fetch(over_sftp(sftp, "1403.csv", password="env:PASSWORD", host_key=sftp.fingerprint), secrets=secrets)
    assert "wr0ng" not in str(refused.value) and not isinstance(refused.value, SourceUnreachable)


def test_sftp_without_the_file(sftp, fetch):
    with pytest.raises(SourceUnreadable, match="found no file"):
        fetch(over_sftp(sftp, "1403.csv", password="env:PASSWORD", host_key=sftp.fingerprint))


def test_sftp_where_nobody_listens(fetch):
    with pytest.raises(SourceUnreachable, match="sftp://127.0.0.1:9/1403.csv"):
        fetch(file("sftp://127.0.0.1:9/1403.csv", **BASIC))


# s3 ----------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(store):
    client = boto3.client(
        "s3", endpoint_url=store, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    client.create_bucket(Bucket="plans")
    client.put_object(Bucket="plans", Key="P04/plans-1402.csv", Body=b"old")
    client.put_object(Bucket="plans", Key="P04/plans-1403.csv", Body=CONTENT)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("name", ["plans-{year}.csv", "plans-*.csv"])
def test_an_object_of_a_store(store, fetch, name):
    fetched = fetch(file(f"s3://plans/P04/{name}", endpoint_url=store, **BASIC))
    check(fetched, "plans-1403.csv")
    assert fetched.notes == ("through s3",)


@pytest.mark.usefixtures("bucket")
def test_no_such_object(store, fetch):
    with pytest.raises(SourceUnreadable, match="found no file"):
        fetch(file("s3://plans/P04/plans-1404.csv", endpoint_url=store, **BASIC))


def test_a_store_where_nobody_listens(fetch):
    with pytest.raises(SourceUnreachable, match="s3://plans/1403.csv"):
        fetch(file("s3://plans/1403.csv", endpoint_url="http://127.0.0.1:9", **BASIC))


@pytest.mark.parametrize(("package", "address"), [("paramiko", "sftp://h/1403.csv"), ("s3fs", "s3://plans/1403.csv")])
def test_a_package_that_is_not_installed(fetch, monkeypatch, package, address):
    protocol = address.partition(":")[0]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, protocol, raising=False)
    with pytest.raises(SourceUnreadable, match=rf"no means to read {protocol}://.* Install payesh\[{protocol}\]"):
        fetch(file(address))


# http --------------------------------------------------------------------------------------------


def test_a_download(web, fetch):
    web.answer = lambda asked: (200, {"Content-Type": "text/csv"}, CONTENT)
    check(fetch(file(f"{web.address}/files/{{year}}.csv?key={{env:TOKEN}}", **BASIC)), "1403.csv")
    assert web.asked[0].query == {"key": "t0ken-of-p04"}
    assert web.asked[0].headers["Authorization"].startswith("Basic ")


def test_a_download_that_stops_half_way(web, fetch):
    web.answer = lambda asked: (200, {"Content-Length": str(len(CONTENT))}, CONTENT[:-1])
    with pytest.raises(SourceUnreachable, match="wanted a whole answer") as refused:
        fetch(file(f"{web.address}/1403.csv?key={{env:TOKEN}}"))
    assert "t0ken" not in str(refused.value) and not [*fetch.spool.iterdir()]


def test_a_log_in_page_instead_of_a_file(web, fetch):
    web.answer = lambda asked: (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>")
    with pytest.raises(SourceUnreadable, match="found an HTML page; wanted the file 1403.csv"):
        fetch(file(f"{web.address}/1403.csv"))


def test_too_large_a_download(web, fetch):
    web.answer = lambda asked: (200, {}, CONTENT)
    with pytest.raises(SourceUnreadable, match="more than 1000000 bytes"):
        fetch(file(f"{web.address}/1403.csv", largest_bytes=1_000_000))
