#include "core/crdt/write.h"

#include <assert.h>

#include "core/crdt/finder.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"

#define EDIT_ADDS_MAX 2

/* What one write comes to: take out what `query` finds, put in `adds`. */
struct edit {
    struct mcpz_finder_query query;
    struct mcpz_add adds[EDIT_ADDS_MAX];
    size_t add_count;
    bool must_find; /* else NOT_FOUND */
};

/* A delta being put together. */
struct draft {
    const struct mcpz_add *adds;
    size_t add_count;
    struct mcpz_remove removes[MCPZ_DELTA_REMOVES_MAX];
    size_t remove_count;
};

static const struct mcpz_outcome ok = {.code = MCPZ_CODE_OK, .text = ""};
static const struct mcpz_outcome store_failed = {MCPZ_CODE_STORE_FAILED,
                                                 "the store cannot be read; see the log"};

static struct mcpz_outcome refuse(uint32_t code, const char *text)
{
    return (struct mcpz_outcome){.code = code, .text = text};
}

/* ---- Writing deltas ----------------------------------------------------------------------- */

static uint64_t own_seq(const struct mcpz_writer *writer)
{
    const struct mcpz_clock *clock = &writer->document->clock;
    return mcpz_clock_get(clock->versions, clock->count, &writer->actor);
}

/* Store what is in the draft and start the next. `*untold`: it was not broadcast. */
static mcpz_error flush(struct mcpz_writer *writer, struct draft *draft, bool *untold)
{
    struct mcpz_document *document = writer->document;
    struct mcpz_clock past = document->clock;
    uint64_t hlc = *writer->hlc;
    struct mcpz_delta delta = {
        .document = document->id,
        .actor = writer->actor,
        .seq = own_seq(writer) + 1,
        .hlc = mcpz_clock_tick(&hlc, writer->wall_ms, document->hlc),
        .versions = past.versions,
        .version_count = past.count,
        .adds = draft->adds,
        .add_count = draft->add_count,
        .removes = draft->removes,
        .remove_count = draft->remove_count,
    };
    assert(mcpz_document_delta_is_valid(&delta));

    mcpz_error error = mcpz_document_apply(writer->store, document, &delta);
    if (error != MCPZ_OK) {
        return error;
    }
    *writer->hlc = hlc;
    writer->delta_count++;

    /* Once one is held back, those after it would come too early: hold them back as well. */
    *untold = *untold || !mcpz_mail_delta(writer->mail, NULL, NULL, &delta);
    draft->add_count = 0;
    draft->remove_count = 0;
    return MCPZ_OK;
}

static bool is_of_this_write(const struct mcpz_writer *writer, uint64_t seq_before,
                             const struct mcpz_dot *dot)
{
    return dot->seq > seq_before && mcpz_actor_compare(&dot->actor, &writer->actor) == 0;
}

/* Note that `entry` goes; a draft that is full is flushed before. */
static mcpz_error take_out(struct mcpz_writer *writer, struct draft *draft,
                           const struct mcpz_record_entry *entry, bool *untold)
{
    if (draft->remove_count == MCPZ_DELTA_REMOVES_MAX) {
        mcpz_error error = flush(writer, draft, untold);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    draft->removes[draft->remove_count++] =
        (struct mcpz_remove){.type = entry->type, .path = entry->path, .dot = entry->dot};
    return MCPZ_OK;
}

static mcpz_error write_deltas(struct mcpz_writer *writer, const struct edit *edit, bool *untold)
{
    struct draft draft = {.adds = edit->adds, .add_count = edit->add_count};
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;
    const uint64_t seq_before = own_seq(writer);

    mcpz_finder_init(&finder, writer->store, &edit->query);
    mcpz_error error = mcpz_finder_next(&finder, &entry);
    while (error == MCPZ_OK) {
        if (!is_of_this_write(writer, seq_before, &entry.dot)) {
            error = take_out(writer, &draft, &entry, untold);
        }
        if (error == MCPZ_OK) {
            error = mcpz_finder_next(&finder, &entry);
        }
    }
    /* Only the finder runs out. */
    return error == MCPZ_ENOTFOUND ? flush(writer, &draft, untold) : error;
}

/* ---- Looking before writing --------------------------------------------------------------- */

static mcpz_error count_found(const struct mcpz_writer *writer, const struct edit *edit,
                              size_t *count)
{
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;
    *count = 0;

    mcpz_finder_init(&finder, writer->store, &edit->query);
    mcpz_error error = mcpz_finder_next(&finder, &entry);
    while (error == MCPZ_OK) {
        (*count)++;
        error = mcpz_finder_next(&finder, &entry);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static struct mcpz_outcome check_limits(const struct mcpz_writer *writer, const struct edit *edit,
                                        size_t found)
{
    const struct mcpz_document *document = writer->document;

    if (own_seq(writer) == 0 && document->clock.count == MCPZ_ACTORS_MAX) {
        return refuse(MCPZ_CODE_LIMIT, "too many nodes have written to this agent (limit 32)");
    }
    /* What does not grow is always allowed: merging may have brought more than the limit. */
    if (edit->add_count > found &&
        document->entry_count + edit->add_count - found > MCPZ_ENTRIES_MAX) {
        return refuse(MCPZ_CODE_LIMIT, "the agent holds too many entries (limit 4096)");
    }
    return ok;
}

static_assert(MCPZ_ACTORS_MAX == 32, "the text in check_limits() names it");
static_assert(MCPZ_ENTRIES_MAX == 4096, "the text in check_limits() names it");
static_assert(MCPZ_AGENTS_MAX == 100000, "the text in make() names it");

static struct mcpz_outcome carry_out(struct mcpz_writer *writer, const struct edit *edit)
{
    size_t found;
    if (count_found(writer, edit, &found) != MCPZ_OK) {
        return store_failed;
    }
    if (found == 0 && edit->must_find) {
        return refuse(MCPZ_CODE_NOT_FOUND, "there is nothing to remove");
    }
    struct mcpz_outcome outcome = check_limits(writer, edit, found);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }

    bool untold = false;
    if (write_deltas(writer, edit, &untold) != MCPZ_OK) {
        return store_failed;
    }
    if (untold) {
        const struct mcpz_clock *clock = &writer->document->clock;
        uint64_t digest = mcpz_clock_digest(clock->versions, clock->count);
        /* Without room for even this, the next comparison tells them. */
        (void)mcpz_mail_offer(writer->mail, NULL, &writer->document->id, digest);
    }
    return ok;
}

/* ---- One function for each kind of write -------------------------------------------------- */

static struct mcpz_finder_query query_at(const struct mcpz_writer *writer, struct mcpz_bytes path,
                                         uint32_t type)
{
    return (struct mcpz_finder_query){
        .range = MCPZ_FIND_AT,
        .document = writer->document->id,
        .path = path,
        .type = type,
    };
}

static struct mcpz_add add_text(struct mcpz_bytes path, struct mcpz_bytes text, uint8_t *buffer)
{
    size_t length = mcpz_number_text_encode(text, buffer);

    return (struct mcpz_add){
        .type = MCPZ_ENTRY_REGISTER, .path = path, .value = mcpz_bytes(buffer, length)};
}

static struct mcpz_outcome create(struct mcpz_writer *writer, struct mcpz_bytes name)
{
    uint8_t life[MCPZ_NUMBER_TEXT_MAX + 2];
    uint8_t id[MCPZ_NUMBER_TEXT_MAX + 2];

    if (mcpz_id_is_zero(&writer->document->id) || name.length == 0 ||
        name.length > MCPZ_AGENT_NAME_BYTES_MAX || !mcpz_bytes_is_utf8(name)) {
        return refuse(MCPZ_CODE_BAD_REQUEST, "an agent's name is 1 to 128 bytes of UTF-8");
    }
    if (mcpz_document_is_live(writer->document)) {
        return refuse(MCPZ_CODE_CONFLICT, "an agent of this name exists");
    }
    if (!writer->has_room) {
        return refuse(MCPZ_CODE_LIMIT, "this node holds too many agents (limit 100000)");
    }

    struct edit edit = {.query = query_at(writer, mcpz_paths_life, MCPZ_ENTRY_REGISTER)};
    edit.adds[edit.add_count++] = add_text(mcpz_paths_life, mcpz_text(MCPZ_LIFE_ACTIVE), life);
    if (writer->document->name.length == 0) {
        edit.adds[edit.add_count++] = add_text(mcpz_paths_id, name, id);
    }
    return carry_out(writer, &edit);
}

static struct mcpz_outcome delete (struct mcpz_writer *writer)
{
    uint8_t life[MCPZ_NUMBER_TEXT_MAX + 2];
    struct edit edit = {
        .query = {.range = MCPZ_FIND_ALL, .document = writer->document->id},
        .adds = {add_text(mcpz_paths_life, mcpz_text(MCPZ_LIFE_DELETED), life)},
        .add_count = 1,
    };
    return carry_out(writer, &edit);
}

static struct mcpz_outcome set(struct mcpz_writer *writer, const struct mcpz_event_agent *request)
{
    struct edit edit = {
        .query = query_at(writer, request->path, MCPZ_ENTRY_REGISTER),
        .adds = {{MCPZ_ENTRY_REGISTER, request->path, request->value}},
        .add_count = 1,
    };
    return carry_out(writer, &edit);
}

static struct mcpz_outcome unset(struct mcpz_writer *writer,
                                 const struct mcpz_event_agent *request)
{
    struct edit edit = {
        .query = {.range = MCPZ_FIND_BELOW,
                  .document = writer->document->id,
                  .path = request->path},
        .must_find = true,
    };
    return carry_out(writer, &edit);
}

static struct mcpz_outcome change_set(struct mcpz_writer *writer,
                                      const struct mcpz_event_agent *request)
{
    struct edit edit = {.query = query_at(writer, request->path, MCPZ_ENTRY_SET)};
    edit.query.value = request->value;

    if (request->op == MCPZ_AGENT_ADD) {
        edit.adds[0] = (struct mcpz_add){MCPZ_ENTRY_SET, request->path, request->value};
        edit.add_count = 1;
    } else {
        edit.must_find = true;
    }
    return carry_out(writer, &edit);
}

/* What we have added to the counter so far. */
static struct mcpz_outcome sum_own(struct mcpz_writer *writer,
                                   const struct mcpz_finder_query *query, int64_t *sum)
{
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;

    mcpz_finder_init(&finder, writer->store, query);
    mcpz_error error = mcpz_finder_next(&finder, &entry);
    while (error == MCPZ_OK) {
        int64_t own;
        if (!mcpz_number_decode(entry.value, &own)) {
            return store_failed;
        }
        if (__builtin_add_overflow(*sum, own, sum)) {
            return refuse(MCPZ_CODE_BAD_REQUEST, "the counter would leave 64 bits");
        }
        error = mcpz_finder_next(&finder, &entry);
    }
    return error == MCPZ_ENOTFOUND ? ok : store_failed;
}

static struct mcpz_outcome increment(struct mcpz_writer *writer,
                                     const struct mcpz_event_agent *request)
{
    uint8_t value[MCPZ_NUMBER_BYTES_MAX];
    int64_t sum = 0;
    struct edit edit = {.query = query_at(writer, request->path, MCPZ_ENTRY_COUNTER)};
    edit.query.owner = &writer->actor;

    struct mcpz_outcome outcome = sum_own(writer, &edit.query, &sum);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }
    if (__builtin_add_overflow(sum, request->amount, &sum)) {
        return refuse(MCPZ_CODE_BAD_REQUEST, "the counter would leave 64 bits");
    }
    size_t length = mcpz_number_encode(sum, value);
    edit.adds[0] = (struct mcpz_add){MCPZ_ENTRY_COUNTER, request->path, mcpz_bytes(value, length)};
    edit.add_count = 1;
    return carry_out(writer, &edit);
}

static struct mcpz_outcome check_request(const struct mcpz_event_agent *request)
{
    bool has_value = request->op == MCPZ_AGENT_SET || request->op == MCPZ_AGENT_ADD ||
                     request->op == MCPZ_AGENT_REMOVE;

    if (!mcpz_paths_is_valid(request->path)) {
        return refuse(MCPZ_CODE_BAD_REQUEST, "not a path: 1 to 16 texts or natural numbers, "
                                             "400 bytes at most");
    }
    if (mcpz_paths_is_reserved(request->path)) {
        return refuse(MCPZ_CODE_BAD_REQUEST, "paths below \"$\" are the system's own");
    }
    if (has_value &&
        (request->value.length == 0 || request->value.length > MCPZ_VALUE_BYTES_MAX)) {
        return refuse(MCPZ_CODE_BAD_REQUEST, "a value is at most 1024 bytes");
    }
    return ok;
}

static struct mcpz_outcome edit_at_path(struct mcpz_writer *writer,
                                        const struct mcpz_event_agent *request)
{
    struct mcpz_outcome outcome = check_request(request);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }
    switch (request->op) {
    case MCPZ_AGENT_SET:
        return set(writer, request);
    case MCPZ_AGENT_UNSET:
        return unset(writer, request);
    case MCPZ_AGENT_ADD:
    case MCPZ_AGENT_REMOVE:
        return change_set(writer, request);
    case MCPZ_AGENT_INCREMENT:
        return increment(writer, request);
    case MCPZ_AGENT_CREATE:
    case MCPZ_AGENT_DELETE:
        break; /* have no path */
    }
    assert(false);
    return store_failed;
}

struct mcpz_outcome mcpz_writer_run(struct mcpz_writer *writer,
                                    const struct mcpz_event_agent *request)
{
    writer->delta_count = 0;
    if (request->op == MCPZ_AGENT_CREATE) {
        return create(writer, request->name);
    }
    if (!mcpz_document_is_live(writer->document)) {
        return refuse(MCPZ_CODE_NOT_FOUND, "there is no such agent");
    }
    if (request->op == MCPZ_AGENT_DELETE) {
        return delete (writer);
    }
    return edit_at_path(writer, request);
}
