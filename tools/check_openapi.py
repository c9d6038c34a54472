#!/usr/bin/env python3
"""Check that the OpenAPI document says of the API's routes what their table in C says.

usage: check_openapi.py DOCUMENT SRC

DOCUMENT is what src/http/openapi/build.py makes. Each route and method of the table has its
operations there and each operation its route, with the access that the table gives it. Codes of
errors are those of proto/code.h. Within the document all references lead somewhere, names are used
once, and what stands in braces in a path is a parameter.
"""

import json
import pathlib
import re
import sys

METHODS = ("get", "post", "delete")
ROUTE = re.compile(r'\{\s*"(?P<path>/[^"]*)",\s*(?P<flags>[^.]*?),\s*(?P<handlers>\.[^}]*)\}', re.DOTALL)
CODE = re.compile(r'X\([A-Z_]+, \d+, "([a-z_]+)"')
# The face of MCP is no row of the table: api_mcp.c, connection.c.
FACE = {"/mcp": ("get", "post", "delete", "options"), "/mcp/{server}": ("get", "post", "delete", "options")}


def read_table(source):
    """Rows in their order: path, is it a prefix, the flags, the methods."""
    table = source[source.index("static const struct route routes[]"):]
    table = table[:table.index("\n};")]
    rows = []
    for match in ROUTE.finditer(table):
        methods = [method for method in METHODS if f".{method} =" in match["handlers"]]
        rows.append((match["path"], "ROUTE_PREFIX" in match["flags"], match["flags"], methods))
    if len(rows) != table.count('{"/'):
        raise ValueError("the table of routes in api.c is written as this check cannot read it")
    return rows


def access_of(flags, method):
    """As access_of() in api.c."""
    if "ROUTE_LOOK" in flags and method == "get":
        return "look"
    if "ROUTE_OWN " in flags + " ":
        return "own"
    if "ROUTE_SECRET" in flags or ("ROUTE_OWNER" in flags and method != "get"):
        return "all"
    return "tenant" if "ROUTE_TENANT" in flags else "use"


def find_row(rows, path):
    """The first that fits, as find_route() in api.c."""
    plain = re.sub(r"\{[^}]*\}", "x", path)
    for row in rows:
        if plain == row[0] or (row[1] and plain.startswith(row[0]) and len(plain) > len(row[0])):
            return row
    return None


def check_routes(document, rows):
    said = set()
    for path, item in document["paths"].items():
        for method in (m for m in item if m != "parameters"):
            if path in FACE:
                if method not in FACE[path]:
                    yield f"{method} {path}: the face of MCP does not take that"
                continue
            row = find_row(rows, path)
            if row is None or method not in row[3]:
                yield f"{method} {path}: there is no such route in api.c"
                continue
            said.add((row[0], method))
            access = item[method].get("x-mcpz-access")
            if access != access_of(row[2], method):
                yield f"{method} {path}: the table lets {access_of(row[2], method)}, the document {access}"
    for path, _, _, methods in rows:
        for method in methods:
            if (path, method) not in said:
                yield f"{method} {path}: the document does not have it"
    for path, methods in FACE.items():
        for method in methods:
            if method not in document["paths"].get(path, {}):
                yield f"{method} {path}: the document does not have it"


def walk(node, where="#"):
    yield where, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, f"{where}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from walk(value, f"{where}/{i}")


def resolve(document, reference):
    node = document
    for key in reference.removeprefix("#/").split("/"):
        node = node.get(key) if isinstance(node, dict) else None
    return node


def check_references(document):
    used = set()
    for where, node in walk(document):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            used.add(node["$ref"])
            if resolve(document, node["$ref"]) is None:
                yield f"{where}: there is no {node['$ref']}"
    for family in ("schemas", "responses", "parameters", "headers"):
        for name in document["components"][family]:
            if f"#/components/{family}/{name}" not in used:
                yield f"{name} of components/{family} is not used"


def check_operations(document):
    seen = set()
    tags = {tag["name"] for tag in document["tags"]}
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method in (m for m in item if m != "parameters"):
            operation = item[method]
            name = operation.get("operationId")
            if not name or name in seen:
                yield f"{method} {path}: its operationId is missing or used twice"
            seen.add(name)
            if not set(operation["tags"]) <= tags or not operation.get("summary"):
                yield f"{method} {path}: no summary, or a tag that is none"
            parameters = [resolve(document, p["$ref"]) if "$ref" in p else p
                          for p in shared + operation.get("parameters", [])]
            named = {p["name"] for p in parameters if p["in"] == "path" and p["required"]}
            if named != set(re.findall(r"\{([^}]*)\}", path)):
                yield f"{method} {path}: its parameters are not those in braces"


def main():
    document = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    src = pathlib.Path(sys.argv[2])
    rows = read_table((src / "http/api.c").read_text(encoding="utf-8"))
    codes = CODE.findall((src / "proto/code.h").read_text(encoding="utf-8"))
    troubles = [*check_routes(document, rows), *check_references(document), *check_operations(document)]
    if document["components"]["schemas"]["ErrorCode"]["enum"] != codes:
        troubles.append("ErrorCode does not have the codes of proto/code.h, in their order")
    for trouble in troubles:
        print(trouble)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
