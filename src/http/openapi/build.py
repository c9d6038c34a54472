#!/usr/bin/env python3
"""Put the OpenAPI document together, and make C of it.

usage: build.py OUTPUT VERSION openapi.json paths.json schemas.json

What holds of all operations is said once, here: how one may ask (by `x-mcpz-access`), and how
each can be refused. OUTPUT that ends with .json is the document itself, for looking at it.
"""

import json
import sys

SECURITY = {
    "look": [],
    "tenant": [{"bearer": []}, {"apiKey": []}, {}],
    "use": [{"bearer": []}, {"apiKey": []}, {}],
    "all": [{"bearer": []}, {"apiKey": []}],
    "own": [{"bearer": []}, {"apiKey": []}],
}
LINE = 96
METHODS = ("get", "post", "delete", "options")


def response(name):
    return {"$ref": f"#/components/responses/{name}"}


def complete(operation):
    """Say what goes without saying."""
    access = operation["x-mcpz-access"]
    responses = operation["responses"]
    operation["security"] = SECURITY[access]
    responses.setdefault("403", response("Denied"))
    if access != "look":
        responses.setdefault("401", response("Unauthorized"))
        if "4XX" not in responses:
            responses.setdefault("400", response("BadRequest"))
    responses.setdefault("4XX", response("Refused"))
    responses.setdefault("5XX", response("Failed"))
    operation["responses"] = dict(sorted(responses.items()))


def put_together(version, files):
    document, paths, schemas = (json.load(open(name, encoding="utf-8")) for name in files)
    document["info"]["version"] = version
    document["paths"] = paths
    document["components"]["schemas"] = schemas
    for path in paths.values():
        for method in METHODS:
            if method in path:
                complete(path[method])
    return document


def as_c(text):
    """A C file with the text as one string, in pieces."""
    pieces = [text[i:i + LINE] for i in range(0, len(text), LINE)]
    lines = "\n".join("    " + json.dumps(piece) for piece in pieces)
    return ('#include "http/openapi.h"\n\n'
            f"static const char document[] =\n{lines};\n\n"
            "struct mcpz_bytes mcpz_openapi_document(void)\n"
            "{\n    return mcpz_bytes(document, sizeof(document) - 1);\n}\n")


def main():
    output, version, *files = sys.argv[1:]
    text = json.dumps(put_together(version, files), separators=(",", ":"))  # ASCII only
    with open(output, "w", encoding="ascii") as file:
        file.write(text if output.endswith(".json") else as_c(text))


if __name__ == "__main__":
    main()
