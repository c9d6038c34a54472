#include "mcp/task_shape.h"

#include "mcp/envelope.h"

static struct mcpz_json member(struct mcpz_json object, const char *name)
{
    struct mcpz_json found;

    if (mcpz_json_pick(object, &name, 1, &found) != MCPZ_OK) {
        found.type = MCPZ_JSON_NONE;
    }
    return found;
}

static void put_name(struct mcpz_json_writer *writer, const char *between, const char *name)
{
    mcpz_json_put_text(writer, between);
    mcpz_json_put_text(writer, "\"");
    mcpz_json_put_text(writer, name);
    mcpz_json_put_text(writer, "\":");
}

/* ---- A task ------------------------------------------------------------------------------- */

#define NAMES 6

static const char *const legacy_names[NAMES] = {"statusMessage", "createdAt",    "lastUpdatedAt",
                                                "ttl",           "pollInterval", NULL};
static const char *const modern_names[NAMES] = {"statusMessage", "createdAt",      "lastUpdatedAt",
                                                "ttlMs",         "pollIntervalMs", NULL};
#define TTL 3

static void put_ttl(struct mcpz_json_writer *writer, struct mcpz_json ttl, int64_t max_ms)
{
    int64_t said = 0;

    if (max_ms > 0 && (!mcpz_json_integer(ttl, &said) || said > max_ms)) {
        mcpz_json_put_integer(writer, max_ms);
    } else if (ttl.type != MCPZ_JSON_NONE) {
        mcpz_json_put(writer, ttl.text);
    } else {
        mcpz_json_put_text(writer, "null");
    }
}

static void put_task(struct mcpz_json_writer *writer, struct mcpz_json task,
                     const struct mcpz_task_shape *as, const char *const *from,
                     const char *const *to)
{
    const struct mcpz_json id = member(task, "taskId");
    const struct mcpz_json status = member(task, "status");

    put_name(writer, "", "taskId");
    mcpz_json_put(writer, as->id.length > 0             ? as->id
                          : id.type == MCPZ_JSON_STRING ? id.text
                                                        : mcpz_text("\"\""));
    put_name(writer, ",", "status");
    if (as->status != NULL) {
        mcpz_json_put_string(writer, mcpz_text(as->status));
    } else {
        mcpz_json_put(writer,
                      status.type == MCPZ_JSON_STRING ? status.text : mcpz_text("\"working\""));
    }
    for (size_t i = 0; from[i] != NULL; i++) {
        const struct mcpz_json value = member(task, from[i]);
        if (i == TTL) {
            put_name(writer, ",", to[i]);
            put_ttl(writer, value, as->ttl_max_ms);
        } else if (value.type != MCPZ_JSON_NONE) {
            put_name(writer, ",", to[i]);
            mcpz_json_put(writer, value.text);
        }
    }
}

void mcpz_task_shape_put_modern(struct mcpz_json_writer *writer, struct mcpz_json task,
                                const struct mcpz_task_shape *as)
{
    put_task(writer, task, as, legacy_names, modern_names);
}

void mcpz_task_shape_put_legacy(struct mcpz_json_writer *writer, struct mcpz_json task,
                                const struct mcpz_task_shape *as)
{
    put_task(writer, task, as, modern_names, legacy_names);
}

bool mcpz_task_shape_is_over(struct mcpz_json task)
{
    const struct mcpz_json status = member(task, "status");

    return mcpz_json_says(status, mcpz_text("completed")) ||
           mcpz_json_says(status, mcpz_text("failed")) ||
           mcpz_json_says(status, mcpz_text("cancelled"));
}

/* ---- Who can make them -------------------------------------------------------------------- */

bool mcpz_task_shape_has_legacy(struct mcpz_json capabilities)
{
    const struct mcpz_json requests = member(member(capabilities, "tasks"), "requests");

    return member(member(requests, "tools"), "call").type == MCPZ_JSON_OBJECT;
}

bool mcpz_task_shape_has_modern(struct mcpz_json capabilities)
{
    return member(member(capabilities, "extensions"), MCPZ_TASKS_EXTENSION).type ==
           MCPZ_JSON_OBJECT;
}

/* Are there others than that of tasks? */
static bool has_others(struct mcpz_json extensions)
{
    struct mcpz_json_walk walk = mcpz_json_walk(extensions);
    struct mcpz_json name;
    struct mcpz_json value;

    while (extensions.type == MCPZ_JSON_OBJECT && mcpz_json_next_member(&walk, &name, &value)) {
        if (!mcpz_json_says(name, mcpz_text(MCPZ_TASKS_EXTENSION))) {
            return true;
        }
    }
    return false;
}

/* Put those whose names are not in `skipped`, with `between` before each but the first. Returns
 * what is to stand before the next. */
static const char *put_others(struct mcpz_json_writer *writer, struct mcpz_json object,
                              const char *const skipped[2])
{
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    struct mcpz_json name;
    struct mcpz_json value;
    const char *between = "";

    while (object.type == MCPZ_JSON_OBJECT && mcpz_json_next_member(&walk, &name, &value)) {
        if (mcpz_json_says(name, mcpz_text(skipped[0])) ||
            mcpz_json_says(name, mcpz_text(skipped[1]))) {
            continue;
        }
        mcpz_json_put_text(writer, between);
        mcpz_json_put(writer, name.text);
        mcpz_json_put_text(writer, ":");
        mcpz_json_put(writer, value.text);
        between = ",";
    }
    return between;
}

void mcpz_task_shape_put_capabilities(struct mcpz_json_writer *writer,
                                      struct mcpz_json capabilities, bool for_modern)
{
    static const char *const ours[] = {"tasks", "extensions"};
    static const char *const extension[] = {MCPZ_TASKS_EXTENSION, MCPZ_TASKS_EXTENSION};
    const struct mcpz_json extensions = member(capabilities, "extensions");
    const bool makes_tasks = for_modern ? mcpz_task_shape_has_legacy(capabilities)
                                        : mcpz_task_shape_has_modern(capabilities);

    mcpz_json_put_text(writer, "{");
    const char *between = put_others(writer, capabilities, ours);
    if (has_others(extensions) || (for_modern && makes_tasks)) {
        put_name(writer, between, "extensions");
        mcpz_json_put_text(writer, "{");
        between = put_others(writer, extensions, extension);
        if (for_modern && makes_tasks) {
            put_name(writer, between, MCPZ_TASKS_EXTENSION);
            mcpz_json_put_text(writer, "{}");
        }
        mcpz_json_put_text(writer, "}");
        between = ",";
    }
    if (!for_modern && makes_tasks) {
        put_name(writer, between, "tasks");
        mcpz_json_put_text(writer, "{\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}");
    }
    mcpz_json_put_text(writer, "}");
}

/* ---- Of which tools ----------------------------------------------------------------------- */

struct mcpz_bytes mcpz_task_shape_tool(struct mcpz_json tool)
{
    return tool.type == MCPZ_JSON_OBJECT && member(tool, "execution").type == MCPZ_JSON_NONE &&
                   !mcpz_splice_is_empty(tool)
               ? mcpz_text("{\"execution\":{\"taskSupport\":\"optional\"},")
               : mcpz_bytes(NULL, 0);
}

enum mcpz_task_support mcpz_task_shape_support(struct mcpz_json tool)
{
    const struct mcpz_json said = member(member(tool, "execution"), "taskSupport");

    return mcpz_json_says(said, mcpz_text("required"))   ? MCPZ_TASK_REQUIRED
           : mcpz_json_says(said, mcpz_text("optional")) ? MCPZ_TASK_OPTIONAL
                                                         : MCPZ_TASK_FORBIDDEN;
}
