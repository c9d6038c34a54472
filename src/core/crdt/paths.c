#include "core/crdt/paths.h"

#include <assert.h>

#define FIXARRAY 0x90
#define FIXARRAY_MAX 15
#define ARRAY16 0xdc
#define FIXSTR 0xa0
#define STR8 0xd9
#define STR16 0xda

/* Only 16 needs the long header: 17 is too deep. */
static_assert(MCPZ_PATH_DEPTH_MAX == FIXARRAY_MAX + 1, "one depth has the long header");

static const uint8_t id_path[] = {0x92, 0xa1, '$', 0xa2, 'i', 'd'};
static const uint8_t life_path[] = {0x92, 0xa1, '$', 0xa4, 'l', 'i', 'f', 'e'};
static const uint8_t reserved_element[] = {0xa1, '$'};

const struct mcpz_bytes mcpz_paths_id = {.data = id_path, .length = sizeof(id_path)};
const struct mcpz_bytes mcpz_paths_life = {.data = life_path, .length = sizeof(life_path)};

static size_t header_bytes(struct mcpz_bytes path)
{
    return path.data[0] == ARRAY16 ? 3 : 1;
}

/* The big-endian number in `width` bytes. */
static uint64_t number_at(const uint8_t *at, size_t width)
{
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

static size_t text_bytes(struct mcpz_bytes rest)
{
    uint8_t first = rest.data[0];
    size_t width = 0;
    size_t length = first & 0x1f;

    if ((first & 0xe0) != FIXSTR) {
        width = first == STR8 ? 1 : 2;
        if (rest.length < 1 + width) {
            return 0;
        }
        length = (size_t)number_at(rest.data + 1, width);
        if (length <= (width == 1 ? 31 : UINT8_MAX)) {
            return 0; /* a shorter header would do */
        }
    }
    if (length > rest.length - 1 - width ||
        !mcpz_bytes_is_utf8(mcpz_bytes(rest.data + 1 + width, length))) {
        return 0;
    }
    return 1 + width + length;
}

static size_t natural_bytes(struct mcpz_bytes rest)
{
    static const uint64_t least[] = {0x80, 0x100, 0x10000, UINT64_C(0x100000000)};
    size_t order = rest.data[0] & 3U;
    size_t width = (size_t)1 << order;

    if (rest.length < 1 + width || number_at(rest.data + 1, width) < least[order]) {
        return 0;
    }
    return 1 + width;
}

/* How long the element at the front is; 0: it is not one. */
static size_t element_bytes(struct mcpz_bytes rest)
{
    if (rest.length == 0) {
        return 0;
    }
    uint8_t first = rest.data[0];
    if (first <= 0x7f) {
        return 1;
    }
    if ((first & 0xe0) == FIXSTR || first == STR8 || first == STR16) {
        return text_bytes(rest);
    }
    return first >= 0xcc && first <= 0xcf ? natural_bytes(rest) : 0;
}

size_t mcpz_paths_depth(struct mcpz_bytes path)
{
    return path.data[0] == ARRAY16 ? number_at(path.data + 1, 2) : path.data[0] ^ FIXARRAY;
}

struct mcpz_bytes mcpz_paths_elements(struct mcpz_bytes path)
{
    size_t header = header_bytes(path);
    return mcpz_bytes(path.data + header, path.length - header);
}

bool mcpz_paths_is_valid(struct mcpz_bytes path)
{
    if (path.length == 0 || path.length > MCPZ_PATH_BYTES_MAX ||
        path.length < header_bytes(path)) {
        return false;
    }
    bool is_long = path.data[0] == ARRAY16;
    size_t depth = mcpz_paths_depth(path);
    if (depth < 1 || depth > MCPZ_PATH_DEPTH_MAX || is_long != (depth > FIXARRAY_MAX)) {
        return false;
    }

    struct mcpz_bytes rest = mcpz_paths_elements(path);
    for (size_t i = 0; i < depth; i++) {
        size_t length = element_bytes(rest);
        if (length == 0) {
            return false;
        }
        rest = mcpz_bytes(rest.data + length, rest.length - length);
    }
    return rest.length == 0;
}

bool mcpz_paths_is_reserved(struct mcpz_bytes path)
{
    struct mcpz_bytes elements = mcpz_paths_elements(path);

    return elements.length >= sizeof(reserved_element) &&
           memcmp(elements.data, reserved_element, sizeof(reserved_element)) == 0;
}

size_t mcpz_paths_prefix(size_t depth, struct mcpz_bytes elements, uint8_t *buffer)
{
    assert(depth >= 1 && depth <= MCPZ_PATH_DEPTH_MAX);
    assert(elements.length <= MCPZ_PATH_BYTES_MAX);

    size_t header = 1;
    buffer[0] = (uint8_t)(FIXARRAY | depth);
    if (depth > FIXARRAY_MAX) {
        buffer[0] = ARRAY16;
        buffer[1] = 0;
        buffer[2] = (uint8_t)depth;
        header = 3;
    }
    memcpy(buffer + header, elements.data, elements.length);
    return header + elements.length;
}
