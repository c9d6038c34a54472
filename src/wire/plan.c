#include "wire/plan.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/base64.h"
#include "base/decimal.h"
#include "wire/json.h"

#define MICROS INT64_C(1000000)
#define WEIGHT_MICROS 1000 /* a thousandth */
#define WEIGHT_ONE 1000

static_assert(MCPZ_PLAN_BYTES_MAX <= MCPZ_TASK_BYTES_MAX, "what a plan holds fits a task");
static_assert(MCPZ_PLAN_ESCAPE_CHARS == MCPZ_JSON_ESCAPE_CHARS, "an escape fits");

/* The plan as it is read. */
struct reading {
    uint8_t *text;
    const char *why;
};

static bool refuse(struct reading *reading, const char *why)
{
    reading->why = why;
    return false;
}

/* ---- Values ------------------------------------------------------------------------------- */

/* A string's bytes, in place. False: it is none. */
static bool read_string(struct reading *reading, struct mcpz_json value, struct mcpz_bytes *bytes)
{
    size_t length = 0;

    if (value.type != MCPZ_JSON_STRING) {
        return false;
    }
    uint8_t *start = reading->text + (value.text.data - reading->text);
    mcpz_error error = mcpz_json_unescape(value, start, value.text.length, &length);
    assert(error == MCPZ_OK);
    *bytes = mcpz_bytes(start, length);
    return error == MCPZ_OK;
}

static bool read_name(struct reading *reading, struct mcpz_json value, size_t bytes_max,
                      struct mcpz_bytes *name)
{
    return read_string(reading, value, name) && name->length > 0 && name->length <= bytes_max;
}

static bool read_number(struct mcpz_json value, uint32_t least, uint32_t most, uint32_t *number)
{
    int64_t given;

    if (!mcpz_json_integer(value, &given) || given < (int64_t)least || given > (int64_t)most) {
        return false;
    }
    *number = (uint32_t)given;
    return true;
}

static bool read_weight(struct mcpz_json value, uint32_t *weight)
{
    int64_t micros;

    if (value.type != MCPZ_JSON_NUMBER || !mcpz_decimal_read(value.text, &micros) || micros < 0 ||
        micros % WEIGHT_MICROS != 0 || micros / WEIGHT_MICROS > MCPZ_WEIGHT_MAX) {
        return false;
    }
    *weight = (uint32_t)(micros / WEIGHT_MICROS);
    return true;
}

static bool read_base64(struct reading *reading, struct mcpz_json value, struct mcpz_bytes *bytes)
{
    struct mcpz_bytes text;
    size_t length = 0;

    if (!read_string(reading, value, &text)) {
        return false;
    }
    uint8_t *start = reading->text + (text.data - reading->text);
    if (mcpz_base64_decode(text, start, text.length, &length) != MCPZ_OK) {
        return false;
    }
    *bytes = mcpz_bytes(start, length);
    return true;
}

/* ---- Subtasks ----------------------------------------------------------------------------- */

static bool read_type(struct reading *reading, struct mcpz_json value, struct mcpz_plan_item *item)
{
    return read_name(reading, value, MCPZ_CAPABILITY_BYTES_MAX, &item->type) ||
           refuse(reading, "\"type\" must be a capability's name");
}

static bool read_id(struct reading *reading, struct mcpz_json value, struct mcpz_plan_item *item)
{
    return read_name(reading, value, MCPZ_PLAN_ID_BYTES_MAX, &item->id) ||
           refuse(reading, "\"id\" must be a string of 1 to 64 bytes");
}

static bool read_params(struct reading *reading, struct mcpz_json value,
                        struct mcpz_plan_item *item)
{
    (void)reading;
    item->params = value.text;
    return true;
}

static bool read_input(struct reading *reading, struct mcpz_json value,
                       struct mcpz_plan_item *item)
{
    return read_string(reading, value, &item->input) ||
           refuse(reading, "\"input\" must be a string");
}

static bool read_input_base64(struct reading *reading, struct mcpz_json value,
                              struct mcpz_plan_item *item)
{
    return read_base64(reading, value, &item->input) ||
           refuse(reading, "\"input_base64\" is no base64");
}

static bool read_item_weight(struct reading *reading, struct mcpz_json value,
                             struct mcpz_plan_item *item)
{
    return read_weight(value, &item->weight) ||
           refuse(reading, "\"weight\" must be 0 to 100, with three decimals at most");
}

static bool read_attempts(struct reading *reading, struct mcpz_json value,
                          struct mcpz_plan_item *item)
{
    return read_number(value, 1, MCPZ_TASK_ATTEMPTS_MAX, &item->attempts_max) ||
           refuse(reading, "\"attempts\" must be 1 to 1000");
}

static bool read_timeout(struct reading *reading, struct mcpz_json value,
                         struct mcpz_plan_item *item)
{
    return read_number(value, 1, MCPZ_CALL_TIMEOUT_MS_MAX, &item->timeout_ms) ||
           refuse(reading, "\"timeout_ms\" must be 1 to 3600000");
}

static bool read_item_member(struct reading *reading, struct mcpz_json name,
                             struct mcpz_json value, struct mcpz_plan_item *item)
{
    static const struct {
        const char *name;
        bool (*read)(struct reading *reading, struct mcpz_json value, struct mcpz_plan_item *item);
    } members[] = {
        {"type", read_type},
        {"id", read_id},
        {"params", read_params},
        {"input", read_input},
        {"input_base64", read_input_base64},
        {"weight", read_item_weight},
        {"attempts", read_attempts},
        {"timeout_ms", read_timeout},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(members); i++) {
        if (mcpz_json_says(name, mcpz_text(members[i].name))) {
            return members[i].read(reading, value, item);
        }
    }
    return refuse(reading, "a subtask has only \"type\", \"id\", \"params\", \"input\", "
                           "\"input_base64\", \"weight\", \"attempts\" and \"timeout_ms\"");
}

static bool read_item(struct reading *reading, struct mcpz_json object,
                      struct mcpz_plan_item *item)
{
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    struct mcpz_json name;
    struct mcpz_json value;

    *item = (struct mcpz_plan_item){.weight = WEIGHT_ONE};
    if (object.type != MCPZ_JSON_OBJECT) {
        return refuse(reading, "a subtask must be an object");
    }
    while (mcpz_json_next_member(&walk, &name, &value)) {
        if (!read_item_member(reading, name, value, item)) {
            return false;
        }
    }
    return item->type.length > 0 || refuse(reading, "\"type\" is missing");
}

static bool read_items(struct reading *reading, struct mcpz_json array, struct mcpz_plan *plan)
{
    struct mcpz_json_walk walk = mcpz_json_walk(array);
    struct mcpz_json value;

    if (array.type != MCPZ_JSON_ARRAY) {
        return refuse(reading, "\"subtasks\" must be an array");
    }
    while (mcpz_json_next_element(&walk, &value)) {
        if (plan->head.count == MCPZ_SUBTASKS_MAX) {
            return refuse(reading, "a task can be split into 50 at most: let some of them split "
                                   "again");
        }
        if (!read_item(reading, value, &plan->items[plan->head.count++])) {
            return false;
        }
    }
    return plan->head.count > 0 || refuse(reading, "there is no subtask in it");
}

/* ---- The whole ---------------------------------------------------------------------------- */

/* What a plan has. */
enum member { SUBTASKS, AGGREGATE, REDUCE, ON_FAILURE, FAILURES_MAX, MEMBER_COUNT };

static const char *const member_names[MEMBER_COUNT] = {
    [SUBTASKS] = "subtasks",     [AGGREGATE] = "aggregate",       [REDUCE] = "reduce",
    [ON_FAILURE] = "on_failure", [FAILURES_MAX] = "failures_max",
};

static bool read_members(struct reading *reading, struct mcpz_json object,
                         struct mcpz_json members[MEMBER_COUNT])
{
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    struct mcpz_json name;
    struct mcpz_json value;
    size_t count = 0;
    size_t known = 0;

    while (mcpz_json_next_member(&walk, &name, &value)) {
        count++;
    }
    if (mcpz_json_pick(object, member_names, MEMBER_COUNT, members) != MCPZ_OK) {
        return refuse(reading, "a member is there twice");
    }
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        known += members[i].type != MCPZ_JSON_NONE;
    }
    return known == count || refuse(reading, "a plan has only \"subtasks\", \"aggregate\", "
                                             "\"reduce\", \"on_failure\" and \"failures_max\"");
}

static bool read_aggregate(struct reading *reading, struct mcpz_json value, struct mcpz_plan *plan)
{
    static const char *const words[MCPZ_TASK_AGGREGATE_END] = {
        [MCPZ_TASK_PARALLEL] = "parallel",
        [MCPZ_TASK_SEQUENTIAL] = "sequential",
        [MCPZ_TASK_WEIGHTED] = "weighted",
    };

    plan->head.aggregate = MCPZ_TASK_PARALLEL;
    if (value.type == MCPZ_JSON_NONE) {
        return true;
    }
    for (uint32_t i = MCPZ_TASK_PARALLEL; i < MCPZ_TASK_AGGREGATE_END; i++) {
        if (mcpz_json_says(value, mcpz_text(words[i]))) {
            plan->head.aggregate = i;
            return true;
        }
    }
    return refuse(reading, "\"aggregate\" must be \"parallel\", \"sequential\" or \"weighted\"");
}

static bool read_failures(struct reading *reading, const struct mcpz_json members[MEMBER_COUNT],
                          struct mcpz_plan *plan)
{
    const struct mcpz_json policy = members[ON_FAILURE];
    bool partial = mcpz_json_says(policy, mcpz_text("partial"));

    plan->head.failures_max = partial ? plan->head.count - 1 : 0;
    if (!partial && policy.type != MCPZ_JSON_NONE && !mcpz_json_says(policy, mcpz_text("fail"))) {
        return refuse(reading, "\"on_failure\" must be \"fail\" or \"partial\"");
    }
    if (partial && plan->head.aggregate == MCPZ_TASK_SEQUENTIAL) {
        return refuse(reading, "what is sequential cannot go on without the result before");
    }
    if (members[FAILURES_MAX].type == MCPZ_JSON_NONE) {
        return true;
    }
    if (!partial) {
        return refuse(reading, "\"failures_max\" needs \"on_failure\": \"partial\"");
    }
    return read_number(members[FAILURES_MAX], 0, plan->head.count - 1, &plan->head.failures_max) ||
           refuse(reading, "\"failures_max\" must be less than there are subtasks");
}

static bool read_reduce(struct reading *reading, struct mcpz_json value, struct mcpz_plan *plan)
{
    struct mcpz_plan_item *item = &plan->items[plan->head.count];

    if (value.type == MCPZ_JSON_NONE) {
        return true;
    }
    plan->head.reduces = true;
    if (plan->head.aggregate == MCPZ_TASK_SEQUENTIAL) {
        return refuse(reading, "what is sequential is reduced by its last subtask");
    }
    return read_item(reading, value, item) &&
           (item->input.length == 0 || refuse(reading, "the input of \"reduce\" is the results"));
}

/* What can only be said with all of them in view. */
static bool check_items(struct reading *reading, const struct mcpz_plan *plan, size_t *at)
{
    bool sequential = plan->head.aggregate == MCPZ_TASK_SEQUENTIAL;
    uint32_t weights = 0;

    for (size_t i = 0; i < plan->head.count; i++) {
        weights += plan->items[i].weight;
        if (sequential && i > 0 && plan->items[i].input.length > 0) {
            *at = i + 1;
            return refuse(reading, "in a sequence the input is the result before");
        }
    }
    return plan->head.aggregate != MCPZ_TASK_WEIGHTED || weights > 0 ||
           refuse(reading, "the weights add up to nothing");
}

static bool read_checked(struct reading *reading, struct mcpz_json object, struct mcpz_plan *plan,
                         size_t *at)
{
    struct mcpz_json members[MEMBER_COUNT];

    if (!read_members(reading, object, members) ||
        !read_aggregate(reading, members[AGGREGATE], plan)) {
        return false;
    }
    if (!read_items(reading, members[SUBTASKS], plan)) {
        *at = plan->head.count;
        return false;
    }
    return read_failures(reading, members, plan) && read_reduce(reading, members[REDUCE], plan) &&
           check_items(reading, plan, at);
}

static bool is_value(struct mcpz_bytes text)
{
    return mcpz_json_check(text, MCPZ_JSON_INTEROPERABLE) == MCPZ_OK;
}

static bool read(uint8_t *text, size_t length, struct mcpz_plan *plan, const char **why,
                 size_t *at)
{
    const struct mcpz_bytes whole = mcpz_bytes(text, length);
    struct reading reading = {.text = text};

    *at = 0;
    plan->head = (struct mcpz_task_plan){.count = 0};
    if (length > MCPZ_PLAN_BYTES_MAX || !is_value(whole) ||
        mcpz_json_value(whole).type != MCPZ_JSON_OBJECT) {
        *why = "it must be a JSON object of 32 KiB at most";
        return false;
    }
    bool good = read_checked(&reading, mcpz_json_value(whole), plan, at);
    *why = reading.why;
    return good;
}

const struct mcpz_planner mcpz_json_planner = {
    .read = read,
    .is_value = is_value,
    .escape = mcpz_json_escape_byte,
};
