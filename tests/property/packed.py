"""MessagePack in its canonical form, as wire/value.h has it: for tests that make and read bytes."""
import base64
import struct


class Bin(bytes):
    """Bytes, where `bytes` by itself could be a text."""


def pack_blob(value):
    """{"$blob": NAME, "size": N, "tenant": NAME}: the name of a blob, as a whole value."""
    text = value["$blob"].removeprefix("b-").upper()
    root = base64.b32decode(text + "=" * (-len(text) % 8))
    data = b"\x01" + root + value["size"].to_bytes(8, "big") + value["tenant"].encode()
    return bytes([0xc7, len(data) - 1]) + data


def unpack_blob(data):
    root = base64.b32encode(data[1:33]).decode().lower().rstrip("=")
    return {"$blob": "b-" + root, "size": int.from_bytes(data[33:41], "big"), "tenant": data[41:].decode()}


def pack(value):
    """The one form of a value. bytes become bin, str text, dicts are sorted by their keys."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_int(value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return pack_length(len(data), 0xa0, 31, (0xd9, 0xda, 0xdb)) + data
    if isinstance(value, (bytes, bytearray)):
        return pack_length(len(value), None, -1, (0xc4, 0xc5, 0xc6)) + bytes(value)
    if isinstance(value, (list, tuple)):
        head = pack_length(len(value), 0x90, 15, (None, 0xdc, 0xdd))
        return head + b"".join(pack(item) for item in value)
    if "$blob" in value:
        return pack_blob(value)
    pairs = sorted((key.encode(), item) for key, item in value.items())
    head = pack_length(len(pairs), 0x80, 15, (None, 0xde, 0xdf))
    return head + b"".join(pack(key.decode()) + pack(item) for key, item in pairs)


def pack_int(number):
    if -32 <= number <= 127:
        return struct.pack(">b", number)
    for order, bits in enumerate((8, 16, 32, 64)):
        if number > 0 and number < 1 << bits:
            return bytes([0xcc + order]) + number.to_bytes(bits // 8, "big")
        if number < 0 and number >= -(1 << bits - 1):
            return bytes([0xd0 + order]) + number.to_bytes(bits // 8, "big", signed=True)
    raise ValueError(number)


def pack_length(length, fixed, fixed_max, heads):
    if fixed is not None and length <= fixed_max:
        return bytes([fixed | length])
    for head, width in zip(heads, (1, 2, 4)):
        if head is not None and length < 1 << 8 * width:
            return bytes([head]) + length.to_bytes(width, "big")
    raise ValueError(length)


def unpack(data):
    value, rest = unpack_one(data)
    if rest:
        raise ValueError("bytes are left")
    return value


def unpack_one(data):
    """The value at the front, and what is left."""
    head = data[0]
    if head <= 0x7f or head >= 0xe0:
        return head - 256 * (head >= 0xe0), data[1:]
    if head in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[head], data[1:]
    if head == 0xc7:
        return unpack_blob(data[2:3 + data[1]]), data[3 + data[1]:]
    if head == 0xcb:
        return struct.unpack(">d", data[1:9])[0], data[9:]
    if 0xcc <= head <= 0xd3:
        width = 1 << (head & 3)
        return int.from_bytes(data[1:1 + width], "big", signed=head >= 0xd0), data[1 + width:]
    for first, last, count in ((0xa0, 0xbf, 31), (0x90, 0x9f, 15), (0x80, 0x8f, 15)):
        if first <= head <= last:
            return unpack_body(first, head & count, data[1:])
    kinds = {0xc4: 0xc4, 0xc5: 0xc4, 0xc6: 0xc4, 0xd9: 0xa0, 0xda: 0xa0, 0xdb: 0xa0,
             0xdc: 0x90, 0xdd: 0x90, 0xde: 0x80, 0xdf: 0x80}
    widths = {0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4,
              0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4}
    width = widths[head]
    return unpack_body(kinds[head], int.from_bytes(data[1:1 + width], "big"), data[1 + width:])


def unpack_body(kind, count, data):
    if kind == 0xc4:
        return Bin(data[:count]), data[count:]
    if kind == 0xa0:
        return data[:count].decode(), data[count:]
    items = []
    for _ in range(count if kind == 0x90 else 2 * count):
        item, data = unpack_one(data)
        items.append(item)
    return (items if kind == 0x90 else dict(zip(items[::2], items[1::2]))), data
