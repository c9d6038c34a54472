#include "mcp/param.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/base64.h"

#define DECLARATION "x-mcp-header"
#define UNDECLARED "\"x-mcp-header-unsound\""
#define ENCODED_HEAD "=?base64?"
#define ENCODED_TAIL "?="
#define DIGITS_MAX 64 /* of a number; longer ones must be written alike */
#define EXPONENT_MAX 9999
#define SAFE_MAX 9007199254740991 /* what all clients can write: 2^53 - 1 */

/* ---- What is declared --------------------------------------------------------------------- */

/* A token. Source: RFC 9110, section 5.6.2. */
static bool is_token(const char *text)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

/* "Region" -> "mcp-param-region"; false: it is no name of a header. */
static bool read_header(struct mcpz_json value, struct mcpz_param *param)
{
    const size_t prefix = strlen(MCPZ_PARAM_PREFIX);
    char *name = param->header + prefix;
    size_t length = 0;

    if (value.type != MCPZ_JSON_STRING ||
        mcpz_json_unescape(value, (uint8_t *)name, MCPZ_PARAM_NAME_CHARS, &length) != MCPZ_OK) {
        return false;
    }
    memcpy(param->header, MCPZ_PARAM_PREFIX, prefix);
    name[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z') {
            name[i] = (char)(name[i] + ('a' - 'A'));
        }
    }
    return strlen(name) == length && is_token(name);
}

static bool is_primitive(struct mcpz_json type)
{
    return mcpz_json_says(type, mcpz_text("string")) ||
           mcpz_json_says(type, mcpz_text("integer")) ||
           mcpz_json_says(type, mcpz_text("boolean"));
}

static struct mcpz_json properties_of(struct mcpz_json schema, struct mcpz_json *declaration,
                                      bool *is_typed)
{
    static const char *const names[] = {"properties", DECLARATION, "type"};
    struct mcpz_json found[3];

    if (mcpz_json_pick(schema, names, 3, found) != MCPZ_OK) {
        found[0].type = MCPZ_JSON_NONE; /* a name is there twice: it can mean anything */
        found[1].type = MCPZ_JSON_NONE;
    }
    *declaration = found[1];
    *is_typed = is_primitive(found[2]);
    return found[0];
}

void mcpz_param_walk(struct mcpz_json schema,
                     void (*visit)(void *context, const struct mcpz_param *param), void *context)
{
    struct mcpz_json_walk walks[MCPZ_PARAM_DEPTH_MAX];
    struct mcpz_param param = {.depth = 0};
    struct mcpz_json declaration;
    struct mcpz_json property;
    const struct mcpz_json outer = properties_of(schema, &declaration, &param.is_typed);
    size_t depth = outer.type == MCPZ_JSON_OBJECT ? 1 : 0;

    walks[0] = mcpz_json_walk(outer);
    while (depth > 0) {
        if (!mcpz_json_next_member(&walks[depth - 1], &param.path[depth - 1], &property)) {
            depth--;
            continue;
        }
        const struct mcpz_json inner = properties_of(property, &declaration, &param.is_typed);
        param.depth = depth;
        if (declaration.type != MCPZ_JSON_NONE && read_header(declaration, &param)) {
            visit(context, &param);
        }
        if (inner.type == MCPZ_JSON_OBJECT && depth < MCPZ_PARAM_DEPTH_MAX) {
            walks[depth++] = mcpz_json_walk(inner);
        }
    }
}

/* ---- Is it as it must be? ----------------------------------------------------------------- */

#define CHECKED_MAX 64 /* declarations of one tool; one with more is not sound */

struct check {
    char headers[CHECKED_MAX][sizeof(((struct mcpz_param *)NULL)->header)];
    size_t count;
    bool is_sound;
};

static void check_one(void *context, const struct mcpz_param *param)
{
    struct check *check = context;

    for (size_t i = 0; i < check->count; i++) {
        check->is_sound = check->is_sound && strcmp(check->headers[i], param->header) != 0;
    }
    check->is_sound = check->is_sound && param->is_typed && check->count < CHECKED_MAX;
    if (check->count < CHECKED_MAX) {
        memcpy(check->headers[check->count++], param->header, sizeof(param->header));
    }
}

static bool is_container(struct mcpz_json value)
{
    return value.type == MCPZ_JSON_OBJECT || value.type == MCPZ_JSON_ARRAY;
}

/* A walk through all that is in a schema. */
struct search {
    struct {
        struct mcpz_json_walk walk;
        bool is_object;
    } open[MCPZ_JSON_DEPTH_MAX + 1];
    size_t depth;
    struct mcpz_json name;
    struct mcpz_json value;
};

static struct search search_in(struct mcpz_json schema)
{
    return (struct search){.name = {.type = MCPZ_JSON_NONE}, .value = schema};
}

/* The next place where anything is declared: `search->name` is where it says so. A property may
 * have that name: it is a schema. */
static bool find_declaration(struct search *search)
{
    for (;;) {
        if (is_container(search->value) && search->depth < MCPZ_ARRAY_LEN(search->open)) {
            search->open[search->depth].walk = mcpz_json_walk(search->value);
            search->open[search->depth++].is_object = search->value.type == MCPZ_JSON_OBJECT;
        }
        while (search->depth > 0 &&
               !(search->open[search->depth - 1].is_object
                     ? mcpz_json_next_member(&search->open[search->depth - 1].walk, &search->name,
                                             &search->value)
                     : mcpz_json_next_element(&search->open[search->depth - 1].walk,
                                              &search->value))) {
            search->depth--;
        }
        if (search->depth == 0) {
            return false;
        }
        if (search->open[search->depth - 1].is_object && search->value.type != MCPZ_JSON_OBJECT &&
            mcpz_json_says(search->name, mcpz_text(DECLARATION))) {
            return true;
        }
    }
}

static size_t count_declarations(struct mcpz_json schema)
{
    struct search search = search_in(schema);
    size_t count = 0;

    while (find_declaration(&search)) {
        count++;
    }
    return count;
}

void mcpz_param_put_undeclared(struct mcpz_json_writer *writer, struct mcpz_bytes text,
                               struct mcpz_json schema)
{
    struct search search = search_in(schema);
    const uint8_t *at = text.data;
    const uint8_t *end = text.data + text.length;
    const bool is_in = schema.text.data >= at && schema.text.data < end;

    while (is_in && find_declaration(&search)) {
        mcpz_json_put(writer, mcpz_bytes(at, (size_t)(search.name.text.data - at)));
        mcpz_json_put_text(writer, UNDECLARED);
        at = search.name.text.data + search.name.text.length;
    }
    mcpz_json_put(writer, mcpz_bytes(at, (size_t)(end - at)));
}

bool mcpz_param_is_sound(struct mcpz_json schema)
{
    const size_t all = count_declarations(schema);
    struct check check = {.is_sound = true};

    if (all == 0) {
        return true;
    }
    mcpz_param_walk(schema, check_one, &check);
    return check.is_sound && check.count == all;
}

/* ---- Arguments ---------------------------------------------------------------------------- */

/* The member whose name says what `name` says. */
static struct mcpz_json member_of(struct mcpz_json object, struct mcpz_json name)
{
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    struct mcpz_json found;
    struct mcpz_json value;
    uint8_t text[256];
    size_t length = 0;

    if (object.type != MCPZ_JSON_OBJECT ||
        mcpz_json_unescape(name, text, sizeof(text), &length) != MCPZ_OK) {
        return (struct mcpz_json){.type = MCPZ_JSON_NONE};
    }
    while (mcpz_json_next_member(&walk, &found, &value)) {
        if (mcpz_json_says(found, mcpz_bytes(text, length))) {
            return value;
        }
    }
    return (struct mcpz_json){.type = MCPZ_JSON_NONE};
}

struct mcpz_json mcpz_param_value(const struct mcpz_param *param, struct mcpz_json arguments)
{
    struct mcpz_json value = arguments;

    for (size_t i = 0; i < param->depth; i++) {
        value = member_of(value, param->path[i]);
    }
    return value;
}

/* ---- Numbers ------------------------------------------------------------------------------ */

/* 0.DIGITS * 10^exponent. */
struct decimal {
    bool is_negative;
    char digits[DIGITS_MAX];
    size_t count;
    int64_t exponent;
};

static bool is_digit(uint8_t character)
{
    return character >= '0' && character <= '9';
}

/* "e-7" at the end. */
static bool read_exponent(struct mcpz_bytes text, int64_t *exponent)
{
    bool is_negative = text.length > 0 && text.data[0] == '-';
    size_t i = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;

    *exponent = 0;
    for (; i < text.length && is_digit(text.data[i]) && *exponent <= EXPONENT_MAX; i++) {
        *exponent = *exponent * 10 + (text.data[i] - '0');
    }
    *exponent = is_negative ? -*exponent : *exponent;
    return text.length > 0 && i == text.length;
}

/* Without zeros at either end: numbers that are equal are alike. */
static bool read_decimal(struct mcpz_bytes text, struct decimal *number)
{
    bool is_behind = false; /* the point */
    bool has_digits = false;
    int64_t exponent = 0;
    size_t i = 0;

    *number = (struct decimal){.is_negative = text.length > 0 && text.data[0] == '-'};
    for (i = number->is_negative ? 1 : 0; i < text.length; i++) {
        uint8_t character = text.data[i];
        if (character == '.' && !is_behind && has_digits) {
            is_behind = true;
            continue;
        }
        if (!is_digit(character)) {
            break;
        }
        has_digits = true;
        number->exponent += (number->count > 0 || character != '0') && !is_behind;
        number->exponent -= number->count == 0 && character == '0' && is_behind;
        if (number->count == 0 && character == '0') {
            continue;
        }
        if (number->count == DIGITS_MAX) {
            return false;
        }
        number->digits[number->count++] = (char)character;
    }
    if (i < text.length &&
        ((text.data[i] | 0x20) != 'e' ||
         !read_exponent(mcpz_bytes(text.data + i + 1, text.length - i - 1), &exponent))) {
        return false;
    }
    while (number->count > 0 && number->digits[number->count - 1] == '0') {
        number->count--;
    }
    number->exponent = number->count > 0 ? number->exponent + exponent : 0;
    number->is_negative = number->is_negative && number->count > 0;
    return has_digits;
}

static bool says_number(struct mcpz_bytes header, struct mcpz_bytes text)
{
    struct decimal said;
    struct decimal meant;

    return mcpz_bytes_equal(header, text) ||
           (read_decimal(header, &said) && read_decimal(text, &meant) &&
            said.is_negative == meant.is_negative && said.exponent == meant.exponent &&
            said.count == meant.count && memcmp(said.digits, meant.digits, said.count) == 0);
}

/* One that a client cannot say exactly is not asked for. */
static bool is_beyond(struct mcpz_json number)
{
    struct decimal value;
    int64_t integer = 0;

    if (mcpz_json_integer(number, &integer)) {
        return integer > SAFE_MAX || integer < -SAFE_MAX;
    }
    return !read_decimal(number.text, &value) || value.exponent > 16;
}

/* ---- Headers ------------------------------------------------------------------------------ */

bool mcpz_header_says(struct mcpz_bytes header, struct mcpz_json string)
{
    const size_t head = strlen(ENCODED_HEAD);
    const size_t tail = strlen(ENCODED_TAIL);
    uint8_t decoded[MCPZ_PARAM_VALUE_BYTES];
    size_t length = 0;

    if (header.length < head + tail || memcmp(header.data, ENCODED_HEAD, head) != 0 ||
        memcmp(header.data + header.length - tail, ENCODED_TAIL, tail) != 0) {
        return header.data != NULL && mcpz_json_says(string, header);
    }
    const struct mcpz_bytes inner = mcpz_bytes(header.data + head, header.length - head - tail);
    return mcpz_base64_decode(inner, decoded, sizeof(decoded), &length) == MCPZ_OK &&
           mcpz_json_says(string, mcpz_bytes(decoded, length));
}

bool mcpz_param_agrees(struct mcpz_bytes header, struct mcpz_json argument)
{
    switch (argument.type) {
    case MCPZ_JSON_STRING:
        return mcpz_header_says(header, argument);
    case MCPZ_JSON_NUMBER:
        return header.data != NULL ? says_number(header, argument.text) : is_beyond(argument);
    case MCPZ_JSON_TRUE:
    case MCPZ_JSON_FALSE:
        return header.data != NULL && mcpz_bytes_equal(header, argument.text);
    case MCPZ_JSON_NONE:
    case MCPZ_JSON_NULL:
    case MCPZ_JSON_OBJECT:
    case MCPZ_JSON_ARRAY:
        break;
    }
    return true;
}
