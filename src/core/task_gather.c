#include "core/task_gather.h"

#include <assert.h>
#include <string.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "core/task_plan.h"

enum kind {
    KIND_PLAIN = 1, /* a result as it is */
    KIND_STRING,    /* as a JSON string */
    KIND_BASE64,
    KIND_ARRAY,
};

#define BASE64_GROUP 3

/* ---- What is to be read ------------------------------------------------------------------- */

static void say(struct mcpz_gather *gather, const char *text, size_t length)
{
    assert(length <= MCPZ_GATHER_PENDING_BYTES - gather->pending_length);

    memcpy(gather->pending + gather->pending_length, text, length);
    gather->pending_length += length;
}

static void say_text(struct mcpz_gather *gather, const char *text)
{
    say(gather, text, strlen(text));
}

/* False: deeper than any tree that was made by the rules. */
static bool push(struct mcpz_gather *gather, const struct mcpz_task_id *id, enum kind kind)
{
    if (gather->depth == MCPZ_GATHER_DEPTH_MAX) {
        return false;
    }
    gather->frames[gather->depth++] = (struct mcpz_gather_frame){.id = *id, .kind = kind};
    return true;
}

/* Whose kept result is the result of `id`? KIND_ARRAY: it is made of those of its parts. */
static enum kind resolve(struct mcpz_task_book *book, struct mcpz_task_id *id)
{
    struct mcpz_task_plan plan;

    for (size_t level = 0; level <= MCPZ_SUBTASK_LEVELS_MAX; level++) {
        if (mcpz_task_book_plan(book, id, &plan) != MCPZ_OK) {
            return KIND_PLAIN;
        }
        if (plan.reduces) {
            *id = mcpz_task_part_id(id, plan.salt, plan.count);
        } else if (plan.aggregate == MCPZ_TASK_SEQUENTIAL) {
            *id = mcpz_task_part_id(id, plan.salt, plan.count - 1);
        } else {
            return plan.aggregate == MCPZ_TASK_PARALLEL ? KIND_ARRAY : KIND_PLAIN;
        }
    }
    return KIND_PLAIN;
}

/* The result of a part, as a value in an array. */
static void push_value(struct mcpz_gather *gather, struct mcpz_task_book *book,
                       struct mcpz_task_id id)
{
    struct mcpz_task_state state;
    enum kind kind = KIND_PLAIN;

    if (mcpz_task_book_state(book, &id, &state) != MCPZ_OK || state.phase != MCPZ_TASK_DONE) {
        say_text(gather, "null");
        return;
    }
    kind = resolve(book, &id);
    if (kind == KIND_PLAIN) {
        struct mcpz_bytes result = mcpz_task_book_result(book, &id);
        if (!gather->planner->is_value(result)) {
            kind = mcpz_bytes_is_utf8(result) ? KIND_STRING : KIND_BASE64;
            say_text(gather, "\"");
        }
    }
    if (!push(gather, &id, kind)) {
        say_text(gather, kind == KIND_STRING || kind == KIND_BASE64 ? "\"" : "null");
    }
}

void mcpz_gather_result(struct mcpz_gather *gather, const struct mcpz_planner *planner,
                        struct mcpz_task_book *book, const struct mcpz_task_id *id)
{
    struct mcpz_task_id source = *id;
    enum kind kind = resolve(book, &source);

    *gather = (struct mcpz_gather){.planner = planner};
    (void)push(gather, &source, kind);
}

void mcpz_gather_parts(struct mcpz_gather *gather, const struct mcpz_planner *planner,
                       const struct mcpz_task_id *id)
{
    *gather = (struct mcpz_gather){.planner = planner};
    (void)push(gather, id, KIND_ARRAY);
}

/* ---- Reading ------------------------------------------------------------------------------ */

static void say_weight(struct mcpz_gather *gather, uint32_t weight)
{
    char number[MCPZ_DECIMAL_BYTES];

    say_text(gather, "{\"weight\":");
    say(gather, number, mcpz_decimal_write((int64_t)weight * 1000, number));
    say_text(gather, ",\"result\":");
}

/* The next thing of the array on top: a bracket, or one of its parts. */
static void read_array(struct mcpz_gather *gather, struct mcpz_task_book *book)
{
    struct mcpz_gather_frame *frame = &gather->frames[gather->depth - 1];
    struct mcpz_task_plan plan;

    if (mcpz_task_book_plan(book, &frame->id, &plan) != MCPZ_OK) {
        plan = (struct mcpz_task_plan){.aggregate = MCPZ_TASK_PARALLEL};
    }
    bool weighted = plan.aggregate == MCPZ_TASK_WEIGHTED;
    if (frame->within) {
        frame->within = false;
        say_text(gather, weighted ? "}" : "");
        return;
    }
    if (frame->index >= plan.count) {
        say_text(gather, plan.count == 0 ? "[]" : "]");
        gather->depth--;
        return;
    }
    uint32_t part = frame->index++;
    say_text(gather, part == 0 ? "[" : ",");
    if (weighted) {
        say_weight(gather, mcpz_task_part_weight(&plan, part));
    }
    frame->within = true;
    push_value(gather, book, mcpz_task_part_id(&frame->id, plan.salt, part));
}

static size_t read_string(const struct mcpz_planner *planner, struct mcpz_bytes left,
                          uint8_t *buffer, size_t capacity, size_t *taken)
{
    size_t used = 0;

    for (*taken = 0; *taken < left.length && capacity - used >= MCPZ_PLAN_ESCAPE_CHARS;
         (*taken)++) {
        char escape[MCPZ_PLAN_ESCAPE_CHARS];
        size_t length = planner->escape(left.data[*taken], escape);
        if (length == 0) {
            buffer[used++] = left.data[*taken];
        } else {
            memcpy(buffer + used, escape, length);
            used += length;
        }
    }
    return used;
}

static size_t read_base64(struct mcpz_bytes left, uint8_t *buffer, size_t capacity, size_t *taken)
{
    size_t used = 0;

    for (*taken = 0; *taken < left.length && capacity - used >= 4;) {
        size_t length = left.length - *taken < BASE64_GROUP ? left.length - *taken : BASE64_GROUP;
        char text[5];
        mcpz_base64_encode(mcpz_bytes(left.data + *taken, length), text);
        memcpy(buffer + used, text, 4);
        used += 4;
        *taken += length;
    }
    return used;
}

/* Some of the result on top. */
static size_t read_bytes(struct mcpz_gather *gather, struct mcpz_task_book *book, uint8_t *buffer,
                         size_t capacity)
{
    struct mcpz_gather_frame *frame = &gather->frames[gather->depth - 1];
    struct mcpz_bytes whole = mcpz_task_book_result(book, &frame->id);
    size_t offset = frame->offset < whole.length ? frame->offset : whole.length;
    struct mcpz_bytes left = mcpz_bytes(whole.data + offset, whole.length - offset);
    size_t taken = left.length < capacity ? left.length : capacity;
    size_t given = taken;

    if (frame->kind == KIND_STRING) {
        given = read_string(gather->planner, left, buffer, capacity, &taken);
    } else if (frame->kind == KIND_BASE64) {
        given = read_base64(left, buffer, capacity, &taken);
    } else if (taken > 0) {
        memcpy(buffer, left.data, taken);
    }
    frame->offset = offset + taken;
    if (taken == left.length) {
        say_text(gather, frame->kind == KIND_PLAIN ? "" : "\"");
        gather->depth--;
    }
    return given;
}

static size_t give_pending(struct mcpz_gather *gather, uint8_t *buffer, size_t capacity)
{
    size_t left = gather->pending_length - gather->pending_at;
    size_t length = left < capacity ? left : capacity;

    memcpy(buffer, gather->pending + gather->pending_at, length);
    gather->pending_at += length;
    if (gather->pending_at == gather->pending_length) {
        gather->pending_at = 0;
        gather->pending_length = 0;
    }
    return length;
}

size_t mcpz_gather_read(struct mcpz_gather *gather, struct mcpz_task_book *book, uint8_t *buffer,
                        size_t capacity)
{
    size_t used = 0;

    assert(capacity >= MCPZ_GATHER_PENDING_BYTES);
    while (capacity - used >= MCPZ_PLAN_ESCAPE_CHARS) {
        if (gather->pending_length > 0) {
            used += give_pending(gather, buffer + used, capacity - used);
        } else if (gather->depth == 0) {
            break;
        } else if (gather->frames[gather->depth - 1].kind == KIND_ARRAY) {
            read_array(gather, book);
        } else {
            used += read_bytes(gather, book, buffer + used, capacity - used);
        }
    }
    return used;
}
