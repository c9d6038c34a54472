#include "http/agent_id.h"

#include <stdbool.h>

#include "proto/limits.h"

/* C0, DEL, and C1 (U+0080 to U+009F, in UTF-8 c2 80 to c2 9f). */
static bool has_controls(struct mcpz_bytes id)
{
    for (size_t i = 0; i < id.length; i++) {
        uint8_t byte = id.data[i];
        if (byte < 0x20 || byte == 0x7f) {
            return true;
        }
        if (byte == 0xc2 && i + 1 < id.length && id.data[i + 1] < 0xa0) {
            return true;
        }
    }
    return false;
}

static bool is_dots(struct mcpz_bytes element)
{
    for (size_t i = 0; i < element.length; i++) {
        if (element.data[i] != '.') {
            return false;
        }
    }
    return element.length <= 2;
}

static bool has_dot_elements(struct mcpz_bytes id)
{
    size_t start = 0;

    for (size_t i = 0; i <= id.length; i++) {
        if (i == id.length || id.data[i] == '/') {
            if (is_dots(mcpz_bytes(id.data + start, i - start))) {
                return true;
            }
            start = i + 1;
        }
    }
    return false;
}

const char *mcpz_agent_id_trouble(struct mcpz_bytes id)
{
    if (id.length == 0) {
        return "no \"id\" is given, or an empty one: an agent's has 1 to 128 bytes";
    }
    if (id.length > MCPZ_AGENT_NAME_BYTES_MAX) {
        return "an agent's id has at most 128 bytes";
    }
    if (!mcpz_bytes_is_utf8(id)) {
        return "an agent's id must be UTF-8";
    }
    if (has_controls(id)) {
        return "an agent's id may not contain control characters";
    }
    if (has_dot_elements(id)) {
        return "between slashes, an agent's id may not have nothing, \".\" or \"..\"";
    }
    return NULL;
}
