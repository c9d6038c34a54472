#include "http/durable_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "core/task_book.h"
#include "core/task_gather.h"
#include "core/task_plan.h"
#include "http/durable.h"
#include "http/exchange.h"
#include "http/jsontext.h"
#include "wire/plan.h"

#define RESULT_BYTES_FIRST 65536

/* ---- What it was split into --------------------------------------------------------------- */

/* A split task that is being shown. No recursion: trees are not deep. */
struct frame {
    struct mcpz_task_id id;
    struct mcpz_task_plan head; /* its slices lie in the store */
    bool is_readable;           /* its plan is */
    struct mcpz_plan plan;
    uint8_t text[MCPZ_PLAN_BYTES_MAX]; /* of the plan */
    json_t *rows;                      /* borrowed: lies in what is shown */
    uint32_t next;
};

struct tree {
    struct mcpz_task_book book;
    struct frame frames[MCPZ_SUBTASK_LEVELS_MAX + 1];
    size_t depth;
    size_t shown;
};

static const char *aggregate_word(uint32_t aggregate)
{
    static const char *const words[MCPZ_TASK_AGGREGATE_END] = {
        [MCPZ_TASK_PARALLEL] = "parallel",
        [MCPZ_TASK_SEQUENTIAL] = "sequential",
        [MCPZ_TASK_WEIGHTED] = "weighted",
    };
    return aggregate < MCPZ_TASK_AGGREGATE_END && words[aggregate] != NULL ? words[aggregate]
                                                                           : "unknown";
}

static void read_plan(struct frame *frame)
{
    const struct mcpz_bytes text = frame->head.text;
    const char *why;
    size_t at;

    if (text.length <= sizeof(frame->text)) {
        memcpy(frame->text, text.data, text.length);
        frame->is_readable =
            mcpz_json_planner.read(frame->text, text.length, &frame->plan, &why, &at);
    }
}

/* Begin with what `id` was split into, if it was. */
static void enter(struct tree *tree, const struct mcpz_task_id *id, json_t *json)
{
    if (tree->depth > MCPZ_SUBTASK_LEVELS_MAX) {
        return;
    }
    struct frame *frame = &tree->frames[tree->depth];
    frame->id = *id;
    frame->is_readable = false;
    frame->next = 0;
    if (mcpz_task_book_plan(&tree->book, id, &frame->head) != MCPZ_OK) {
        return;
    }
    tree->depth++;
    read_plan(frame);
    frame->rows = json_array();
    (void)json_object_set_new(json, "aggregate",
                              json_string(aggregate_word(frame->head.aggregate)));
    (void)json_object_set_new(json, "failures_max", json_integer(frame->head.failures_max));
    (void)json_object_set_new(json, "subtasks", frame->rows);
}

/* What its plan says of a part. */
static void add_planned(const struct frame *frame, uint32_t part, json_t *row)
{
    const struct mcpz_plan_item *item = frame->is_readable ? &frame->plan.items[part] : NULL;
    bool named = item != NULL && item->id.length > 0;

    (void)json_object_set_new(row, "name",
                              named ? mcpz_exchange_show_text(item->id) : json_null());
    (void)json_object_set_new(row, "type",
                              item != NULL ? mcpz_exchange_show_text(item->type) : json_null());
    (void)json_object_set_new(row, "weight",
                              json_real(mcpz_task_part_weight(&frame->head, part) / 1e3));
    (void)json_object_set_new(row, "reduces", json_boolean(part == frame->head.count));
}

static void show_part(struct mcpz_engine *engine, struct tree *tree)
{
    static const char *const taken[] = {"id", "state", "attempts", "provider", "error"};
    struct frame *frame = &tree->frames[tree->depth - 1];
    const uint32_t part = frame->next++;
    const struct mcpz_task_id id = mcpz_task_part_id(&frame->id, frame->head.salt, part);
    json_t *whole = mcpz_durable_show(engine, &id, false);
    json_t *row = json_pack("{s:I}", "part", (json_int_t)part + 1);

    add_planned(frame, part, row);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(taken); i++) {
        json_t *value = json_object_get(whole, taken[i]);
        (void)json_object_set(row, taken[i], value != NULL ? value : json_null());
    }
    if (whole == NULL) {
        (void)json_object_set_new(row, "state", json_string("planned"));
    }
    json_decref(whole);
    (void)json_array_append_new(frame->rows, row);
    enter(tree, &id, row);
}

void mcpz_durable_tree_add(struct mcpz_engine *engine, const struct mcpz_task_id *id, json_t *json)
{
    struct tree *tree = calloc(1, sizeof(*tree));

    if (tree == NULL) {
        return;
    }
    mcpz_task_book_init(&tree->book, mcpz_engine_store(engine), &(struct mcpz_id){.bytes = {0}});
    enter(tree, id, json);
    while (tree->depth > 0) {
        const struct frame *frame = &tree->frames[tree->depth - 1];
        bool cut = tree->shown == MCPZ_DURABLE_TREE_MAX;
        if (cut || frame->next >= frame->head.count + (frame->head.reduces ? 1 : 0)) {
            tree->depth--;
        } else {
            tree->shown++;
            show_part(engine, tree);
        }
        if (cut) {
            (void)json_object_set_new(json, "subtasks_cut", json_true());
        }
    }
    free(tree);
}

/* ---- What came of it ---------------------------------------------------------------------- */

json_t *mcpz_durable_bytes(struct mcpz_bytes bytes, const char **encoding)
{
    bool has_nul = bytes.length > 0 && memchr(bytes.data, 0, bytes.length) != NULL;

    if (mcpz_jsontext_is_value(bytes)) {
        *encoding = "json";
        return json_loadb((const char *)bytes.data, bytes.length, JSON_DECODE_ANY, NULL);
    }
    if (!has_nul && mcpz_bytes_is_utf8(bytes)) {
        *encoding = "text";
        return mcpz_exchange_show_text(bytes);
    }
    char *text = malloc(MCPZ_BASE64_CHARS(bytes.length) + 1);
    json_t *json = NULL;
    *encoding = "base64";
    if (text != NULL) {
        mcpz_base64_encode(bytes, text);
        json = json_string(text);
    }
    free(text);
    return json;
}

/* Have room for `bytes` more. False: there is no memory, or it would be too much. */
static bool make_room(uint8_t **buffer, size_t *capacity, size_t used)
{
    size_t wanted = *capacity > 0 ? 2 * *capacity : RESULT_BYTES_FIRST;

    if (*capacity - used >= MCPZ_GATHER_PENDING_BYTES) {
        return true;
    }
    uint8_t *larger = used <= MCPZ_RESULT_BYTES_MAX ? realloc(*buffer, wanted) : NULL;
    if (larger == NULL) {
        return false;
    }
    *buffer = larger;
    *capacity = wanted;
    return true;
}

json_t *mcpz_durable_result(struct mcpz_engine *engine, const struct mcpz_task_id *id,
                            const char **encoding)
{
    struct mcpz_task_book book;
    struct mcpz_gather gather;
    uint8_t *buffer = NULL;
    size_t capacity = 0;
    size_t used = 0;
    size_t length = 1;
    json_t *json = NULL;

    mcpz_task_book_init(&book, mcpz_engine_store(engine), &(struct mcpz_id){.bytes = {0}});
    mcpz_gather_result(&gather, &mcpz_json_planner, &book, id);
    while (length > 0 && make_room(&buffer, &capacity, used)) {
        length = mcpz_gather_read(&gather, &book, buffer + used, capacity - used);
        used += length;
    }
    *encoding = "too_large";
    if (length == 0 && used <= MCPZ_RESULT_BYTES_MAX) {
        json = mcpz_durable_bytes(mcpz_bytes(buffer, used), encoding);
    }
    free(buffer);
    return json != NULL ? json : json_null();
}
