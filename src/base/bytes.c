#include "base/bytes.h"

#include <assert.h>

void mcpz_bytes_to_text(struct mcpz_bytes bytes, char *text, size_t capacity)
{
    assert(capacity > 0);

    size_t length = bytes.length < capacity ? bytes.length : capacity - 1;
    while (length > 0 && length < bytes.length && (bytes.data[length] & 0xc0U) == 0x80) {
        length--; /* not in the middle of a character */
    }
    if (length > 0) {
        memcpy(text, bytes.data, length);
    }
    text[length] = '\0';
}

struct mcpz_bytes mcpz_bytes_find_pair(struct mcpz_bytes pairs, const char *name)
{
    const char *at = (const char *)pairs.data;
    const char *end = at != NULL ? at + pairs.length : NULL;

    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0) {
            return mcpz_text(value);
        }
        at = value + strlen(value) + 1;
    }
    return mcpz_bytes(NULL, 0);
}

/* Bytes that follow `first`, and the smallest code point that may need so many. */
static int continuation_count(uint8_t first, uint32_t *smallest)
{
    if (first < 0x80) {
        *smallest = 0;
        return 0;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        *smallest = 0x80;
        return 1;
    }
    if (first >= 0xe0 && first <= 0xef) {
        *smallest = 0x800;
        return 2;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        *smallest = 0x10000;
        return 3;
    }
    return -1;
}

/* Eight characters of ASCII, as most texts are? */
static bool is_plain(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool mcpz_bytes_is_utf8(struct mcpz_bytes bytes)
{
    for (size_t at = 0; at < bytes.length;) {
        if (bytes.length - at >= sizeof(uint64_t) && is_plain(bytes.data + at)) {
            at += sizeof(uint64_t);
            continue;
        }
        uint8_t first = bytes.data[at++];
        uint32_t smallest;
        if (first < 0x80) {
            continue;
        }
        int more = continuation_count(first, &smallest);
        if (more < 0 || (size_t)more > bytes.length - at) {
            return false;
        }

        uint32_t point = more == 0 ? first : first & (0x3fU >> more);
        for (int i = 0; i < more; i++) {
            uint8_t next = bytes.data[at++];
            if ((next & 0xc0U) != 0x80) {
                return false;
            }
            point = point << 6 | (next & 0x3fU);
        }
        if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
            return false;
        }
    }
    return true;
}
