#include "core/crdt/edit.h"

struct mcpz_outcome mcpz_edit_store_failed(void)
{
    return (struct mcpz_outcome){MCPZ_CODE_STORE_FAILED, "the store cannot be read; see the log"};
}

static const struct mcpz_outcome ok = {.code = MCPZ_CODE_OK, .text = ""};

/* ---- Writing ------------------------------------------------------------------------------ */

static bool is_of_this_write(const struct mcpz_writer *writer, uint64_t seq_before,
                             const struct mcpz_dot *dot)
{
    return dot->seq > seq_before && mcpz_actor_compare(&dot->actor, &writer->actor) == 0;
}

static mcpz_error take_out(const struct mcpz_edit *edit, uint64_t seq_before,
                           struct mcpz_draft *draft)
{
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;

    mcpz_finder_init(&finder, draft->writer->store, &edit->query);
    mcpz_error error = mcpz_finder_next(&finder, &entry);
    while (error == MCPZ_OK) {
        if (!is_of_this_write(draft->writer, seq_before, &entry.dot)) {
            error = mcpz_draft_remove(draft, &entry);
        }
        if (error == MCPZ_OK) {
            error = mcpz_finder_next(&finder, &entry);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error; /* only the finder runs out */
}

static mcpz_error write_deltas(struct mcpz_writer *writer, const struct mcpz_edit *edit)
{
    const uint64_t seq_before = mcpz_draft_own_seq(writer);
    struct mcpz_draft draft;
    mcpz_error error = MCPZ_OK;

    mcpz_draft_init(&draft, writer, false);
    for (size_t i = 0; i < edit->add_count && error == MCPZ_OK; i++) {
        error = mcpz_draft_add(&draft, &edit->adds[i]);
    }
    if (error == MCPZ_OK) {
        error = take_out(edit, seq_before, &draft);
    }
    if (error == MCPZ_OK) {
        error = mcpz_draft_flush(&draft);
    }
    if (error == MCPZ_OK) {
        mcpz_draft_tell(&draft);
    }
    return error;
}

/* ---- Looking before writing --------------------------------------------------------------- */

static mcpz_error count_found(const struct mcpz_writer *writer, const struct mcpz_edit *edit,
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

static struct mcpz_outcome check_limits(const struct mcpz_writer *writer,
                                        const struct mcpz_edit *edit, size_t found)
{
    const struct mcpz_document *document = writer->document;

    if (!mcpz_document_admits(document, &writer->actor)) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT,
                                "too many nodes have written to this agent (limit 32)");
    }
    /* What does not grow is always allowed: merging may have brought more than the limit. */
    if (edit->add_count > found &&
        document->entry_count + edit->add_count - found > MCPZ_ENTRIES_MAX) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "the agent holds too many entries (limit 4096)");
    }
    return ok;
}

static_assert(MCPZ_WRITERS_MAX == 32, "the text in check_limits() names it");
static_assert(MCPZ_ENTRIES_MAX == 4096, "the text in check_limits() names it");

struct mcpz_outcome mcpz_edit_carry_out(struct mcpz_writer *writer, const struct mcpz_edit *edit)
{
    size_t found;
    if (count_found(writer, edit, &found) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (found == 0 && edit->must_find) {
        return mcpz_edit_refuse(MCPZ_CODE_NOT_FOUND, "there is nothing to remove");
    }
    struct mcpz_outcome outcome = check_limits(writer, edit, found);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }

    return write_deltas(writer, edit) == MCPZ_OK ? ok : mcpz_edit_store_failed();
}
