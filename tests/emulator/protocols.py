"""The Query protocols: forms into parameters, results into XML, both by botocore's shapes."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import Shape

from .errors import AwsError

NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",
}


def read_form(body: bytes) -> dict[str, str]:
    """A form-encoded body; raises AwsError where a field stands twice or it is no form."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise AwsError("MalformedInput", f"the body is no form: {error}") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise AwsError("MalformedInput", "a field stands twice in the form")
    return form


def parse_form(form: dict[str, str], shape: Shape | None, protocol: str) -> dict[str, Any]:
    """The parameters that a form holds. Fields that the shape does not have are refused."""
    if shape is None:
        used: set[str] = set()
        value: Any = {}
    else:
        used = set()
        value = _parse(form, shape, "", used, protocol)
    unknown = sorted(set(form) - used)
    if unknown:
        raise AwsError("ValidationError", f"Unknown parameter: {', '.join(unknown)}")
    return value or {}


def _wire_name(member: Shape, name: str, protocol: str) -> str:
    if protocol == "ec2":
        if "queryName" in member.serialization:
            return str(member.serialization["queryName"])
        text = str(member.serialization.get("name", name))
        return text[:1].upper() + text[1:]
    return str(member.serialization.get("name", name))


def _parse(form: dict[str, str], shape: Shape, prefix: str, used: set[str], protocol: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        found = {}
        for name, member in shape.members.items():
            wire = _wire_name(member, name, protocol)
            value = _parse(form, member, f"{prefix}.{wire}" if prefix else wire, used, protocol)
            if value is not None:
                found[name] = value
        return found or None
    if kind == "list":
        items: list[Any] = []
        infix = "" if protocol == "ec2" or shape.serialization.get("flattened") else ".member"
        while True:
            value = _parse(form, shape.member, f"{prefix}{infix}.{len(items) + 1}", used, protocol)
            if value is None:
                return items or None
            items.append(value)
    if prefix not in form:
        return None
    used.add(prefix)
    text = form[prefix]
    if kind == "boolean":
        if text not in ("true", "false"):
            raise AwsError("ValidationError", f"{prefix}: '{text}' is no boolean")
        return text == "true"
    if kind in ("integer", "long"):
        if not text.lstrip("-").isdigit():
            raise AwsError("ValidationError", f"{prefix}: '{text}' is no number")
        return int(text)
    return text


def write_xml(service: str, operation: str, shape: Shape | None, value: dict[str, Any], request_id: str) -> bytes:
    """The reply of a Query operation."""
    protocol = "ec2" if service == "ec2" else "query"
    out: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>\n'] if protocol == "ec2" else []
    out.append(f'<{operation}Response xmlns="{NAMESPACES[service]}">')
    if protocol == "ec2":
        out.append(f"<requestId>{request_id}</requestId>")
        if shape is not None:
            _members(out, shape, value, protocol)
    else:
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{operation}Result")
            out.append(f"<{wrapper}>")
            _members(out, shape, value, protocol)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
    out.append(f"</{operation}Response>")
    return "".join(out).encode()


def _members(out: list[str], shape: Shape, value: dict[str, Any], protocol: str) -> None:
    unknown = set(value) - set(shape.members)
    assert not unknown, f"{shape.name} has no {unknown}"
    for name, member in shape.members.items():
        if name in value and value[name] is not None:
            _element(out, str(member.serialization.get("name", name)), member, value[name], protocol)


def _element(out: list[str], tag: str, shape: Shape, value: Any, protocol: str) -> None:
    kind = shape.type_name
    if kind == "list" and shape.serialization.get("flattened"):
        for item in value:
            _element(out, tag, shape.member, item, protocol)
        return
    out.append(f"<{tag}>")
    if kind == "structure":
        _members(out, shape, value, protocol)
    elif kind == "list":
        inner = str(shape.member.serialization.get("name", "item" if protocol == "ec2" else "member"))
        for item in value:
            _element(out, inner, shape.member, item, protocol)
    elif kind == "timestamp":
        out.append(datetime.fromtimestamp(value, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
    elif kind == "boolean":
        out.append("true" if value else "false")
    else:
        out.append(escape(str(value)))
    out.append(f"</{tag}>")


def write_xml_error(error: AwsError, request_id: str, protocol: str, service: str) -> bytes:
    """An error of a Query service or of S3."""
    code, message = escape(error.code), escape(error.message)
    extra = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in error.extra.items())
    if protocol == "s3":
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}<RequestId>{request_id}</RequestId>"
            f"<HostId>{int(time.time()):x}</HostId></Error>"
        )
    elif protocol == "ec2":
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        text = (
            f'<ErrorResponse xmlns="{NAMESPACES.get(service, NAMESPACES["iam"])}">\n  <Error>\n'
            f"    <Type>{error.fault}</Type>\n    <Code>{code}</Code>\n    <Message>{message}</Message>\n  </Error>\n"
            f"  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n"
        )
    return text.encode()
