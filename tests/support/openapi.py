"""The node's OpenAPI document, as something that requests and answers are held against."""

import json

import jsonschema

METHODS = ("get", "post", "delete", "options")


def kind_of(content_type):
    """"text/plain; version=0.0.4" -> "text/plain"."""
    return (content_type or "").split(";")[0].strip().lower()


def events_of(text):
    """What the "data:" of each Server-Sent Event says."""
    for event in text.split("\n\n"):
        data = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        if any(data):
            yield json.loads("\n".join(data))


def lines_of(text):
    return (json.loads(line) for line in text.split("\n") if line.strip())


class Document:
    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.operations = {}
        for path, item in document["paths"].items():
            for method in (m for m in METHODS if m in item):
                self.operations[item[method]["operationId"]] = (method, path, item[method])

    def follow(self, node):
        """What a reference refers to; else the node itself."""
        return self.resolver.resolve(node["$ref"])[1] if "$ref" in node else node

    def holds(self, schema, value):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        return validator.is_valid(value)

    def check(self, schema, value, what):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        for error in validator.iter_errors(value):
            raise AssertionError(f"{what}: {error.message} at {list(error.absolute_path)}\nin {value!r:.2000}")

    def check_schemas(self):
        """Are all of them schemas?"""
        for name, schema in self.document["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)

    def takes(self, name, body):
        """May the operation be asked with this JSON?"""
        content = self.operations[name][2].get("requestBody", {}).get("content", {})
        return "application/json" in content and self.holds(content["application/json"]["schema"], body)

    def response_of(self, name, status):
        responses = self.operations[name][2]["responses"]
        said = responses.get(str(status), responses.get(f"{status // 100}XX"))
        if said is None:
            raise AssertionError(f"{name}: the document does not know the status {status}")
        return self.follow(said)

    def check_answer(self, name, status, headers, body):
        """Is that what the document says of such an answer? `headers` by names in small letters."""
        what = f"{name} answered {status}"
        response = self.response_of(name, status)
        for header, said in response.get("headers", {}).items():
            said, value = self.follow(said), headers.get(header.lower())
            if value is None:
                assert not said.get("required"), f"{what} without {header}"
                continue
            schema = self.follow(said["schema"])
            self.check(schema, int(value) if schema.get("type") == "integer" else value, f"{what}: {header}")
        assert status != 405 or "allow" in headers, what
        assert status not in (429, 503) or "retry-after" in headers, f"{what} without Retry-After"
        content = response.get("content")
        if content is None:
            assert not body, f"{what} with a body: {body[:200]!r}"
            return
        kind = kind_of(headers.get("content-type"))
        assert kind in content, f"{what} with {kind}: {body[:200]!r}"
        self.check_content(content[kind], kind, body, what)

    def check_content(self, said, kind, body, what):
        if kind == "application/json":
            self.check(said["schema"], json.loads(body), what)
            return
        if kind == "text/event-stream" or kind == "application/x-ndjson":
            items = events_of(body.decode()) if kind == "text/event-stream" else lines_of(body.decode())
            for item in items:
                self.check(said["x-item-schema"], item, what)
            return
        self.check(said["schema"], body.decode("latin-1"), what)
