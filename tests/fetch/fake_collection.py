"""Fakes of ODK Central and KoboToolbox that take forms as their published interfaces do, and refuse as they do."""

import email
import email.policy
import io
import json
import re
import urllib.parse
from dataclasses import dataclass, field

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def reply(status, body=None):
    return status, {}, b"" if body is None else json.dumps(body).encode()


def problem(code, message, details=None):
    """An error as ODK Central words it."""
    return reply(int(code), {"code": code, "message": message, "details": details})


@dataclass
class Version:
    """A form as ODK Central keeps it: what the XLSForm says, and a slot for each file it refers to."""

    form_id: str
    version: str
    xform: str
    files: dict

    @classmethod
    def of(cls, xlsx, before=None):
        result = convert(io.BytesIO(xlsx), file_type=".xlsx")
        form_id, version = re.search(r'<data id="([^"]*)" version="([^"]*)"', result.xform).groups()
        slots = re.findall(r'src="jr://file-csv/([^"]*)"', result.xform)
        kept = before.files if before else {}
        return cls(form_id, version, result.xform, {name: kept.get(name) for name in slots}), result.warnings


@dataclass
class Central:
    """ODK Central, one project."""

    project: int = 7
    user: tuple = ("payesh", "s3cret pass/word")
    session: str = "session1"
    draft: Version | None = None
    published: list = field(default_factory=list)
    submissions: list = field(default_factory=list)
    photographs: dict = field(default_factory=dict)
    in_the_trash: bool = False

    def __call__(self, asked):
        if asked.path == "/v1/sessions":
            given = json.loads(asked.body)
            if (given["email"], given["password"]) != self.user:
                return problem(401.2, "Could not authenticate with the provided credentials.")
            return reply(200, {"token": self.session, "expiresAt": "2026-11-25T00:00:00Z"})
        if asked.headers["Authorization"] != f"Bearer {self.session}":
            return problem(401.2, "Could not authenticate with the provided credentials.")
        forms = f"/v1/projects/{self.project}/forms"
        if not asked.path.startswith(forms):
            return problem(404.1, "Could not find the resource you were looking for.")
        rest = urllib.parse.unquote(asked.path[len(forms) :])
        if rest == "" and asked.method == "POST":
            return self.create(asked)
        form_id, _, rest = rest[1:].partition("/")
        if form_id.endswith(".svc") or rest.startswith("submissions/"):
            return self.submitted(asked, rest.rsplit("/", 1)[-1])
        if form_id not in {one.form_id for one in [self.draft, *self.published] if one}:
            return problem(404.1, "Could not find the resource you were looking for.")
        return self.of_form(asked, rest)

    def create(self, asked):
        if self.draft or self.published or self.in_the_trash:
            return problem(409.3, "A resource already exists with projectId,xmlFormId value(s) of 7,payesh_visit.")
        return self.take(asked)

    def of_form(self, asked, rest):
        if (asked.method, rest) == ("GET", ""):
            return reply(200, self.details(self.published[-1] if self.published else self.draft))
        if (asked.method, rest) == ("GET", "versions"):
            return reply(200, [self.details(one) for one in self.published])
        if (asked.method, rest) == ("POST", "draft"):
            return self.take(asked)
        if self.draft is None:
            return problem(404.1, "Could not find the resource you were looking for.")
        if (asked.method, rest) == ("POST", "draft/publish"):
            return self.publish(asked.query.get("version"))
        if (asked.method, rest) == ("GET", "draft/attachments"):
            slots = self.draft.files.items()
            return reply(200, [{"name": name, "type": "file", "exists": file is not None} for name, file in slots])
        name = rest.removeprefix("draft/attachments/")
        if asked.method != "POST" or name not in self.draft.files:
            return problem(404.1, "Could not find the resource you were looking for.")
        self.draft.files[name] = asked.body
        return reply(200, {"name": name, "type": "file", "exists": True, "blobExists": True, "datasetExists": False})

    def take(self, asked):
        if asked.headers["Content-Type"] != XLSX:
            return problem(400.1, "Could not parse the given data (9 chars) as xml.")
        before = self.draft or (self.published[-1] if self.published else None)
        try:
            taken, warnings = Version.of(asked.body, before)
        except PyXFormError as error:
            return problem(400.15, "The given XLSForm file was not valid.", {"error": str(error)})
        if warnings and asked.query.get("ignoreWarnings") != "true":
            return problem(400.16, "The Form is valid, but with warnings.", {"warnings": warnings})
        self.draft = taken
        return reply(200, self.details(taken) if before is None else {"success": True})

    def publish(self, version):
        version = version or self.draft.version
        if version in {one.version for one in self.published}:
            return problem(409.6, f"You tried to publish the form with version '{version}', but it existed already.")
        self.draft.version = version
        self.published.append(self.draft)
        self.draft = None
        return reply(200, {"success": True})

    def details(self, one):
        at = "2026-11-24T09:00:00.000Z" if one in self.published else None
        return {
            "projectId": self.project, "xmlFormId": one.form_id, "version": one.version, "state": "open",
            "publishedAt": at,
        }  # fmt: skip

    def submitted(self, asked, name):
        if "/attachments/" not in asked.path:
            return self.data(asked)
        if name not in self.photographs:
            return problem(404.1, "Could not find the resource you were looking for.")
        return 200, {"Content-Type": "image/jpeg"}, self.photographs[name]

    def data(self, asked):
        start, size = int(asked.query.get("$skip", 0)), int(asked.query["$top"])
        return reply(200, {"value": self.submissions[start : start + size], "@odata.count": len(self.submissions)})


@dataclass
class Kobo:
    """KoboToolbox, API version 2, one project."""

    uid: str = "aSAvYreNzVEkrWg5Gdcvg"
    token: str = "t0ken-of-p04"
    xlsx: bytes | None = None
    version: int = 0
    deployed: int = 0
    media: dict = field(default_factory=dict)
    deployed_media: dict = field(default_factory=dict)
    imports: list = field(default_factory=list)
    submissions: list = field(default_factory=list)
    photographs: dict = field(default_factory=dict)
    polls_until_done: int = 1

    def __call__(self, asked):
        if asked.headers["Authorization"] != f"Token {self.token}":
            return reply(401, {"detail": "Invalid token."})
        asset = f"/api/v2/assets/{self.uid}/"
        if asked.path == "/api/v2/imports/" and asked.method == "POST":
            return self.take(asked, asset)
        if asked.path.startswith("/api/v2/imports/"):
            return self.told_of_import()
        if not asked.path.startswith(asset) and asked.path != f"/api/v2/assets/{self.uid}/data.json":
            return reply(404, {"detail": "Not found."})
        return self.of_asset(asked, asked.path[len(asset) :])

    def take(self, asked, asset):
        fields = parts(asked)
        # Without `library` it would go into the library of questions, as at KoboToolbox.
        if fields.get("library") != b"false" or not urllib.parse.urlsplit(fields["destination"].decode()).path == asset:
            self.imports.append("error: a library cannot be imported into an asset")
        else:
            self.imports.append(fields["file"])
        return reply(201, {"uid": f"i{len(self.imports)}", "url": "http://elsewhere.test/", "status": "processing"})

    def told_of_import(self):
        if self.polls_until_done:
            self.polls_until_done -= 1
            return reply(200, {"status": "processing", "messages": {}})
        try:
            if isinstance(self.imports[-1], str):
                raise PyXFormError(self.imports[-1])
            convert(io.BytesIO(self.imports[-1]), file_type=".xlsx")
        except PyXFormError as error:
            return reply(200, {"status": "error", "messages": {"error": str(error), "error_type": "PyXFormError"}})
        self.xlsx, self.version = self.imports[-1], self.version + 1
        return reply(200, {"status": "complete", "messages": {"updated": [{"uid": self.uid, "kind": "asset"}]}})

    def of_asset(self, asked, rest):
        if rest == "":
            return reply(200, {
                "uid": self.uid, "version_id": f"v{self.version}", "has_deployment": bool(self.deployed),
                "deployed_version_id": f"v{self.deployed}" if self.deployed else None,
                "deployment__active": bool(self.deployed),
            })  # fmt: skip
        if rest == "files/":
            return self.add(asked) if asked.method == "POST" else self.listed()
        if rest.startswith("files/") and asked.method == "DELETE":
            return reply(204 if self.media.pop(rest.split("/")[1], None) else 404)
        if rest == "deployment/":
            return self.deploy(asked)
        if (photograph := re.fullmatch(r"data/[0-9]+/attachments/([^/]+)/", rest)) is not None:
            return 200, {"Content-Type": "image/jpeg"}, self.photographs[photograph[1]]
        return self.data(asked)

    def listed(self):
        results = [
            {"uid": uid, "file_type": "form_media", "description": kept["description"].decode(),
             "metadata": {"filename": kept["name"], "hash": "md5:0", "mimetype": "text/csv"}}
            for uid, kept in self.media.items()
        ]  # fmt: skip
        return reply(200, {"count": len(results), "next": None, "previous": None, "results": results})

    def add(self, asked):
        fields = parts(asked)
        name = json.loads(fields["metadata"])["filename"]
        if fields["file_type"] != b"form_media" or not fields["description"]:
            return reply(400, {"file_type": ["This field is required."]})
        if name in {kept["name"] for kept in self.media.values()}:
            return reply(400, {"content": ["File already exists"]})
        self.media[f"af{len(self.media) + 1}"] = fields | {"name": name}
        return reply(201, {"uid": "af1"})

    def deploy(self, asked):
        said = json.loads(asked.body)
        if (asked.method == "POST") == bool(self.deployed):
            return reply(405, {"detail": f'Method "{asked.method}" not allowed.'})
        if said["version_id"] != f"v{self.version}":
            return reply(500, {"detail": "Only the current version_id can be deployed"})
        self.deployed = self.version
        self.deployed_media = {kept["name"]: kept["content"] for kept in self.media.values()}
        return reply(200, {"backend": "openrosa", "active": True})

    def data(self, asked):
        start, limit = int(asked.query["start"]), int(asked.query["limit"])
        rows = self.submissions[start : start + limit]
        return reply(200, {"count": len(self.submissions), "next": None, "previous": None, "results": rows})


def parts(asked):
    """Fields and files of a multipart request."""
    head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + asked.body, policy=email.policy.HTTP)
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in message.iter_parts()}  # fmt: skip
