#include "exec/worker_line.h"

#include <assert.h>
#include <string.h>

#include "base/base64.h"
#include "exec/digits.h"
#include "wire/json.h"

#define FIXED_BYTES 512 /* names of members, numbers, brackets */

/* ---- Reading ------------------------------------------------------------------------------ */

static bool is(struct mcpz_bytes bytes, const char *word)
{
    return mcpz_bytes_equal(bytes, mcpz_text(word));
}

static bool read_id(struct mcpz_bytes value, uint64_t *id)
{
    if (value.length == 0 || value.length > 18) {
        return false;
    }
    *id = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
        *id = *id * 10 + (uint64_t)(value.data[i] - '0');
    }
    return true;
}

static bool is_string(struct mcpz_bytes value)
{
    return value.length >= 2 && value.data[0] == '"';
}

/* What the members mean that decide the kind of line. */
struct members {
    struct mcpz_bytes id;
    struct mcpz_bytes ready;
    struct mcpz_bytes error;
    struct mcpz_bytes output;
    struct mcpz_bytes output_base64;
    struct mcpz_bytes result;
    struct mcpz_bytes plan;
    struct mcpz_bytes progress;
};

static void note_member(struct members *members, struct mcpz_json key, struct mcpz_json value)
{
    const struct {
        const char *name;
        struct mcpz_bytes *slot;
    } rows[] = {
        {"id", &members->id},
        {"ready", &members->ready},
        {"error", &members->error},
        {"output", &members->output},
        {"result", &members->result},
        {"plan", &members->plan},
        {"output_base64", &members->output_base64},
        {"progress", &members->progress},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (mcpz_json_says(key, mcpz_text(rows[i].name))) {
            *rows[i].slot = value.text;
        }
    }
}

/* A string's bytes, in place; another value as it is written. */
static struct mcpz_bytes read_text(uint8_t *line, struct mcpz_bytes value)
{
    if (!is_string(value)) {
        return value;
    }
    uint8_t *text = line + (value.data - line);
    size_t length = 0;
    mcpz_error error = mcpz_json_unescape(mcpz_json_value(value), text, value.length, &length);
    assert(error == MCPZ_OK); /* it gets shorter */
    (void)error;
    return mcpz_bytes(text, length);
}

/* {"message": "..."} as well as "...". */
static struct mcpz_bytes read_error(uint8_t *line, struct mcpz_bytes value)
{
    struct mcpz_json key;
    struct mcpz_json inner;

    if (value.length > 0 && value.data[0] == '{') {
        struct mcpz_json_walk walk = mcpz_json_walk(mcpz_json_value(value));
        while (mcpz_json_next_member(&walk, &key, &inner)) {
            if (mcpz_json_says(key, mcpz_text("message"))) {
                return read_text(line, inner.text);
            }
        }
    }
    return read_text(line, value);
}

static bool read_base64(uint8_t *line, struct mcpz_bytes value, struct mcpz_bytes *bytes)
{
    struct mcpz_bytes text = read_text(line, value);
    size_t length = 0;

    /* Four characters become three bytes: never past what is still to be read. */
    if (!is_string(value) && text.length == 0) {
        return false;
    }
    uint8_t *out = line + (text.data - line);
    if (mcpz_base64_decode(text, out, text.length, &length) != MCPZ_OK) {
        return false;
    }
    *bytes = mcpz_bytes(out, length);
    return true;
}

static struct mcpz_worker_line read_task_line(uint8_t *line, const struct members *members)
{
    struct mcpz_worker_line said = {.says = MCPZ_WORKER_NONSENSE};

    if (!read_id(members->id, &said.id)) {
        return said;
    }
    if (members->error.length > 0 && !is(members->error, "null")) {
        said.says = MCPZ_WORKER_ERROR;
        said.value = read_error(line, members->error);
    } else if (members->result.length > 0) {
        said.says = MCPZ_WORKER_RESULT;
        said.value = is(members->result, "null") ? mcpz_bytes(line, 0) : members->result;
    } else if (members->plan.length > 0 && !is(members->plan, "null")) {
        said.says = MCPZ_WORKER_PLAN;
        said.value = members->plan;
    } else if (is_string(members->output)) {
        said.says = MCPZ_WORKER_OUTPUT;
        said.value = read_text(line, members->output);
    } else if (is_string(members->output_base64)) {
        if (read_base64(line, members->output_base64, &said.value)) {
            said.says = MCPZ_WORKER_OUTPUT;
        }
    } else if (members->progress.length > 0) {
        said.says = MCPZ_WORKER_PROGRESS;
    }
    return said;
}

struct mcpz_worker_line mcpz_worker_line_read(uint8_t *line, size_t length)
{
    struct mcpz_worker_line said = {.says = MCPZ_WORKER_NONSENSE};
    const struct mcpz_bytes text = mcpz_bytes(line, length);
    struct members members = {.id = {NULL, 0}};
    struct mcpz_json key;
    struct mcpz_json value;

    if (mcpz_json_check(text, MCPZ_JSON_GRAMMAR) != MCPZ_OK) {
        return said;
    }
    value = mcpz_json_value(text);
    if (value.type != MCPZ_JSON_OBJECT) {
        return said;
    }
    struct mcpz_json_walk walk = mcpz_json_walk(value);
    while (mcpz_json_next_member(&walk, &key, &value)) {
        note_member(&members, key, value);
    }
    if (is(members.ready, "true")) {
        said.says = MCPZ_WORKER_READY;
        return said;
    }
    if (members.ready.length > 0) {
        said.says = MCPZ_WORKER_NOT_READY;
        said.value = read_error(line, members.error);
        return said;
    }
    return read_task_line(line, &members);
}

/* ---- Writing ------------------------------------------------------------------------------ */

static size_t put(char *line, const char *text)
{
    return (size_t)(stpcpy(line, text) - line);
}

static size_t put_digits(char *line, uint64_t number)
{
    return (size_t)(mcpz_digits_put(line, number) - line);
}

/* ,"NAME": */
static size_t put_name(char *line, const char *name)
{
    size_t used = put(line, ",\"");

    used += put(line + used, name);
    return used + put(line + used, "\":");
}

static size_t put_number(char *line, const char *name, uint64_t number)
{
    size_t used = put_name(line, name);
    return used + put_digits(line + used, number);
}

static size_t put_escaped(char *line, struct mcpz_bytes text)
{
    struct mcpz_json_writer writer = mcpz_json_writer(line, MCPZ_JSON_ESCAPED_BYTES(text.length));

    mcpz_json_put_string(&writer, text);
    return writer.length;
}

static size_t put_string(char *line, const char *name, struct mcpz_bytes text)
{
    size_t used = put_name(line, name);
    return used + put_escaped(line + used, text);
}

/* One that is empty says nothing. */
static size_t put_if_said(char *line, const char *name, const char *text)
{
    return text[0] != '\0' ? put_string(line, name, mcpz_text(text)) : 0;
}

/* JSON may be laid out over several lines; a message may not. In strings there are no line ends.
 */
static size_t put_params(char *line, struct mcpz_bytes params)
{
    for (size_t i = 0; i < params.length; i++) {
        bool ends = params.data[i] == '\n' || params.data[i] == '\r';
        line[i] = (char)(ends ? ' ' : params.data[i]);
    }
    return params.length;
}

size_t mcpz_worker_line_task_bytes(const struct mcpz_worker_task *task)
{
    return FIXED_BYTES + task->params.length +
           MCPZ_JSON_ESCAPED_BYTES(task->input.length + strlen(task->type) + strlen(task->caller) +
                                   strlen(task->tenant) + strlen(task->traceparent) +
                                   strlen(task->idempotency_key));
}

size_t mcpz_worker_line_task(const struct mcpz_worker_task *task, char *line)
{
    size_t used = put(line, "{\"id\":");

    used += put_digits(line + used, task->id);
    used += put_string(line + used, "type", mcpz_text(task->type));
    used += put(line + used, ",\"params\":");
    if (task->params.length > 0) {
        used += put_params(line + used, task->params);
    } else {
        used += put(line + used, "null");
    }
    if (task->has_input && mcpz_bytes_is_utf8(task->input)) {
        used += put_string(line + used, "input", task->input);
    } else if (task->has_input) {
        used += put(line + used, ",\"input_base64\":\"");
        mcpz_base64_encode(task->input, line + used);
        used += strlen(line + used);
        used += put(line + used, "\"");
    }
    used += put_string(line + used, "caller", mcpz_text(task->caller));
    used += put_number(line + used, "deadline_ms", task->deadline_wall_ms);
    used += put_number(line + used, "priority", task->priority);
    if (task->levels > 0) {
        used += put_number(line + used, "levels", task->levels);
    }
    used += put_if_said(line + used, "tenant", task->tenant);
    used += put_if_said(line + used, "traceparent", task->traceparent);
    used += put_if_said(line + used, "idempotency_key", task->idempotency_key);
    return used + put(line + used, "}\n");
}

size_t mcpz_worker_line_hello(const char *capability, char *const *plugins, size_t plugin_count,
                              char *line)
{
    size_t used = put(line, "{\"hello\":1");

    used += put_string(line + used, "capability", mcpz_text(capability));
    used += put(line + used, ",\"plugins\":[");
    for (size_t i = 0; i < plugin_count; i++) {
        used += put(line + used, i == 0 ? "" : ",");
        used += put_escaped(line + used, mcpz_text(plugins[i]));
    }
    return used + put(line + used, "]}\n");
}

size_t mcpz_worker_line_cancel(uint64_t id, char *line)
{
    size_t used = put(line, "{\"id\":");

    used += put_digits(line + used, id);
    return used + put(line + used, ",\"cancel\":true}\n");
}
