/*
 * Feed any bytes to the reader of JSON. What it takes by the stricter rules jansson takes too, and
 * the other way round; and both find the same names, strings and numbers in it. What is taken by
 * the grammar alone can be walked.
 */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* jansson goes deeper, takes numbers of any length, and overlooks a NUL behind one: so much is
 * ours alone to refuse. */
static bool is_ours_alone(struct mcpz_bytes text)
{
    size_t digits = 0;

    if (mcpz_json_check(text, MCPZ_JSON_GRAMMAR) == MCPZ_EFULL) {
        return true;
    }
    if (memchr(text.data, 0, text.length) != NULL) {
        require(mcpz_json_check(text, MCPZ_JSON_GRAMMAR) != MCPZ_OK);
        return true;
    }
    for (size_t i = 0; i < text.length && digits <= 512; i++) {
        digits = strchr("0123456789.eE+-", text.data[i]) != NULL ? digits + 1 : 0;
    }
    return digits > 512;
}

/* What a string says; `*said` is the caller's to free. */
static size_t read_string(struct mcpz_json string, uint8_t **said)
{
    size_t capacity = mcpz_json_raw(string).length;
    size_t length = 0;

    *said = malloc(capacity + 1);
    require(*said != NULL);
    require(mcpz_json_unescape(string, *said, capacity, &length) == MCPZ_OK);
    require(mcpz_json_says(string, mcpz_bytes(*said, length)));
    return length;
}

/* A string is the same after it was written and read again. */
static void write_again(struct mcpz_bytes said)
{
    uint8_t *again = malloc(MCPZ_JSON_ESCAPED_BYTES(said.length));
    require(again != NULL);

    struct mcpz_json_writer writer = mcpz_json_writer(again, MCPZ_JSON_ESCAPED_BYTES(said.length));
    mcpz_json_put_string(&writer, said);
    require(writer.error == MCPZ_OK);
    const struct mcpz_bytes text = mcpz_bytes(again, writer.length);
    require(mcpz_json_check(text, MCPZ_JSON_GRAMMAR) == MCPZ_OK);
    require(mcpz_json_says(mcpz_json_value(text), said));
    free(again);
}

static void compare_string(struct mcpz_json value, const json_t *theirs)
{
    uint8_t *said;
    size_t length = read_string(value, &said);

    require(mcpz_bytes_equal(mcpz_bytes(said, length),
                             mcpz_bytes(json_string_value(theirs), json_string_length(theirs))));
    write_again(mcpz_bytes(said, length));
    free(said);
}

static void compare(struct mcpz_json value, const json_t *theirs);

static void compare_array(struct mcpz_json value, const json_t *theirs)
{
    struct mcpz_json_walk walk = mcpz_json_walk(value);
    struct mcpz_json element;
    size_t count = 0;

    while (mcpz_json_next_element(&walk, &element)) {
        require(count < json_array_size(theirs));
        compare(element, json_array_get(theirs, count++));
    }
    require(count == json_array_size(theirs));
}

/* Only where no name is there twice: then both have the same ones. */
static void compare_object(struct mcpz_json value, const json_t *theirs)
{
    struct mcpz_json_walk walk = mcpz_json_walk(value);
    struct mcpz_json name;
    struct mcpz_json member;
    size_t count = 0;

    while (mcpz_json_next_member(&walk, &name, &member)) {
        uint8_t *said;
        size_t length = read_string(name, &said);
        const json_t *found = json_object_getn(theirs, (const char *)said, length);
        require(found != NULL);
        said[length] = '\0';
        if (length == strlen((const char *)said)) {
            const char *wanted = (const char *)said;
            struct mcpz_json picked;
            mcpz_error error = mcpz_json_pick(value, &wanted, 1, &picked);
            require(error == MCPZ_EFULL ||
                    (error == MCPZ_OK && picked.text.data == member.text.data));
        }
        free(said);
        compare(member, found);
        count++;
    }
    require(count == json_object_size(theirs));
}

/* Recursive as deep as a value may be. */
static void compare(struct mcpz_json value, const json_t *theirs)
{
    int64_t number = 0;

    switch (value.type) {
    case MCPZ_JSON_NULL:
        require(json_is_null(theirs));
        return;
    case MCPZ_JSON_TRUE:
        require(json_is_true(theirs));
        return;
    case MCPZ_JSON_FALSE:
        require(json_is_false(theirs));
        return;
    case MCPZ_JSON_NUMBER:
        require(json_is_number(theirs));
        require(mcpz_json_integer(value, &number) == json_is_integer(theirs));
        require(!json_is_integer(theirs) || number == json_integer_value(theirs));
        return;
    case MCPZ_JSON_STRING:
        require(json_is_string(theirs));
        compare_string(value, theirs);
        return;
    case MCPZ_JSON_ARRAY:
        require(json_is_array(theirs));
        compare_array(value, theirs);
        return;
    case MCPZ_JSON_OBJECT:
        require(json_is_object(theirs));
        compare_object(value, theirs);
        return;
    case MCPZ_JSON_NONE:
        break;
    }
    abort();
}

/* Is a name there twice in any object? Objects of too many members are not looked at. */
static bool has_duplicates(struct mcpz_json value, bool *is_sure)
{
    struct mcpz_json_walk walk = mcpz_json_walk(value);
    struct mcpz_json name;
    struct mcpz_json inner;
    bool found = false;

    if (value.type == MCPZ_JSON_ARRAY) {
        while (mcpz_json_next_element(&walk, &inner)) {
            found |= has_duplicates(inner, is_sure);
        }
    }
    if (value.type == MCPZ_JSON_OBJECT) {
        mcpz_error error = mcpz_json_pick(value, NULL, 0, NULL);
        *is_sure &= error != MCPZ_EFULL;
        found = error == MCPZ_ECONFLICT;
        while (mcpz_json_next_member(&walk, &name, &inner)) {
            found |= has_duplicates(inner, is_sure);
        }
    }
    return found;
}

static void compare_with_jansson(struct mcpz_bytes text)
{
    json_error_t trouble;
    bool is_taken = mcpz_json_check(text, MCPZ_JSON_INTEROPERABLE) == MCPZ_OK;

    json_t *theirs = json_loadb((const char *)text.data, text.length, JSON_DECODE_ANY, &trouble);
    require(is_taken == (theirs != NULL));
    json_decref(theirs);
    if (!is_taken) {
        return;
    }
    theirs = json_loadb((const char *)text.data, text.length,
                        JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &trouble);
    bool is_sure = true;
    bool is_double = has_duplicates(mcpz_json_value(text), &is_sure);
    require(!is_sure || is_double == (theirs == NULL));
    if (theirs != NULL) {
        compare(mcpz_json_value(text), theirs);
    }
    json_decref(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct mcpz_bytes text = mcpz_bytes(bytes, length);
    bool is_sure = true;

    if (mcpz_json_check(text, MCPZ_JSON_GRAMMAR) == MCPZ_OK) {
        (void)has_duplicates(mcpz_json_value(text), &is_sure);
    } else {
        require(mcpz_json_check(text, MCPZ_JSON_INTEROPERABLE) != MCPZ_OK);
    }
    if (length > 0 && !is_ours_alone(text)) {
        compare_with_jansson(text);
    }
    return 0;
}
