"""SSM documents: versions, the default version, and the states they go through. Each region has its own."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import AwsError

if TYPE_CHECKING:
    from .aws import Call
    from .world import World

MAX_CONTENT = 64 * 1024
DEFAULT_NAME = "SSM-SessionManagerRunShell"


@dataclass
class Version:
    """One version of a document."""

    number: int
    content: str
    created: float  # epoch seconds
    ready_at: float = 0.0  # monotonic: before, its status is `pending`
    pending: str = "Creating"
    name: str | None = None
    failed: str | None = None  # status information of a version that never becomes active

    @property
    def status(self) -> str:
        """Its status now."""
        if time.monotonic() < self.ready_at:
            return self.pending
        return "Failed" if self.failed else "Active"


@dataclass
class Document:
    """A document. `latest` goes on counting when versions are deleted."""

    name: str
    kind: str
    versions: dict[int, Version] = field(default_factory=dict)
    default: int = 1
    latest: int = 0

    @property
    def content(self) -> Any:
        """The content of the default version, parsed."""
        return json.loads(self.versions[self.default].content)


class State:
    """The documents of the account, and how they behave."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.documents: dict[tuple[str, str], Document] = {}  # by region and name
        self.max_versions = 1000
        self.update_delay = 0.1  # seconds that a new version is Creating or Updating
        self.page_size = 50
        self.newest_first = True  # in ListDocumentVersions
        self.duplicate = "any"  # content equal to "any" version's, or just to the "latest", is refused
        self.fail_next: str | None = None  # the next version never becomes active, with this status information
        self.handlers = {
            "GetDocument": self.get,
            "CreateDocument": self.create,
            "UpdateDocument": self.update,
            "UpdateDocumentDefaultVersion": self.set_default,
            "DescribeDocument": self.describe,
            "ListDocumentVersions": self.list_versions,
            "DeleteDocument": self.delete,
        }

    # For tests

    def add(self, *contents: Any, name: str = DEFAULT_NAME, region: str | None = None, default: int | None = None,
            kind: str = "Session") -> Document:  # fmt: skip
        """Add a document whose versions are these (text, or values written as JSON). The last is the default."""
        document = Document(name, kind)
        for content in contents:
            text = content if isinstance(content, str) else json.dumps(content, indent=2)
            self._append(document, text, None, "Creating", 0.0)
        document.default = default or document.latest
        self.documents[region or self.world.region, name] = document
        return document

    def find(self, name: str = DEFAULT_NAME, region: str | None = None) -> Document | None:
        """The document of that name, None for none."""
        return self.documents.get((region or self.world.region, name))

    # The operations

    def get(self, call: Call) -> dict[str, Any]:
        """GetDocument."""
        document, version = self._version(call)
        return {
            "Name": document.name,
            "CreatedDate": version.created,
            "DocumentVersion": str(version.number),
            "Status": version.status,
            **({"StatusInformation": version.failed} if version.failed else {}),
            **({"VersionName": version.name} if version.name else {}),
            "Content": version.content,
            "DocumentType": document.kind,
            "DocumentFormat": "JSON",
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateDocument."""
        params = call.params
        key = call.region, params["Name"]
        if key in self.documents:
            raise AwsError("DocumentAlreadyExists", f"Document with same name {params['Name']} already exists")
        if params["Name"].lower().startswith(("aws", "amazon", "amzn")):
            raise AwsError("ValidationException", f"'{params['Name']}' begins with a reserved prefix")
        kind = params.get("DocumentType", "Command")
        _check_content(params["Content"], params.get("DocumentFormat", "JSON"), kind)
        document = Document(params["Name"], kind)
        version = self._append(document, params["Content"], params.get("VersionName"), "Creating", self.update_delay)
        self.documents[key] = document
        return {"DocumentDescription": self._description(document, version)}

    def update(self, call: Call) -> dict[str, Any]:
        """UpdateDocument: adds a version, and leaves the default one as it is."""
        params = call.params
        document = self._document(call)
        if params.get("DocumentVersion") not in ("$LATEST", str(document.latest)):
            raise AwsError("InvalidDocumentVersion", "The document version is not valid or does not exist.")
        newest = document.versions.get(document.latest)
        if newest is not None and newest.status in ("Creating", "Updating"):
            raise AwsError("TooManyUpdates", f"Document {document.name} is being updated")
        _check_content(params["Content"], params.get("DocumentFormat", "JSON"), document.kind)
        compared = list(document.versions.values()) if self.duplicate == "any" else [document.versions[document.latest]]
        if any(version.content == params["Content"] for version in compared):
            raise AwsError("DuplicateDocumentContent", "Duplicate document content error. The content of the document "
                           "matches that of another version.")  # fmt: skip
        if len(document.versions) >= self.max_versions:
            raise AwsError("DocumentVersionLimitExceeded", f"The document has over {self.max_versions} versions")
        version = self._append(document, params["Content"], params.get("VersionName"), "Updating", self.update_delay)
        return {"DocumentDescription": self._description(document, version)}

    def set_default(self, call: Call) -> dict[str, Any]:
        """UpdateDocumentDefaultVersion."""
        document, version = self._version(call)
        if version.status != "Active":
            raise AwsError("InvalidDocumentVersion", f"version {version.number} is {version.status}, not Active")
        document.default = version.number
        return {"Description": {"Name": document.name, "DefaultVersion": str(version.number)}}

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeDocument."""
        return {"Document": self._description(*self._version(call))}

    def list_versions(self, call: Call) -> dict[str, Any]:
        """ListDocumentVersions."""
        document = self._document(call)
        numbers = sorted(document.versions, reverse=self.newest_first)
        try:
            start = int(call.params.get("NextToken", "page-0").removeprefix("page-"))
        except ValueError:
            raise AwsError("InvalidNextToken", "The specified token is not valid.") from None
        size = min(call.params.get("MaxResults", 50), self.page_size)
        infos = []
        for number in numbers[start : start + size]:
            version = document.versions[number]
            infos.append(
                {
                    "Name": document.name,
                    "DocumentVersion": str(number),
                    "CreatedDate": version.created,
                    "IsDefaultVersion": number == document.default,
                    "DocumentFormat": "JSON",
                    "Status": version.status,
                }
            )
        more = start + size < len(numbers)
        return {"DocumentVersions": infos, **({"NextToken": f"page-{start + size}"} if more else {})}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteDocument: the whole document, or one version."""
        document = self._document(call)
        if "DocumentVersion" not in call.params and "VersionName" not in call.params:
            del self.documents[call.region, document.name]
            return {}
        _, version = self._version(call)
        if version.number == document.default:
            raise AwsError("InvalidDocumentOperation", "The default version of the document can't be deleted.")
        del document.versions[version.number]
        return {}

    def _append(self, document: Document, content: str, name: str | None, pending: str, delay: float) -> Version:
        document.latest += 1
        version = Version(document.latest, content, round(self.world.now(), 3), time.monotonic() + delay, pending, name)
        version.failed, self.fail_next = self.fail_next, None
        document.versions[version.number] = version
        return version

    def _document(self, call: Call) -> Document:
        document = self.documents.get((call.region, call.params["Name"]))
        if document is None:
            raise AwsError("InvalidDocument", f"Document with name {call.params['Name']} does not exist.")
        return document

    def _version(self, call: Call) -> tuple[Document, Version]:
        document = self._document(call)
        if "VersionName" in call.params:
            named = [one for one in document.versions.values() if one.name == call.params["VersionName"]]
            if named:
                return document, named[0]
        wanted = call.params.get("DocumentVersion", "$DEFAULT")
        newest = max(document.versions)
        number = {"$DEFAULT": document.default, "$LATEST": newest}.get(wanted) or int(wanted)
        if number not in document.versions or "VersionName" in call.params:
            raise AwsError("InvalidDocumentVersion", "The document version is not valid or does not exist.")
        return document, document.versions[number]

    def _description(self, document: Document, version: Version) -> dict[str, Any]:
        return {
            "Hash": hashlib.sha256(version.content.encode()).hexdigest(),
            "HashType": "Sha256",
            "Name": document.name,
            "Owner": self.world.account,
            "CreatedDate": version.created,
            "Status": version.status,
            **({"StatusInformation": version.failed} if version.status == "Failed" else {}),
            "DocumentVersion": str(version.number),
            "Parameters": [],
            "PlatformTypes": ["Windows", "Linux", "MacOS"],
            "DocumentType": document.kind,
            "SchemaVersion": str(_schema(version.content)),
            "LatestVersion": str(document.latest),
            "DefaultVersion": str(document.default),
            "DocumentFormat": "JSON",
            "Tags": [],
        }


def _schema(content: str) -> Any:
    try:
        return json.loads(content).get("schemaVersion", "")
    except (ValueError, AttributeError):
        return ""


def _check_content(content: str, form: str, kind: str) -> None:
    if len(content.encode()) > MAX_CONTENT:
        raise AwsError("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    if form != "JSON":
        raise AwsError("InvalidDocumentContent", f"the emulator reads JSON only, not {form}")
    try:
        value = json.loads(content)
    except ValueError as error:
        raise AwsError("InvalidDocumentContent", f"JSON not well-formed. {error}") from None
    if not isinstance(value, dict) or "schemaVersion" not in value:
        raise AwsError("InvalidDocumentContent", "schemaVersion is missing")
    if kind == "Session" and value["schemaVersion"] != "1.0":
        raise AwsError("InvalidDocumentSchemaVersion", f"schema version {value['schemaVersion']} is not supported")
    if kind == "Session" and value.get("sessionType") != "Standard_Stream":
        raise AwsError("InvalidDocumentContent", f"sessionType {value.get('sessionType')!r} of {DEFAULT_NAME}")
