"""botocore's service models: requests are checked against them, replies are written by them."""

from __future__ import annotations

import functools
import re
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator

from .errors import AwsError

_loader = Loader()
_validator = ParamValidator()


@functools.lru_cache(maxsize=None)
def service_model(name: str) -> ServiceModel:
    """The model of a service, read when it is first asked for."""
    return ServiceModel(_loader.load_service_model(name, "service-2"), name)


@functools.lru_cache(maxsize=None)
def operation(service: str, name: str) -> OperationModel | None:
    """The model of an operation, None for an unknown one."""
    model = service_model(service)
    return model.operation_model(name) if name in model.operation_names else None


@functools.lru_cache(maxsize=None)
def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.DOTALL)
    except re.error:  # Java's syntax has more than Python's
        return None


def check_params(params: Any, shape: Shape | None) -> None:
    """Raise ValidationException (or SerializationException for a wrong type or name) unless `params` fits."""
    if shape is None:
        if params:
            raise AwsError("SerializationException", f"the operation takes no parameters, got {sorted(params)}")
        return
    report = _validator.validate(params, shape)
    if report.has_errors():
        text = report.generate_report()
        wrong = "nvalid type" in text or "Unknown parameter" in text
        raise AwsError("SerializationException" if wrong else "ValidationException", text)
    failures: list[str] = []
    _check(params, shape, "", failures)
    if failures:
        plural = "s" if len(failures) > 1 else ""
        text = f"{len(failures)} validation error{plural} detected: {'; '.join(failures)}"
        raise AwsError("ValidationException", text)


def _check(value: Any, shape: Shape, path: str, failures: list[str]) -> None:
    """What botocore leaves to the service: maxima, patterns, enumerations."""
    limits = shape.metadata
    kind = shape.type_name
    if kind == "structure":
        for name, item in value.items():
            if name in shape.members:
                _check(item, shape.members[name], f"{path}.{name}" if path else name, failures)
        return
    size = value if kind in ("integer", "long", "float", "double") else len(value) if hasattr(value, "__len__") else 0
    if "max" in limits and size > limits["max"]:
        what = "value" if isinstance(value, (int, float)) else "length"
        failures.append(f"Value '{str(value)[:80]}' at '{path}' failed to satisfy constraint: "
                        f"Member must have {what} less than or equal to {limits['max']}")  # fmt: skip
    if kind == "string":
        allowed = getattr(shape, "enum", None)
        if allowed and value not in allowed:
            failures.append(f"Value '{value}' at '{path}' failed to satisfy constraint: "
                            f"Member must satisfy enum value set: [{', '.join(allowed)}]")  # fmt: skip
        pattern = _pattern(limits["pattern"]) if "pattern" in limits else None
        if pattern is not None and pattern.fullmatch(value) is None:
            failures.append(f"Value '{value[:80]}' at '{path}' failed to satisfy constraint: "
                            f"Member must satisfy regular expression pattern: {limits['pattern']}")  # fmt: skip
    elif kind == "list":
        for number, item in enumerate(value, 1):
            _check(item, shape.member, f"{path}.{number}.member", failures)
    elif kind == "map":
        for key, item in value.items():
            _check(key, shape.key, f"{path}.key", failures)
            _check(item, shape.value, f"{path}.{key}", failures)
