#!/usr/bin/env python3
"""Compare two OpenAPI documents: paths, methods, parameters, fields with their types, statuses.

    python3 checks/openapi_diff.py OLD.json NEW.json
    python3 checks/openapi_diff.py --self-test

References are resolved, so names of schemas do not matter; neither do descriptions, summaries, titles, tags, examples and
operation ids. Exit status 1 if anything else differs.
"""

import json
import sys

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
STRUCTURE = {"$ref", "properties", "required", "items", "allOf", "anyOf", "oneOf", "additionalProperties", "prefixItems", "not"}
PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "deprecated", "discriminator"}


class Facts:
    """What a document promises, as {place: {statement, …}}."""

    def __init__(self, document):
        self.document, self.facts = document, {}
        for path, item in document.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    self.operation(f"{method.upper()} {path}", item, item[method])
        for name, scheme in document.get("components", {}).get("securitySchemes", {}).items():
            self.add(f"security scheme {name}", self.text(scheme))

    def add(self, place, statement):
        self.facts.setdefault(place, set()).add(statement)

    @staticmethod
    def text(value):
        kept = {key: value[key] for key in sorted(value) if key not in STRUCTURE | PROSE}
        return json.dumps(kept, sort_keys=True)

    def resolved(self, value):
        while "$ref" in value:
            target = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    def operation(self, place, item, operation):
        self.add(place, "exists")
        self.add(f"{place} security", json.dumps(operation.get("security", self.document.get("security"))))
        for parameter in item.get("parameters", []) + operation.get("parameters", []):
            parameter = self.resolved(parameter)
            at = f"{place} {parameter['in']} parameter {parameter['name']}"
            self.add(at, "required" if parameter.get("required") else "optional")
            self.schema(at, parameter.get("schema", {}))
        if "requestBody" in operation:
            body = self.resolved(operation["requestBody"])
            self.add(f"{place} request", "required" if body.get("required") else "optional")
            self.content(f"{place} request", body)
        for status, response in operation.get("responses", {}).items():
            response = self.resolved(response)
            self.add(f"{place} {status}", "exists")
            self.content(f"{place} {status}", response)
            for name, header in response.get("headers", {}).items():
                self.schema(f"{place} {status} header {name.lower()}", self.resolved(header).get("schema", {}))

    def content(self, place, holder):
        for media, content in holder.get("content", {}).items():
            self.schema(f"{place} {media}: body", content.get("schema", {}))

    def schema(self, place, schema, open_references=()):
        if not isinstance(schema, dict):
            return self.add(place, json.dumps(schema))
        if "$ref" in schema:
            if schema["$ref"] in open_references:
                return self.add(place, "recursive")
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            open_references += (schema["$ref"],)
            schema = self.resolved(schema) | {key: value for key, value in beside.items() if key not in PROSE}
        choices = [choice for key in ("allOf", "anyOf", "oneOf") for choice in schema.get(key, [])]
        for choice in choices:
            self.schema(place, choice, open_references)
        own = self.text(schema)
        if own != "{}" or not choices:
            self.add(place, own)
        required = set(schema.get("required", []))
        for name, field in schema.get("properties", {}).items():
            self.add(f"{place}.{name}", "required" if name in required else "optional")
            self.schema(f"{place}.{name}", field, open_references)
        for key, mark in (("items", "[]"), ("additionalProperties", ".*"), ("not", " not")):
            if key in schema:
                self.schema(place + mark, schema[key], open_references)
        for position, item in enumerate(schema.get("prefixItems", [])):
            self.schema(f"{place}[{position}]", item, open_references)
        return None


def difference(old, new):
    old, new = Facts(old).facts, Facts(new).facts
    for place in sorted(old.keys() - new.keys()):
        yield f"removed  {place}: {'; '.join(sorted(old[place]))}"
    for place in sorted(new.keys() - old.keys()):
        yield f"added    {place}: {'; '.join(sorted(new[place]))}"
    for place in sorted(old.keys() & new.keys()):
        if old[place] != new[place]:
            before, after = sorted(old[place] - new[place]), sorted(new[place] - old[place])
            yield f"changed  {place}: {'; '.join(before) or '-'} -> {'; '.join(after) or '-'}"


def self_test():
    def document(name, schema, status="200"):
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        operation = {"operationId": name, "responses": {status: {"description": name, "content": content}}}
        return {"paths": {"/a": {"get": operation}}, "components": {"schemas": {name: schema}}}

    fields = {"b": {"type": "string", "description": "x"}, "c": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}}
    old = document("A", {"type": "object", "required": ["b"], "properties": fields})
    renamed = json.loads(json.dumps(old).replace("schemas/A", "schemas/Z").replace('{"A"', '{"Z"').replace('"x"', '"y"'))
    assert list(difference(old, renamed)) == [], list(difference(old, renamed))
    for change in [{"required": ["b", "c"]}, {"properties": fields | {"d": {"type": "string"}}}, {"type": "array"},
                   {"properties": fields | {"b": {"type": "integer"}}}, {"properties": {"c": fields["c"]}}]:
        assert list(difference(old, document("A", {"type": "object", "required": ["b"], "properties": fields} | change))), change
    assert len(list(difference(old, document("A", old["components"]["schemas"]["A"], "202")))) > 1
    print("self-test passed")


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 2:
        sys.exit(__doc__)
    old, new = (json.load(open(path, encoding="utf-8")) for path in arguments)
    found = list(difference(old, new))
    print("\n".join(found) or "no differences")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
