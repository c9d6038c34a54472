/*
 * Messages of the Model Context Protocol: any bytes. What is read lies in what was said, and what
 * is spliced is still a message that reads the same.
 */

#include <stdlib.h>
#include <string.h>

#include "mcp/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_inside(struct mcpz_bytes text, struct mcpz_json value)
{
    require(value.type == MCPZ_JSON_NONE ||
            (value.text.data >= text.data && value.text.length > 0 &&
             value.text.data + value.text.length <= text.data + text.length));
}

/* Another id instead of its own, and its own again. */
static void change_id(const struct mcpz_envelope *envelope)
{
    const struct mcpz_bytes whole = envelope->whole.text;
    const struct mcpz_splice there = {.at = envelope->id.text, .with = mcpz_text("\"changed\"")};
    struct mcpz_envelope changed;
    size_t room = whole.length + 16;
    uint8_t *other = malloc(room);
    uint8_t *again = malloc(room);
    require(other != NULL && again != NULL);

    struct mcpz_json_writer writer = mcpz_json_writer(other, room);
    mcpz_splice(&writer, whole, &there, 1);
    require(writer.error == MCPZ_OK);
    require(mcpz_envelope_read(mcpz_bytes(other, writer.length), &changed) == MCPZ_OK);
    require(changed.kind == envelope->kind);
    require(mcpz_json_says(changed.id, mcpz_text("changed")));
    require(mcpz_bytes_equal(changed.method.text, envelope->method.text));

    const struct mcpz_splice back = {.at = changed.id.text, .with = envelope->id.text};
    writer = mcpz_json_writer(again, room);
    mcpz_splice(&writer, changed.whole.text, &back, 1);
    require(mcpz_bytes_equal(mcpz_bytes(again, writer.length), whole));
    free(other);
    free(again);
}

/* As a line it is the same message. */
static void put_line(struct mcpz_bytes text, const struct mcpz_envelope *envelope)
{
    struct mcpz_envelope read;
    uint8_t *line = malloc(text.length);
    require(line != NULL);

    struct mcpz_json_writer writer = mcpz_json_writer(line, text.length);
    mcpz_envelope_put_line(&writer, text);
    require(writer.length == text.length);
    require(memchr(line, '\n', text.length) == NULL);
    require(mcpz_envelope_read(mcpz_bytes(line, text.length), &read) == MCPZ_OK);
    require(read.kind == envelope->kind);
    require(mcpz_bytes_equal(read.id.text, envelope->id.text));
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct mcpz_bytes text = mcpz_bytes(bytes, length);
    struct mcpz_envelope envelope;

    mcpz_error error = mcpz_envelope_read(text, &envelope);
    check_inside(text, envelope.id);
    if (error != MCPZ_OK) {
        return 0;
    }
    check_inside(text, envelope.whole);
    check_inside(text, envelope.method);
    check_inside(envelope.whole.text, envelope.params);
    check_inside(envelope.whole.text, envelope.result);
    check_inside(envelope.whole.text, envelope.meta);
    require(envelope.kind >= MCPZ_ENVELOPE_REQUEST && envelope.kind <= MCPZ_ENVELOPE_ERROR);
    require((envelope.kind == MCPZ_ENVELOPE_REQUEST) ==
            (envelope.id.type != MCPZ_JSON_NONE && envelope.method.type != MCPZ_JSON_NONE));
    if (envelope.id.type != MCPZ_JSON_NONE) {
        change_id(&envelope);
    }
    put_line(text, &envelope);
    return 0;
}
