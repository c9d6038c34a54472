/*
 * JSON text, read where it lies: is it JSON, where are its members, and how is more of it written.
 *
 *   check(text) -> value(text) -> walk() -> next_member() ...
 *                              -> pick(object, names) -> found
 *
 * A value is a span of the text it stands in. Nothing is copied and nothing allocated, so what
 * need not change is passed on byte for byte, whatever it holds. All but the checking itself
 * relies on text that was checked (asserted where it would matter).
 *
 * Source: RFC 8259.
 */

#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_JSON_DEPTH_MAX 64    /* arrays and objects within each other */
#define MCPZ_JSON_MEMBERS_MAX 256 /* of an object that is picked from */

enum mcpz_json_rules {
    MCPZ_JSON_GRAMMAR = 1, /* RFC 8259, UTF-8: what is only passed on */

    /* What any reader can take (RFC 7493, I-JSON): no NUL and no lone surrogates in strings,
     * integers within 64 bits signed, numbers within a double's range. */
    MCPZ_JSON_INTEROPERABLE,
};

enum mcpz_json_type {
    MCPZ_JSON_NONE, /* no such member */
    MCPZ_JSON_NULL,
    MCPZ_JSON_TRUE,
    MCPZ_JSON_FALSE,
    MCPZ_JSON_NUMBER,
    MCPZ_JSON_STRING,
    MCPZ_JSON_ARRAY,
    MCPZ_JSON_OBJECT,
};

/* As it stands in the text: strings with their quotes, containers with their brackets. */
struct mcpz_json {
    enum mcpz_json_type type;
    struct mcpz_bytes text;
};

struct mcpz_json_walk {
    const uint8_t *at;
    const uint8_t *end;
};

/**
 * Is `text` one value, white space around it allowed? No recursion, no memory.
 *
 * Errors: MCPZ_EPROTO  it is not
 *         MCPZ_EFULL   it is deeper than MCPZ_JSON_DEPTH_MAX
 */
MCPZ_MUST_USE mcpz_error mcpz_json_check(struct mcpz_bytes text, enum mcpz_json_rules rules);

/** The value that checked `text` is. */
struct mcpz_json mcpz_json_value(struct mcpz_bytes text);

/** Begin with the first member or element of `container`; other values have none. */
struct mcpz_json_walk mcpz_json_walk(struct mcpz_json container);

/** The next member of an object. False: there is none. */
MCPZ_MUST_USE bool mcpz_json_next_member(struct mcpz_json_walk *walk, struct mcpz_json *name,
                                         struct mcpz_json *value);

/** The next element of an array. False: there is none. */
MCPZ_MUST_USE bool mcpz_json_next_element(struct mcpz_json_walk *walk, struct mcpz_json *value);

/**
 * Find the members of `object` that are called `names`: `found[i]` is NONE where there is none,
 * and everywhere if `object` is not an object. No name may be there twice, also none that is not
 * looked for: readers differ in which one they take.
 *
 * Errors: MCPZ_ECONFLICT  a name is there twice
 *         MCPZ_EFULL      there are more than MCPZ_JSON_MEMBERS_MAX
 */
MCPZ_MUST_USE mcpz_error mcpz_json_pick(struct mcpz_json object, const char *const *names,
                                        size_t count, struct mcpz_json *found);

/** Is it a string that says `text` (UTF-8)? */
bool mcpz_json_says(struct mcpz_json value, struct mcpz_bytes text);

/** What stands between the quotes of a string, as it stands there. */
struct mcpz_bytes mcpz_json_raw(struct mcpz_json string);

/**
 * What a string says, as UTF-8: never more bytes than stand between its quotes, so `buffer` may
 * be where it stands. Half a surrogate pair becomes U+FFFD.
 *
 * Errors: MCPZ_EFULL  more than `capacity` bytes
 */
MCPZ_MUST_USE mcpz_error mcpz_json_unescape(struct mcpz_json string, uint8_t *buffer,
                                            size_t capacity, size_t *length);

/** Is it a whole number, written as one, that fits? */
MCPZ_MUST_USE bool mcpz_json_integer(struct mcpz_json value, int64_t *number);

/*
 * Writes text piece by piece. Beyond `capacity` it goes on counting without writing: with none it
 * measures. Then `error` is MCPZ_EFULL.
 */
struct mcpz_json_writer {
    uint8_t *buffer;
    size_t capacity;
    size_t length; /* of all that was put, written or not */
    mcpz_error error;
};

static inline struct mcpz_json_writer mcpz_json_writer(void *buffer, size_t capacity)
{
    return (struct mcpz_json_writer){.buffer = (uint8_t *)buffer, .capacity = capacity};
}

/** Put bytes as they are. */
void mcpz_json_put(struct mcpz_json_writer *writer, struct mcpz_bytes bytes);
void mcpz_json_put_text(struct mcpz_json_writer *writer, const char *text);

#define MCPZ_JSON_ESCAPE_CHARS 6

/** How this byte must be written in a string. Returns how many characters; 0: as it is. */
size_t mcpz_json_escape_byte(uint8_t byte, char escape[MCPZ_JSON_ESCAPE_CHARS]);

/** How many bytes a string of so many takes at most, with its quotes. */
#define MCPZ_JSON_ESCAPED_BYTES(length) (MCPZ_JSON_ESCAPE_CHARS * (length) + 2)

/** Put `text`, which is UTF-8, as a string: quotes and escapes. */
void mcpz_json_put_string(struct mcpz_json_writer *writer, struct mcpz_bytes text);

void mcpz_json_put_integer(struct mcpz_json_writer *writer, int64_t number);

#endif
