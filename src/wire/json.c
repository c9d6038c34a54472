#include "wire/json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

/* ---- Checking: scalars -------------------------------------------------------------------- */

#define NUMBER_CHARS_MAX 512 /* interoperable: longer ones are no numbers anybody means */

struct scan {
    const uint8_t *at;
    const uint8_t *end;
    enum mcpz_json_rules rules;
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
    if (scan->at == scan->end || *scan->at != character) {
        return false;
    }
    scan->at++;
    return true;
}

static bool is_space(uint8_t character)
{
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

static const uint8_t *after_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && is_space(*at)) {
        at++;
    }
    return at;
}

static void skip_space(struct scan *scan)
{
    scan->at = after_space(scan->at, scan->end);
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

/* RFC 8259, section 6. */
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
    return scan->rules == MCPZ_JSON_GRAMMAR || is_in_range(start, scan->at, is_integer);
}

/* The four digits after "\u"; -1 if they are not. */
static int take_unit(struct scan *scan)
{
    int unit = 0;

    for (int i = 0; i < 4; i++) {
        int digit = mcpz_hex_value(peek(scan));
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
        scan->at++;
    }
    return unit;
}

static bool is_high_half(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_half(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Behind the backslash. */
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
    if (scan->rules == MCPZ_JSON_GRAMMAR || unit < 0) {
        return unit >= 0;
    }
    if (is_high_half(unit)) {
        return take_word(scan, "\\u") && is_low_half(take_unit(scan));
    }
    return unit > 0 && !is_low_half(unit);
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Of eight bytes: is none a quote, a backslash, a control character or beyond ASCII? */
static bool is_plain(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    /* The trick finds a zero byte, or one below a limit, by what a subtraction borrows. */
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    uint64_t found = ((quote - EACH_BYTE(1)) & ~quote) |
                     ((backslash - EACH_BYTE(1)) & ~backslash) |
                     ((word - EACH_BYTE(0x20)) & ~word) | word;
    return (found & EACH_BYTE(0x80)) == 0;
}

/* A character beyond ASCII. */
static bool take_sequence(struct scan *scan)
{
    uint8_t first = *scan->at;
    size_t length = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);

    if (length > (size_t)(scan->end - scan->at) ||
        !mcpz_bytes_is_utf8(mcpz_bytes(scan->at, length))) {
        return false;
    }
    scan->at += length;
    return true;
}

static bool take_string(struct scan *scan)
{
    if (!take(scan, '"')) {
        return false;
    }
    while (scan->at < scan->end) {
        if (scan->end - scan->at >= 8 && is_plain(scan->at)) {
            scan->at += 8;
            continue;
        }
        uint8_t character = *scan->at;
        if (character >= 0x80) {
            if (!take_sequence(scan)) {
                return false;
            }
            continue;
        }
        scan->at++;
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

/* ---- Checking: containers ----------------------------------------------------------------- */

static bool take_name(struct scan *scan)
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

/* Go into containers until a value is complete. */
static mcpz_error descend(struct scan *scan, struct nesting *nesting)
{
    for (;;) {
        skip_space(scan);
        bool is_object = take(scan, '{');
        if (!is_object && !take(scan, '[')) {
            return take_scalar(scan) ? MCPZ_OK : MCPZ_EPROTO;
        }
        char closer = is_object ? '}' : ']';
        if (nesting->depth == MCPZ_JSON_DEPTH_MAX) {
            return MCPZ_EFULL;
        }
        skip_space(scan);
        if (take(scan, (uint8_t)closer)) {
            return MCPZ_OK;
        }
        nesting->closers[nesting->depth++] = closer;
        if (is_object && !take_name(scan)) {
            return MCPZ_EPROTO;
        }
    }
}

/* A value is complete: close what ends with it. False: more must come, and does not. */
static bool ascend(struct scan *scan, struct nesting *nesting)
{
    skip_space(scan);
    while (nesting->depth > 0 && take(scan, (uint8_t)nesting->closers[nesting->depth - 1])) {
        nesting->depth--;
        skip_space(scan);
    }
    if (nesting->depth == 0) {
        return scan->at == scan->end;
    }
    return take(scan, ',') && (nesting->closers[nesting->depth - 1] == ']' || take_name(scan));
}

mcpz_error mcpz_json_check(struct mcpz_bytes text, enum mcpz_json_rules rules)
{
    struct nesting nesting = {.depth = 0};

    if (text.length == 0) {
        return MCPZ_EPROTO;
    }
    struct scan scan = {.at = text.data, .end = text.data + text.length, .rules = rules};
    do {
        mcpz_error error = descend(&scan, &nesting);
        if (error != MCPZ_OK) {
            return error;
        }
        if (!ascend(&scan, &nesting)) {
            return MCPZ_EPROTO;
        }
    } while (nesting.depth > 0);
    return MCPZ_OK;
}

/* ---- Walking: of checked text only -------------------------------------------------------- */

/* `at` is behind the opening quote; the result behind the closing one. */
static const uint8_t *after_string(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *start = at;

    for (;;) {
        const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
        assert(quote != NULL); /* the text was checked */
        const uint8_t *before = quote;
        while (before > start && before[-1] == '\\') {
            before--;
        }
        if ((quote - before) % 2 == 0) {
            return quote + 1;
        }
        at = quote + 1;
        start = at;
    }
}

static const uint8_t *after_container(const uint8_t *at, const uint8_t *end)
{
    size_t depth = 0;

    do {
        assert(at < end);
        switch (*at++) {
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        case '"':
            at = after_string(at, end);
            break;
        default:
            break;
        }
    } while (depth > 0);
    return at;
}

static const uint8_t *after_word(const uint8_t *at, const uint8_t *end)
{
    while (at < end && !is_space(*at) && *at != ',' && *at != ']' && *at != '}' && *at != ':') {
        at++;
    }
    return at;
}

static enum mcpz_json_type type_of(uint8_t first)
{
    switch (first) {
    case '{':
        return MCPZ_JSON_OBJECT;
    case '[':
        return MCPZ_JSON_ARRAY;
    case '"':
        return MCPZ_JSON_STRING;
    case 't':
        return MCPZ_JSON_TRUE;
    case 'f':
        return MCPZ_JSON_FALSE;
    case 'n':
        return MCPZ_JSON_NULL;
    default:
        return MCPZ_JSON_NUMBER;
    }
}

/* Take the value that begins at `walk->at`. */
static struct mcpz_json take_value(struct mcpz_json_walk *walk)
{
    const uint8_t *start = walk->at;
    assert(start < walk->end);

    enum mcpz_json_type type = type_of(*start);
    if (type == MCPZ_JSON_OBJECT || type == MCPZ_JSON_ARRAY) {
        walk->at = after_container(start, walk->end);
    } else if (type == MCPZ_JSON_STRING) {
        walk->at = after_string(start + 1, walk->end);
    } else {
        walk->at = after_word(start, walk->end);
    }
    return (struct mcpz_json){.type = type, .text = mcpz_bytes(start, (size_t)(walk->at - start))};
}

struct mcpz_json mcpz_json_value(struct mcpz_bytes text)
{
    const uint8_t *end = text.data + text.length;
    struct mcpz_json_walk walk = {.at = after_space(text.data, end), .end = end};

    return take_value(&walk);
}

struct mcpz_json_walk mcpz_json_walk(struct mcpz_json container)
{
    if (container.type != MCPZ_JSON_OBJECT && container.type != MCPZ_JSON_ARRAY) {
        return (struct mcpz_json_walk){.at = NULL};
    }
    assert(container.text.length >= 2);
    return (struct mcpz_json_walk){.at = container.text.data + 1,
                                   .end = container.text.data + container.text.length - 1};
}

/* To the next value, over the comma before it. False: there is none. */
static bool advance(struct mcpz_json_walk *walk)
{
    walk->at = after_space(walk->at, walk->end);
    if (walk->at < walk->end && *walk->at == ',') {
        walk->at = after_space(walk->at + 1, walk->end);
    }
    return walk->at < walk->end;
}

bool mcpz_json_next_member(struct mcpz_json_walk *walk, struct mcpz_json *name,
                           struct mcpz_json *value)
{
    if (!advance(walk)) {
        return false;
    }
    *name = take_value(walk);
    walk->at = after_space(walk->at, walk->end);
    assert(walk->at < walk->end && *walk->at == ':');
    walk->at = after_space(walk->at + 1, walk->end);
    *value = take_value(walk);
    return true;
}

bool mcpz_json_next_element(struct mcpz_json_walk *walk, struct mcpz_json *value)
{
    if (!advance(walk)) {
        return false;
    }
    *value = take_value(walk);
    return true;
}

/* ---- Strings ------------------------------------------------------------------------------ */

#define REPLACEMENT 0xfffd

/* One character of a string as UTF-8; half a pair the way UTF-8 would write it if it could. */
struct character {
    uint8_t bytes[4];
    size_t length;
    bool is_half;
};

static struct character encode(uint32_t point)
{
    if (point < 0x80) {
        return (struct character){.bytes = {(uint8_t)point}, .length = 1};
    }
    if (point < 0x800) {
        return (struct character){
            .bytes = {(uint8_t)(0xc0 | point >> 6), (uint8_t)(0x80 | (point & 0x3f))},
            .length = 2,
        };
    }
    if (point < 0x10000) {
        return (struct character){
            .bytes = {(uint8_t)(0xe0 | point >> 12), (uint8_t)(0x80 | (point >> 6 & 0x3f)),
                      (uint8_t)(0x80 | (point & 0x3f))},
            .length = 3,
            .is_half = point >= 0xd800 && point <= 0xdfff,
        };
    }
    return (struct character){
        .bytes = {(uint8_t)(0xf0 | point >> 18), (uint8_t)(0x80 | (point >> 12 & 0x3f)),
                  (uint8_t)(0x80 | (point >> 6 & 0x3f)), (uint8_t)(0x80 | (point & 0x3f))},
        .length = 4,
    };
}

/* `scan` is behind "\u". */
static struct character take_point(struct scan *scan)
{
    int unit = take_unit(scan);
    struct scan ahead = *scan;

    if (is_high_half(unit) && take_word(&ahead, "\\u")) {
        int low = take_unit(&ahead);
        if (is_low_half(low)) {
            *scan = ahead;
            return encode(0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
        }
    }
    return encode((uint32_t)unit);
}

static struct character take_character(struct scan *scan)
{
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    uint8_t byte = *scan->at++;

    if (byte != '\\') {
        return (struct character){.bytes = {byte}, .length = 1};
    }
    assert(scan->at < scan->end);
    byte = *scan->at++;
    if (byte == 'u') {
        return take_point(scan);
    }
    const char *letter = strchr(letters, byte);
    if (letter != NULL) {
        byte = (uint8_t)meant[letter - letters];
    }
    return (struct character){.bytes = {byte}, .length = 1};
}

struct mcpz_bytes mcpz_json_raw(struct mcpz_json string)
{
    assert(string.type == MCPZ_JSON_STRING);
    assert(string.text.length >= 2);
    return mcpz_bytes(string.text.data + 1, string.text.length - 2);
}

static bool is_escaped(struct mcpz_bytes raw)
{
    return raw.length > 0 && memchr(raw.data, '\\', raw.length) != NULL;
}

static struct scan scan_raw(struct mcpz_bytes raw)
{
    return (struct scan){.at = raw.data, .end = raw.data + raw.length, .rules = MCPZ_JSON_GRAMMAR};
}

bool mcpz_json_says(struct mcpz_json value, struct mcpz_bytes text)
{
    if (value.type != MCPZ_JSON_STRING) {
        return false;
    }
    struct mcpz_bytes raw = mcpz_json_raw(value);
    if (!is_escaped(raw)) {
        return mcpz_bytes_equal(raw, text);
    }
    struct scan scan = scan_raw(raw);
    while (scan.at < scan.end) {
        struct character character = take_character(&scan);
        if (text.length < character.length ||
            memcmp(text.data, character.bytes, character.length) != 0) {
            return false;
        }
        text = mcpz_bytes(text.data + character.length, text.length - character.length);
    }
    return text.length == 0;
}

mcpz_error mcpz_json_unescape(struct mcpz_json string, uint8_t *buffer, size_t capacity,
                              size_t *length)
{
    size_t used = 0;

    struct scan scan = scan_raw(mcpz_json_raw(string));
    while (scan.at < scan.end) {
        struct character character = take_character(&scan);
        if (character.is_half) {
            character = encode(REPLACEMENT);
        }
        if (character.length > capacity - used) {
            return MCPZ_EFULL;
        }
        memcpy(buffer + used, character.bytes, character.length);
        used += character.length;
    }
    *length = used;
    return MCPZ_OK;
}

/* ---- Picking ------------------------------------------------------------------------------ */

#define SLOTS 512 /* a power of two, and at least twice the names */
#define FEW 16    /* so many names are compared one by one: most objects have no more */

static_assert(SLOTS >= 2 * MCPZ_JSON_MEMBERS_MAX, "a free slot is near");

struct names {
    size_t count;
    bool any_escaped; /* of the few */
    struct mcpz_bytes few[FEW];
    struct mcpz_bytes raw[SLOTS]; /* what stands between the quotes; NULL: free. Set from FEW on */
};

/* FNV-1a over what the name says, however it is written. */
static uint32_t hash_name(struct mcpz_bytes raw)
{
    struct scan scan = scan_raw(raw);
    uint32_t hash = 2166136261;

    while (scan.at < scan.end) {
        struct character character = take_character(&scan);
        for (size_t i = 0; i < character.length; i++) {
            hash = (hash ^ character.bytes[i]) * 16777619;
        }
    }
    return hash;
}

static bool say_the_same(struct mcpz_bytes a, struct mcpz_bytes b)
{
    if (!is_escaped(a) && !is_escaped(b)) {
        return mcpz_bytes_equal(a, b);
    }
    struct scan left = scan_raw(a);
    struct scan right = scan_raw(b);
    while (left.at < left.end && right.at < right.end) {
        /* Bytes and escapes may be cut differently, but never within a character of both. */
        struct character one = take_character(&left);
        struct character other = take_character(&right);
        while (one.length < other.length && left.at < left.end) {
            one.bytes[one.length++] = *left.at++;
        }
        while (other.length < one.length && right.at < right.end) {
            other.bytes[other.length++] = *right.at++;
        }
        if (one.length != other.length || memcmp(one.bytes, other.bytes, one.length) != 0) {
            return false;
        }
    }
    return left.at == left.end && right.at == right.end;
}

static mcpz_error note_few(struct names *names, struct mcpz_bytes raw)
{
    names->any_escaped = names->any_escaped || is_escaped(raw);
    for (size_t i = 0; i < names->count; i++) {
        if (names->any_escaped ? say_the_same(names->few[i], raw)
                               : mcpz_bytes_equal(names->few[i], raw)) {
            return MCPZ_ECONFLICT;
        }
    }
    names->few[names->count++] = raw;
    return MCPZ_OK;
}

static mcpz_error note_many(struct names *names, struct mcpz_bytes raw)
{
    uint32_t slot = hash_name(raw) % SLOTS;
    while (names->raw[slot].data != NULL) {
        if (say_the_same(names->raw[slot], raw)) {
            return MCPZ_ECONFLICT;
        }
        slot = (slot + 1) % SLOTS;
    }
    names->raw[slot] = raw;
    names->count++;
    return MCPZ_OK;
}

static mcpz_error note_name(struct names *names, struct mcpz_bytes raw)
{
    if (names->count == MCPZ_JSON_MEMBERS_MAX) {
        return MCPZ_EFULL;
    }
    if (names->count < FEW) {
        return note_few(names, raw);
    }
    if (names->count == FEW) {
        memset(names->raw, 0, sizeof(names->raw));
        names->count = 0;
        for (size_t i = 0; i < FEW; i++) {
            mcpz_error error = note_many(names, names->few[i]);
            assert(error == MCPZ_OK); /* they are different */
            (void)error;
        }
    }
    return note_many(names, raw);
}

mcpz_error mcpz_json_pick(struct mcpz_json object, const char *const *names, size_t count,
                          struct mcpz_json *found)
{
    struct names seen;
    struct mcpz_json name;
    struct mcpz_json value;

    for (size_t i = 0; i < count; i++) {
        found[i] = (struct mcpz_json){.type = MCPZ_JSON_NONE};
    }
    if (object.type != MCPZ_JSON_OBJECT) {
        return MCPZ_OK;
    }
    seen.count = 0; /* the rest is large, and mostly not looked at */
    seen.any_escaped = false;
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    while (mcpz_json_next_member(&walk, &name, &value)) {
        mcpz_error error = note_name(&seen, mcpz_json_raw(name));
        if (error != MCPZ_OK) {
            return error;
        }
        for (size_t i = 0; i < count; i++) {
            if (mcpz_json_says(name, mcpz_text(names[i]))) {
                found[i] = value;
                break;
            }
        }
    }
    return MCPZ_OK;
}

/* ---- Numbers ------------------------------------------------------------------------------ */

bool mcpz_json_integer(struct mcpz_json value, int64_t *number)
{
    if (value.type != MCPZ_JSON_NUMBER) {
        return false;
    }
    const uint8_t *at = value.text.data;
    const uint8_t *end = at + value.text.length;
    bool is_negative = *at == '-';
    int64_t result = 0; /* below zero: there is one more of those */

    for (at += is_negative ? 1 : 0; at < end; at++) {
        if (!is_digit(*at) || __builtin_mul_overflow(result, 10, &result) ||
            __builtin_sub_overflow(result, *at - '0', &result)) {
            return false;
        }
    }
    if (!is_negative && result == INT64_MIN) {
        return false;
    }
    *number = is_negative ? result : -result;
    return true;
}
