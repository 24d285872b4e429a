# SPDX-License-Identifier: MIT
"""The description of the API: the file, its parts, and schemas that know no member but those it describes."""
import copy
import json

from jsonschema import Draft202012Validator, RefResolver

from . import binaries

PATH = binaries.ROOT / "gateway/api/openapi.json"
DOCUMENT = json.loads(PATH.read_text(encoding="utf-8"))
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def resolve(part):
    """The part itself, where it is a reference."""
    while "$ref" in part:
        assert part["$ref"].startswith("#/"), part
        target = DOCUMENT
        for name in part["$ref"][2:].split("/"):
            target = target[name]
        part = target
    return part


def nodes(part):
    """Every object in it."""
    if isinstance(part, dict):
        yield part
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from nodes(child)


class Operation:
    def __init__(self, path, method, item):
        self.path, self.method, self.raw = path, method.upper(), item[method]
        self.id = self.raw["operationId"]
        self.is_admin_port = "servers" in item
        self.parameters = [resolve(parameter) for parameter in self.raw.get("parameters", [])]
        self.responses = {int(status): resolve(response) for status, response in self.raw["responses"].items()}
        body = self.raw.get("requestBody")
        self.media_type, self.body = next(iter(body["content"].items())) if body else (None, None)
        self.has_optional_body = bool(body) and not body["required"]

    @property
    def scopes(self):
        """None: open, or of the registry; otherwise the scopes that it names."""
        security = self.raw["security"]
        return security[-1].get("token") if security else None

    @property
    def is_of_registry(self):
        return self.raw["security"] == [{"registry": []}]

    @property
    def is_of_gitlab(self):
        return self.raw["security"] == [{"gitlab": []}]

    @property
    def is_optional(self):
        return {} in self.raw["security"]

    def named(self, place):
        return [parameter["name"] for parameter in self.parameters if parameter["in"] == place]

    def errors(self):
        """(code, status) of every error that it documents."""
        return {(code, status) for status, response in self.responses.items() for code in codes_of(response)}


def codes_of(response):
    """The codes of a response that is an error of the gateway."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return [code for shape in schema.get("oneOf", [schema]) for code in _codes_of_shape(shape)]


def _codes_of_shape(schema):
    """In either shape: {"error": {"code", "message"}}, or that of OAuth."""
    error = schema.get("properties", {}).get("error", {})
    return error.get("enum") or error.get("properties", {}).get("code", {}).get("enum", [])


OPERATIONS = {operation.id: operation for operation in
              (Operation(path, method, item) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item)}


# ---- schemas that are closed: a member that is not described is an error --------------------------------------------

MIXINS = {child["$ref"] for node in nodes(DOCUMENT) for child in node.get("allOf", ()) if "$ref" in child}


def _close(part, may_close=True):
    """`may_close` false: its members are completed by others, within an allOf."""
    if isinstance(part, list):
        for child in part:
            _close(child)
        return
    if not isinstance(part, dict):
        return
    for name, child in part.items():
        if name == "allOf":
            for each in child:
                _close(each, may_close=False)
        elif name not in ("if", "then", "else", "oneOf", "examples", "example", "const", "enum"):
            _close(child)
    is_object = part.get("$ref") in MIXINS or (part.get("type") == "object" and "properties" in part)
    if may_close and is_object and "additionalProperties" not in part:
        part["unevaluatedProperties"] = False


def _closed():
    document = copy.deepcopy(DOCUMENT)
    for name, schema in document["components"]["schemas"].items():
        _close(schema, may_close=f"#/components/schemas/{name}" not in MIXINS)
    return document


_RESOLVER = RefResolver("", _closed())


def validate(schema, value):
    """Asserts that the value is what the schema describes, and has no member besides."""
    schema = copy.deepcopy(schema)
    _close(schema)
    if "allOf" in schema and "error" in schema.get("properties", {}):  # an error, narrowed to its codes
        schema["unevaluatedProperties"] = False
    failures = list(Draft202012Validator(schema, resolver=_RESOLVER).iter_errors(value))
    assert not failures, "\n".join(f"{list(failure.absolute_path)}: {failure.message}" for failure in failures)


# Fields of every response, of HTTP itself and of info.description.
OF_ALL = {"date", "content-length", "content-type", "connection", "traceparent", "skillreg-token-expires", "ratelimit",
          "ratelimit-policy"}


def assert_answer(operation, response):
    """The answer of a gateway is one that the document describes: status, fields, type, and body to the last member."""
    described = operation.responses[response.status]
    named = {name.lower() for name in described.get("headers", {})}
    assert {name.lower() for name, _ in response.fields} <= named | OF_ALL, response.fields
    for name, field in described.get("headers", {}).items():
        field = resolve(field)
        assert not field.get("required") or response.get(name) is not None, f"{operation.id}: {response.status} without {name}"
        if response.get(name) is not None:
            validate(field["schema"], response.get(name))
    if "content" not in described or operation.method == "HEAD":
        assert response.body == b""
        return
    (media_type, content), = described["content"].items()
    assert response.get("content-type") == media_type
    validate(content["schema"], response.json() if media_type == "application/json" else response.body.decode())
