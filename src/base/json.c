#include "base/json.h"

#include <string.h>

#define REPLACEMENT 0xfffdU
#define HIGH_FIRST 0xd800U
#define LOW_FIRST 0xdc00U
#define LOW_END 0xe000U

struct scan {
    const uint8_t *text;
    size_t length;
    size_t at;
    bool (*may_be)(struct mcpz_bytes scalar); /* NULL: whatever is well-formed */
};

static bool is_at(const struct scan *scan, uint8_t byte)
{
    return scan->at < scan->length && scan->text[scan->at] == byte;
}

static bool take(struct scan *scan, uint8_t byte)
{
    if (!is_at(scan, byte)) {
        return false;
    }
    scan->at++;
    return true;
}

static void skip_space(struct scan *scan)
{
    while (is_at(scan, ' ') || is_at(scan, '\t') || is_at(scan, '\n') || is_at(scan, '\r')) {
        scan->at++;
    }
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool take_digits(struct scan *scan)
{
    size_t start = scan->at;
    while (scan->at < scan->length && is_digit(scan->text[scan->at])) {
        scan->at++;
    }
    return scan->at > start;
}

static bool take_number(struct scan *scan)
{
    (void)take(scan, '-');
    if (!take(scan, '0') && !take_digits(scan)) {
        return false;
    }
    if (take(scan, '.') && !take_digits(scan)) {
        return false;
    }
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+')) {
            (void)take(scan, '-');
        }
        return take_digits(scan);
    }
    return true;
}

static int hex_digit(uint8_t byte)
{
    if (is_digit(byte)) {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20U;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool take_hex(struct scan *scan)
{
    for (int i = 0; i < 4; i++, scan->at++) {
        if (scan->at >= scan->length || hex_digit(scan->text[scan->at]) < 0) {
            return false;
        }
    }
    return true;
}

/* What may stand behind a backslash, but for u. */
static const char escapes[] = {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'};

static bool take_string(struct scan *scan)
{
    if (!take(scan, '"')) {
        return false;
    }
    while (scan->at < scan->length) {
        uint8_t byte = scan->text[scan->at++];
        if (byte == '"') {
            return true;
        }
        if (byte < ' ') {
            return false;
        }
        if (byte != '\\') {
            continue;
        }
        if (scan->at == scan->length) {
            return false;
        }
        byte = scan->text[scan->at++];
        if (byte == 'u' ? !take_hex(scan) : memchr(escapes, byte, sizeof(escapes)) == NULL) {
            return false;
        }
    }
    return false;
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);
    if (scan->length - scan->at < length || memcmp(scan->text + scan->at, word, length) != 0) {
        return false;
    }
    scan->at += length;
    return true;
}

/* What `taking` takes, if it may be. */
static bool take_if(struct scan *scan, bool (*taking)(struct scan *))
{
    const size_t start = scan->at;

    return taking(scan) && (scan->may_be == NULL ||
                            scan->may_be(mcpz_bytes(scan->text + start, scan->at - start)));
}

static bool take_scalar(struct scan *scan)
{
    if (is_at(scan, '"')) {
        return take_if(scan, take_string);
    }
    return take_word(scan, "true") || take_word(scan, "false") || take_word(scan, "null") ||
           take_if(scan, take_number);
}

/* "KEY" : */
static bool take_key(struct scan *scan)
{
    skip_space(scan);
    if (!take_if(scan, take_string)) {
        return false;
    }
    skip_space(scan);
    return take(scan, ':');
}

/* After a value: close what ends here, or go on to the next value. `open` holds a bracket each. */
static bool take_rest(struct scan *scan, uint8_t *open, size_t *depth)
{
    while (*depth > 0) {
        skip_space(scan);
        if (take(scan, ',')) {
            return open[*depth - 1] != '{' || take_key(scan);
        }
        if (!take(scan, open[*depth - 1] == '{' ? '}' : ']')) {
            return false;
        }
        (*depth)--;
    }
    return true;
}

/* What `take_open` found. */
enum opening { NO_BRACKET, EMPTY_BRACKETS, BRACKET, BAD_BRACKET };

/* A bracket, and the key behind it if it is an object's; what stands behind it is a value. */
static enum opening take_open(struct scan *scan, uint8_t *open, size_t *depth)
{
    bool is_object = is_at(scan, '{');

    if (!is_object && !is_at(scan, '[')) {
        return NO_BRACKET;
    }
    if (*depth == MCPZ_JSON_DEPTH_MAX) {
        return BAD_BRACKET;
    }
    open[(*depth)++] = scan->text[scan->at++];
    skip_space(scan);
    if (is_at(scan, is_object ? '}' : ']')) {
        return EMPTY_BRACKETS;
    }
    return !is_object || take_key(scan) ? BRACKET : BAD_BRACKET;
}

/* One value, without recursion. */
static bool take_value(struct scan *scan)
{
    uint8_t open[MCPZ_JSON_DEPTH_MAX];
    size_t depth = 0;

    do {
        skip_space(scan);
        enum opening opening = take_open(scan, open, &depth);
        if (opening == BRACKET) {
            continue;
        }
        if (opening == BAD_BRACKET || (opening == NO_BRACKET && !take_scalar(scan)) ||
            !take_rest(scan, open, &depth)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

bool mcpz_json_is_value(struct mcpz_bytes text)
{
    return mcpz_json_is_value_where(text, NULL);
}

bool mcpz_json_is_value_where(struct mcpz_bytes text, bool (*may_be)(struct mcpz_bytes scalar))
{
    struct scan scan = {.text = text.data, .length = text.length, .may_be = may_be};

    if (!mcpz_bytes_is_utf8(text) || !take_value(&scan)) {
        return false;
    }
    skip_space(&scan);
    return scan.at == scan.length;
}

bool mcpz_json_next_member(struct mcpz_bytes object, size_t *at, struct mcpz_bytes *key,
                           struct mcpz_bytes *value)
{
    struct scan scan = {.text = object.data, .length = object.length, .at = *at};

    skip_space(&scan);
    if (*at == 0 ? !take(&scan, '{') : !take(&scan, ',')) {
        return false;
    }
    skip_space(&scan);
    size_t start = scan.at + 1;
    if (!take_string(&scan)) {
        return false;
    }
    *key = mcpz_bytes(object.data + start, scan.at - 1 - start);
    skip_space(&scan);
    if (!take(&scan, ':')) {
        return false;
    }
    skip_space(&scan);
    start = scan.at;
    if (!take_value(&scan)) {
        return false;
    }
    *value = mcpz_bytes(object.data + start, scan.at - start);
    *at = scan.at;
    return true;
}

/* ---- Strings ------------------------------------------------------------------------------ */

uint32_t mcpz_json_unit(const uint8_t *digits)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value = value * 16 + (uint32_t)hex_digit(digits[i]);
    }
    return value;
}

static size_t put_utf8(uint32_t point, uint8_t *out)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0U | point >> 6);
        out[1] = (uint8_t)(0x80U | (point & 0x3fU));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0U | point >> 12);
        out[1] = (uint8_t)(0x80U | (point >> 6 & 0x3fU));
        out[2] = (uint8_t)(0x80U | (point & 0x3fU));
        return 3;
    }
    out[0] = (uint8_t)(0xf0U | point >> 18);
    out[1] = (uint8_t)(0x80U | (point >> 12 & 0x3fU));
    out[2] = (uint8_t)(0x80U | (point >> 6 & 0x3fU));
    out[3] = (uint8_t)(0x80U | (point & 0x3fU));
    return 4;
}

/* What stands at `*at` behind "\u", and the other half of its pair if that follows. */
static uint32_t read_point(const uint8_t *text, size_t length, size_t *at)
{
    uint32_t point = mcpz_json_unit(text + *at);

    *at += 4;
    if (point < HIGH_FIRST || point >= LOW_END) {
        return point;
    }
    if (point < LOW_FIRST && length - *at >= 6 && text[*at] == '\\' && text[*at + 1] == 'u') {
        uint32_t low = mcpz_json_unit(text + *at + 2);
        if (low >= LOW_FIRST && low < LOW_END) {
            *at += 6;
            return 0x10000 + ((point - HIGH_FIRST) << 10) + (low - LOW_FIRST);
        }
    }
    return REPLACEMENT;
}

size_t mcpz_json_unescape(uint8_t *text, size_t length)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    const size_t end = length - 1;
    size_t out = 0;

    for (size_t at = 1; at < end;) {
        uint8_t byte = text[at++];
        if (byte != '\\') {
            text[out++] = byte;
            continue;
        }
        byte = text[at++];
        if (byte == 'u') {
            out += put_utf8(read_point(text, end, &at), text + out);
            continue;
        }
        const char *letter = memchr(letters, byte, sizeof(letters) - 1);
        text[out++] = letter != NULL ? (uint8_t)meanings[letter - letters] : byte;
    }
    return out;
}

size_t mcpz_json_escape_byte(uint8_t byte, char escape[MCPZ_JSON_ESCAPE_CHARS])
{
    static const char digits[] = "0123456789abcdef";
    static const char prefix[] = {'\\', 'u', '0', '0'};

    if (byte == '"' || byte == '\\') {
        escape[0] = '\\';
        escape[1] = (char)byte;
        return 2;
    }
    if (byte >= ' ' && byte != 0x7f) {
        return 0;
    }
    memcpy(escape, prefix, sizeof(prefix));
    escape[4] = digits[byte >> 4];
    escape[5] = digits[byte & 0xfU];
    return MCPZ_JSON_ESCAPE_CHARS;
}

size_t mcpz_json_escape(struct mcpz_bytes text, char *string)
{
    size_t out = 0;

    string[out++] = '"';
    for (size_t i = 0; i < text.length; i++) {
        size_t length = mcpz_json_escape_byte(text.data[i], string + out);
        if (length == 0) {
            string[out] = (char)text.data[i];
            length = 1;
        }
        out += length;
    }
    string[out++] = '"';
    return out;
}
