#include "mcp/remote_param.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "mcp/param.h"

#define ENCODED_HEAD "=?base64?"
#define ENCODED_TAIL "?="

/* ---- Values ------------------------------------------------------------------------------- */

bool mcpz_header_is_plain(struct mcpz_bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return text.length > 0 && text.data[0] != ' ' && text.data[text.length - 1] != ' ' &&
           (text.length < strlen(ENCODED_HEAD) ||
            memcmp(text.data, ENCODED_HEAD, strlen(ENCODED_HEAD)) != 0);
}

bool mcpz_header_append(struct mcpz_own *own, struct mcpz_bytes text)
{
    if (mcpz_header_is_plain(text)) {
        return mcpz_own_append(own, text);
    }
    char *encoded = malloc(MCPZ_BASE64_CHARS(text.length) + 1);
    if (encoded == NULL) {
        return false;
    }
    mcpz_base64_encode(text, encoded);
    const bool good = mcpz_own_append(own, mcpz_text(ENCODED_HEAD)) &&
                      mcpz_own_append(own, mcpz_text(encoded)) &&
                      mcpz_own_append(own, mcpz_text(ENCODED_TAIL));
    free(encoded);
    return good;
}

/* ---- The book ----------------------------------------------------------------------------- */

static void note(void *context, const struct mcpz_param *param)
{
    bool *has_some = context;

    (void)param;
    *has_some = true;
}

void mcpz_param_book_finish(struct mcpz_param_book *book)
{
    mcpz_own_finish(&book->tools);
}

/* Append those that say something about headers. False: no memory. */
static bool append_tools(struct mcpz_own *book, struct mcpz_json tools)
{
    struct mcpz_json_walk walk = mcpz_json_walk(tools);
    struct mcpz_json tool;
    bool good = true;

    while (good && tools.type == MCPZ_JSON_ARRAY && mcpz_json_next_element(&walk, &tool)) {
        const struct mcpz_json schema = mcpz_member(tool, "inputSchema");
        bool has_some = !mcpz_param_is_sound(schema);
        mcpz_param_walk(schema, note, &has_some);
        if (has_some && book->length + tool.text.length < MCPZ_REMOTE_BOOK_BYTES_MAX) {
            good = mcpz_own_append(book, mcpz_text(book->length > 0 ? "," : "[")) &&
                   mcpz_own_append(book, tool.text);
        }
    }
    return good;
}

mcpz_error mcpz_param_book_read(struct mcpz_param_book *book, struct mcpz_bytes description)
{
    const struct mcpz_json all = mcpz_json_value(description);
    struct mcpz_own tools = {.data = NULL};

    mcpz_param_book_finish(book);
    const bool good = append_tools(&tools, mcpz_member(all, "tools")) &&
                      append_tools(&tools, mcpz_member(all, "unsound"));
    if (!good || (tools.length > 0 && !mcpz_own_append(&tools, mcpz_text("]")))) {
        mcpz_own_finish(&tools);
        return MCPZ_ENOMEM;
    }
    book->tools = tools;
    return MCPZ_OK;
}

/* ---- Headers ------------------------------------------------------------------------------ */

struct writing {
    struct mcpz_json arguments;
    struct mcpz_own *headers;
    size_t count;
    bool failed;
};

/* The value as text, in `buffer` if it has to be unescaped. False: it needs no header. */
static bool read_value(struct mcpz_json value, uint8_t buffer[MCPZ_PARAM_VALUE_BYTES],
                       struct mcpz_bytes *text)
{
    size_t length;

    *text = value.text;
    if (value.type == MCPZ_JSON_STRING) {
        if (mcpz_json_unescape(value, buffer, MCPZ_PARAM_VALUE_BYTES, &length) != MCPZ_OK) {
            return false;
        }
        *text = mcpz_bytes(buffer, length);
    }
    return value.type == MCPZ_JSON_STRING || value.type == MCPZ_JSON_NUMBER ||
           value.type == MCPZ_JSON_TRUE || value.type == MCPZ_JSON_FALSE;
}

static void write_one(void *context, const struct mcpz_param *param)
{
    struct writing *writing = context;
    uint8_t buffer[MCPZ_PARAM_VALUE_BYTES];
    struct mcpz_bytes text;

    if (writing->failed || writing->count == MCPZ_REMOTE_PARAMS_MAX ||
        !read_value(mcpz_param_value(param, writing->arguments), buffer, &text) ||
        writing->headers->length + sizeof(param->header) + 2 * text.length + 32 >
            MCPZ_REMOTE_PARAMS_BYTES_MAX) {
        return;
    }
    writing->count++;
    writing->failed = !mcpz_own_append(writing->headers, mcpz_text(param->header)) ||
                      !mcpz_own_append(writing->headers, mcpz_text(": ")) ||
                      !mcpz_header_append(writing->headers, text) ||
                      !mcpz_own_append(writing->headers, mcpz_bytes("", 1));
}

/* Do two strings say the same, however they are written? */
static bool is_same_name(struct mcpz_json a, struct mcpz_json b)
{
    char x[MCPZ_PARAM_VALUE_BYTES];

    return mcpz_bytes_equal(a.text, b.text) ||
           (mcpz_json_to_text(a, x, sizeof(x)) && mcpz_json_says(b, mcpz_text(x)));
}

mcpz_error mcpz_param_book_write(const struct mcpz_param_book *book, struct mcpz_json tool,
                                 struct mcpz_json arguments, struct mcpz_own *headers)
{
    struct writing writing = {.arguments = arguments, .headers = headers};
    struct mcpz_json_walk walk;
    struct mcpz_json known;

    if (book->tools.length == 0) {
        return MCPZ_OK;
    }
    walk = mcpz_json_walk(mcpz_json_value(mcpz_own_bytes(&book->tools)));
    while (mcpz_json_next_element(&walk, &known)) {
        const struct mcpz_json schema = mcpz_member(known, "inputSchema");
        if (!is_same_name(mcpz_member(known, "name"), tool)) {
            continue;
        }
        if (!mcpz_param_is_sound(schema)) {
            return MCPZ_EUNSUPPORTED;
        }
        mcpz_param_walk(schema, write_one, &writing);
        break;
    }
    return writing.failed ? MCPZ_ENOMEM : MCPZ_OK;
}
