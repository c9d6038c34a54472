#include "core/crdt/write_list.h"

#include <assert.h>

#include "core/crdt/list.h"

static const struct mcpz_outcome ok = {.code = MCPZ_CODE_OK, .text = ""};

static_assert(MCPZ_LIST_ITEMS_MAX == 1024, "the text in load() names it");

static struct mcpz_outcome load(const struct mcpz_writer *writer, struct mcpz_bytes path,
                                struct mcpz_list *list)
{
    mcpz_error error = mcpz_list_load(writer->store, &writer->document->id, path, list);

    if (error == MCPZ_EFULL) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "the list holds too many elements (limit 1024)");
    }
    return error == MCPZ_OK ? ok : mcpz_edit_store_failed();
}

/* Put `value` where `key` says, for all observed entries of this id. */
static struct mcpz_outcome put(struct mcpz_writer *writer, struct mcpz_bytes path, int64_t id,
                               struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct mcpz_parts parts = mcpz_list_write_item(key, id, value);
    struct mcpz_edit edit = {
        .query = mcpz_edit_query(writer, path, MCPZ_ENTRY_LIST),
        .adds = {{MCPZ_ENTRY_LIST, path, mcpz_parts_bytes(&parts)}},
        .add_count = 1,
    };
    edit.query.item = id;
    if (parts.is_full) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "an element is at most 930 bytes");
    }
    return mcpz_edit_carry_out(writer, &edit);
}

/* Where `index` is between the others; `moved` (a count: none) is not among them. */
static bool find_place(const struct mcpz_writer *writer, const struct mcpz_list *list,
                       size_t index, size_t moved, struct mcpz_list_key *key)
{
    size_t before = index > 0 ? index - 1 : list->count;
    size_t after = index;

    /* In the list without the moved one, places at and behind it are one further on. */
    before = index > 0 && before >= moved ? before + 1 : before;
    after = after >= moved ? after + 1 : after;
    return mcpz_list_key_between(
        before < list->count ? list->items[before].key : mcpz_bytes(NULL, 0),
        after < list->count ? list->items[after].key : mcpz_bytes(NULL, 0), writer->rng, key);
}

/* Give all elements new places, with room between them. */
static struct mcpz_outcome spread(struct mcpz_writer *writer, struct mcpz_bytes path,
                                  struct mcpz_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct mcpz_list_key key = mcpz_list_key_spread(i);
        struct mcpz_outcome outcome = put(writer, path, list->items[i].id,
                                          mcpz_bytes(key.bytes, key.length), list->items[i].value);
        if (outcome.code != MCPZ_CODE_OK) {
            return outcome;
        }
    }
    return load(writer, path, list);
}

/* A key for `index`; the list may have been given new ones. */
static struct mcpz_outcome make_room(struct mcpz_writer *writer, struct mcpz_bytes path,
                                     struct mcpz_list *list, size_t index, size_t moved,
                                     struct mcpz_list_key *key)
{
    if (find_place(writer, list, index, moved, key)) {
        return ok;
    }
    struct mcpz_outcome outcome = spread(writer, path, list);
    if (outcome.code == MCPZ_CODE_OK && !find_place(writer, list, index, moved, key)) {
        return mcpz_edit_store_failed();
    }
    return outcome;
}

static struct mcpz_outcome insert(struct mcpz_writer *writer,
                                  const struct mcpz_event_agent *request, struct mcpz_list *list)
{
    size_t index = request->op == MCPZ_AGENT_PUSH ? list->count : request->index;
    struct mcpz_list_key key;

    if (index > list->count) {
        return mcpz_edit_refuse(MCPZ_CODE_NOT_FOUND, "the list is shorter than that");
    }
    if (list->count == MCPZ_LIST_ITEMS_MAX) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "the list holds too many elements (limit 1024)");
    }
    struct mcpz_outcome outcome = make_room(writer, request->path, list, index, list->count, &key);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }
    struct mcpz_dot dot = {.actor = writer->actor, .seq = mcpz_draft_own_seq(writer) + 1};
    return put(writer, request->path, mcpz_list_id(&writer->document->id, &dot),
               mcpz_bytes(key.bytes, key.length), request->value);
}

static struct mcpz_outcome move(struct mcpz_writer *writer, const struct mcpz_event_agent *request,
                                struct mcpz_list *list)
{
    struct mcpz_list_key key;

    if (request->to_index >= list->count) {
        return mcpz_edit_refuse(MCPZ_CODE_NOT_FOUND, "the list is shorter than that");
    }
    struct mcpz_outcome outcome =
        make_room(writer, request->path, list, request->to_index, request->index, &key);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }
    const struct mcpz_list_item *item = &list->items[request->index];
    return put(writer, request->path, item->id, mcpz_bytes(key.bytes, key.length), item->value);
}

static struct mcpz_outcome drop(struct mcpz_writer *writer, const struct mcpz_event_agent *request,
                                const struct mcpz_list *list)
{
    struct mcpz_edit edit = {
        .query = mcpz_edit_query(writer, request->path, MCPZ_ENTRY_LIST),
        .must_find = true,
    };

    edit.query.item = list->items[request->index].id;
    return mcpz_edit_carry_out(writer, &edit);
}

struct mcpz_outcome mcpz_write_list(struct mcpz_writer *writer,
                                    const struct mcpz_event_agent *request)
{
    struct mcpz_list list;
    struct mcpz_outcome outcome = load(writer, request->path, &list);

    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }
    if (request->op == MCPZ_AGENT_PUSH || request->op == MCPZ_AGENT_INSERT) {
        return insert(writer, request, &list);
    }
    if (request->index >= list.count) {
        return mcpz_edit_refuse(MCPZ_CODE_NOT_FOUND, "the list is shorter than that");
    }
    return request->op == MCPZ_AGENT_MOVE ? move(writer, request, &list)
                                          : drop(writer, request, &list);
}
