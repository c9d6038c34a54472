#include "http/jsontext.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "wire/json.h"

bool mcpz_jsontext_is_value(struct mcpz_bytes text)
{
    return mcpz_json_check(text, MCPZ_JSON_INTEROPERABLE) == MCPZ_OK;
}

/* ---- Writing ------------------------------------------------------------------------------ */

/* How many bytes the character at `text` takes; 0: it is none. */
static size_t character_length(const char *text, size_t left)
{
    for (size_t length = 1; length <= 4 && length <= left; length++) {
        if (mcpz_bytes_is_utf8(mcpz_bytes(text, length))) {
            return length;
        }
    }
    return 0;
}

void mcpz_jsontext_clean(char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t length = character_length(text, left);
        if (length == 0) {
            *text = '?';
            length = 1;
        }
        text += length;
        left -= length;
    }
}

void mcpz_jsontext_append_string(struct mcpz_body *body, struct mcpz_bytes text)
{
    char escape[MCPZ_JSON_ESCAPE_CHARS];
    size_t start = 0;

    assert(mcpz_bytes_is_utf8(text));
    mcpz_body_text(body, "\"");
    for (size_t i = 0; i < text.length; i++) {
        size_t length = mcpz_json_escape_byte(text.data[i], escape);
        if (length > 0) {
            mcpz_body_append(body, mcpz_bytes(text.data + start, i - start));
            mcpz_body_append(body, mcpz_bytes(escape, length));
            start = i + 1;
        }
    }
    if (start < text.length) {
        mcpz_body_append(body, mcpz_bytes(text.data + start, text.length - start));
    }
    mcpz_body_text(body, "\"");
}

#define BASE64_PIECE_BYTES 3072 /* a multiple of three */

void mcpz_jsontext_append_base64(struct mcpz_body *body, struct mcpz_bytes bytes)
{
    char text[MCPZ_BASE64_CHARS(BASE64_PIECE_BYTES) + 1];

    mcpz_body_text(body, "\"");
    while (bytes.length > 0) {
        size_t count = bytes.length < BASE64_PIECE_BYTES ? bytes.length : BASE64_PIECE_BYTES;
        mcpz_base64_encode(mcpz_bytes(bytes.data, count), text);
        mcpz_body_text(body, text);
        bytes = mcpz_bytes(bytes.data + count, bytes.length - count);
    }
    mcpz_body_text(body, "\"");
}

const char *mcpz_jsontext_append_result(struct mcpz_body *body, struct mcpz_bytes result)
{
    bool has_nul = result.length > 0 && memchr(result.data, 0, result.length) != NULL;

    if (mcpz_jsontext_is_value(result)) {
        mcpz_body_append(body, result);
        return "json";
    }
    if (!has_nul && mcpz_bytes_is_utf8(result)) {
        mcpz_jsontext_append_string(body, result);
        return "text";
    }
    mcpz_jsontext_append_base64(body, result);
    return "base64";
}
