#!/usr/bin/env python3
"""Check that includes under src/ only point to floors below, and libraries stay in their floor."""

import pathlib
import re
import sys

# Floor: the floors it may include. Its own is always allowed.
MAY_USE = {
    "base": set(),
    "proto": {"base"},
    "core": {"base", "proto"},
    "wire": {"base", "proto"},
    "crypto": {"base", "proto"},
    "store": {"base", "proto"},
    "client": {"base", "proto", "wire"},
    "blob": {"base", "proto", "crypto", "store"},
    "backup": {"base", "proto", "wire", "crypto", "store", "blob"},
    "engine": {"base", "proto", "core", "wire", "crypto", "store"},
    "host": {"base", "proto", "core", "wire", "crypto", "store", "engine"},
    "sim": {"base", "proto", "core", "wire", "crypto", "store", "engine"},
    "net": {"base", "proto", "core", "crypto", "engine", "host"},
    "http": {"base", "proto", "core", "wire", "crypto", "store", "engine", "host", "desk",
             "mcp", "blob", "backup"},
    "exec": {"base", "proto", "core", "wire", "engine", "host"},
    "desk": {"base", "proto", "core", "wire", "engine", "host"},
    "mcp": {"base", "proto", "core", "wire", "engine", "host", "desk"},
    "local": {"base", "proto", "core", "wire", "engine", "host", "desk"},
    "embed": {"base", "proto", "core", "wire", "crypto", "store", "engine", "host", "net", "http",
              "exec", "local", "client", "desk", "mcp", "blob", "backup"},
    "cli": {"base", "proto", "core", "wire", "crypto", "store", "engine", "host", "net", "http",
            "exec", "local", "client", "desk", "mcp", "blob", "backup", "embed"},
}

# Header: the floors that may include it. Headers not named here are free for all.
EDGES = {"net", "http", "exec", "local"}
SYSTEM = {"store", "client", "blob", "backup", "engine", "host", "desk", "mcp", "sim", "embed", "cli"} | EDGES
CONFINED = {
    "msgpack.h": {"wire"},
    "zstd.h": {"wire", "blob"},
    "sodium.h": {"crypto"},
    "p11-kit/pkcs11.h": {"blob"},
    "lmdb.h": {"store"},
    "ev.h": {"host", "embed"} | EDGES,
    "libwebsockets.h": {"host", "net", "http"},
    "curl/curl.h": {"http"},
    "cyaml/cyaml.h": {"host"},
    "yaml.h": {"host"},
    "jansson.h": {"http", "cli"},
    "ares.h": {"net"},
    "openssl/ssl.h": {"net"},
    "openssl/evp.h": {"net"},
    "openssl/x509.h": {"net"},
    "pthread.h": {"store", "blob", "backup"},
    "stdlib.h": SYSTEM | {"wire", "crypto"},
    "stdio.h": SYSTEM,
    "time.h": {"client", "store", "blob", "backup", "host", "cli", "http"},
    "sys/socket.h": {"client", "host", "embed", "cli"} | EDGES,
    "unistd.h": {"client", "store", "blob", "backup", "host", "embed", "cli"} | EDGES,
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def faults(source: pathlib.Path, floor: str):
    """Yield 'file:line: message' for each include of `source` that breaks a rule."""
    for number, line in enumerate(source.read_text().splitlines(), start=1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        target = header.split("/")[0]
        if quote == '"' and target != floor and target not in MAY_USE[floor]:
            yield f"{source}:{number}: {floor}/ may not include {header}"
        if quote == "<" and floor not in CONFINED.get(header, {floor}):
            yield f"{source}:{number}: <{header}> does not belong in {floor}/"


def main() -> int:
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "src"
    found = [
        fault
        for source in sorted(root.glob("*/**/*.[ch]"))
        for fault in faults(source, source.relative_to(root).parts[0])
    ]
    print("\n".join(found) or "floors: in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
