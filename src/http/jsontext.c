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

struct scan {
    const uint8_t *at;
    const uint8_t *end;
};

static bool is_digit(uint8_t character)
{
    return character >= '0' && character <= '9';
}

static uint8_t peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : 0;
}

static bool take(struct scan *scan, uint8_t character)
{
    if (peek(scan) != character || scan->at == scan->end) {
        return false;
    }
    scan->at++;
    return true;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != 0) {
        scan->at++;
    }
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0) {
        return false;
    }
    scan->at += length;
    return true;
}

static size_t take_digits(struct scan *scan)
{
    const uint8_t *start = scan->at;

    while (is_digit(peek(scan))) {
        scan->at++;
    }
    return (size_t)(scan->at - start);
}

/* Would a reader with 64-bit integers and doubles take it? */
static bool is_in_range(const uint8_t *start, const uint8_t *end, bool is_integer)
{
    char text[NUMBER_CHARS_MAX + 1];

    if (end - start > NUMBER_CHARS_MAX) {
        return false;
    }
    mcpz_bytes_to_text(mcpz_bytes(start, (size_t)(end - start)), text, sizeof(text));
    errno = 0;
    if (is_integer) {
        (void)strtoll(text, NULL, 10);
        return errno == 0;
    }
    return isfinite(strtod(text, NULL));
}

static bool take_number(struct scan *scan)
{
    const uint8_t *start = scan->at;
    bool is_integer = true;

    (void)take(scan, '-');
    if (!take(scan, '0') && take_digits(scan) == 0) {
        return false;
    }
    if (take(scan, '.')) {
        is_integer = false;
        if (take_digits(scan) == 0) {
            return false;
        }
    }
    if (take(scan, 'e') || take(scan, 'E')) {
        is_integer = false;
        if (!take(scan, '+')) {
            (void)take(scan, '-');
        }
        if (take_digits(scan) == 0) {
            return false;
        }
    }
    return is_in_range(start, scan->at, is_integer);
}

/* The four digits after "\u"; -1 if they are not. */
static int take_unit(struct scan *scan)
{
    int unit = 0;

    for (int i = 0; i < 4; i++) {
        uint8_t character = peek(scan);
        if (is_digit(character)) {
            unit = unit * 16 + (character - '0');
        } else if ((character | 0x20) >= 'a' && (character | 0x20) <= 'f') {
            unit = unit * 16 + ((character | 0x20) - 'a' + 10);
        } else {
            return -1;
        }
        scan->at++;
    }
    return unit;
}

static bool take_escape(struct scan *scan)
{
    uint8_t character = peek(scan);

    if (character != 'u') {
        if (character == 0 || strchr("\"\\/bfnrt", character) == NULL) {
            return false;
        }
        scan->at++;
        return true;
    }
    scan->at++;
    int unit = take_unit(scan);
    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
        return false;
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        int low = take_word(scan, "\\u") ? take_unit(scan) : -1;
        return low >= 0xdc00 && low <= 0xdfff;
    }
    return true;
}

static bool take_string(struct scan *scan)
{
    if (!take(scan, '"')) {
        return false;
    }
    while (scan->at < scan->end) {
        uint8_t character = *scan->at++;
        if (character == '"') {
            return true;
        }
        if (character < 0x20 || (character == '\\' && !take_escape(scan))) {
            return false;
        }
    }
    return false;
}

/* A value that is no container. */
static bool take_scalar(struct scan *scan)
{
    uint8_t character = peek(scan);

    if (character == '"') {
        return take_string(scan);
    }
    if (character == '-' || is_digit(character)) {
        return take_number(scan);
    }
    return take_word(scan, "true") || take_word(scan, "false") || take_word(scan, "null");
}

static bool take_key(struct scan *scan)
{
    skip_space(scan);
    if (!take_string(scan)) {
        return false;
    }
    skip_space(scan);
    return take(scan, ':');
}

struct nesting {
    char closers[MCPZ_JSON_DEPTH_MAX]; /* of the containers we are in */
    size_t depth;
};

/* Go into containers until a value is complete. False: it is not JSON. */
static bool descend(struct scan *scan, struct nesting *nesting)
{
    for (;;) {
        skip_space(scan);
        bool is_object = take(scan, '{');
        if (!is_object && !take(scan, '[')) {
            return take_scalar(scan);
        }
        char closer = is_object ? '}' : ']';
        if (nesting->depth == MCPZ_JSON_DEPTH_MAX) {
            return false;
        }
        skip_space(scan);
        if (take(scan, (uint8_t)closer)) {
            return true;
        }
        nesting->closers[nesting->depth++] = closer;
        if (is_object && !take_key(scan)) {
            return false;
        }
    }
}

bool mcpz_jsontext_is_value(struct mcpz_bytes text)
{
    if (text.length == 0 || !mcpz_bytes_is_utf8(text)) {
        return false;
    }
    struct scan scan = {.at = text.data, .end = text.data + text.length};
    struct nesting nesting = {.depth = 0};

    while (descend(&scan, &nesting)) {
        skip_space(&scan);
        while (nesting.depth > 0 && take(&scan, (uint8_t)nesting.closers[nesting.depth - 1])) {
            nesting.depth--;
            skip_space(&scan);
        }
        if (nesting.depth == 0) {
            return scan.at == scan.end;
        }
        if (!take(&scan, ',') || (nesting.closers[nesting.depth - 1] == '}' && !take_key(&scan))) {
            return false;
        }
    }
    return false;
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

static bool needs_escape(uint8_t character)
{
    return character < 0x20 || character == '"' || character == '\\' || character == 0x7f;
}

static void append_escaped(struct mcpz_body *body, uint8_t character)
{
    static const char digits[] = "0123456789abcdef";

    if (character == '"' || character == '\\') {
        const uint8_t escaped[] = {'\\', character};
        mcpz_body_append(body, mcpz_bytes(escaped, sizeof(escaped)));
    } else {
        const char escaped[] = {
            '\\', 'u', '0', '0', digits[character >> 4], digits[character & 15]};
        mcpz_body_append(body, mcpz_bytes(escaped, sizeof(escaped)));
    }
}

void mcpz_jsontext_append_string(struct mcpz_body *body, struct mcpz_bytes text)
{
    size_t start = 0;

    assert(mcpz_bytes_is_utf8(text));
    mcpz_body_text(body, "\"");
    for (size_t i = 0; i < text.length; i++) {
        if (needs_escape(text.data[i])) {
            mcpz_body_append(body, mcpz_bytes(text.data + start, i - start));
            append_escaped(body, text.data[i]);
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
