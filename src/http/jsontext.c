#include "http/jsontext.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

/* ---- Checking ----------------------------------------------------------------------------- */

#define NUMBER_CHARS_MAX 512 /* longer ones are no numbers anybody means */
#define HIGH_FIRST 0xd800U   /* of a pair of surrogates */
#define LOW_FIRST 0xdc00U
#define LOW_END 0xe000U

/* Would a reader with 64-bit integers and doubles take it? */
static bool is_in_range(struct mcpz_bytes number)
{
    char text[NUMBER_CHARS_MAX + 1];

    if (number.length > NUMBER_CHARS_MAX) {
        return false;
    }
    mcpz_bytes_to_text(number, text, sizeof(text));
    if (strpbrk(text, ".eE") != NULL) {
        return isfinite(strtod(text, NULL));
    }
    errno = 0;
    (void)strtoll(text, NULL, 10);
    return errno == 0;
}

/* Could its escapes be read as characters? No NUL, and surrogates in pairs. */
static bool is_of_characters(struct mcpz_bytes string)
{
    const uint8_t *at = string.data;
    const uint8_t *const end = string.data + string.length;

    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        if (at[1] != 'u') {
            at += 2;
            continue;
        }
        uint32_t unit = mcpz_json_unit(at + 2);
        at += 6;
        if (unit == 0 || (unit >= LOW_FIRST && unit < LOW_END)) {
            return false;
        }
        if (unit >= HIGH_FIRST && unit < LOW_FIRST) {
            uint32_t low = at[0] == '\\' && at[1] == 'u' ? mcpz_json_unit(at + 2) : 0;
            if (low < LOW_FIRST || low >= LOW_END) {
                return false;
            }
            at += 6;
        }
    }
    return true;
}

static bool any_reader_takes(struct mcpz_bytes scalar)
{
    return scalar.data[0] == '"' ? is_of_characters(scalar) : is_in_range(scalar);
}

bool mcpz_jsontext_is_value(struct mcpz_bytes text)
{
    return mcpz_json_is_value_where(text, any_reader_takes);
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
