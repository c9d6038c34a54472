#include "core/crdt/finder.h"

#include <assert.h>

#include "core/crdt/list.h"

/* A walk starts at a dot of zeros, which nobody has: nothing is skipped by going past it. */
static mcpz_error step(struct mcpz_finder *finder, enum mcpz_scan scan)
{
    return finder->store->next(finder->store->context, scan, false, &finder->at);
}

/* ---- At one path -------------------------------------------------------------------------- */

static bool is_item(const struct mcpz_record_entry *entry, int64_t id)
{
    struct mcpz_list_item item;

    return mcpz_list_read_item(entry->value, &item) && item.id == id;
}

static bool fits(const struct mcpz_finder_query *query, const struct mcpz_record_entry *entry)
{
    if (query->item != 0 && !is_item(entry, query->item)) {
        return false;
    }
    if (query->value.length > 0 && !mcpz_bytes_equal(query->value, entry->value)) {
        return false;
    }
    return query->owner == NULL || mcpz_actor_compare(query->owner, &entry->dot.actor) == 0;
}

static mcpz_error next_at(struct mcpz_finder *finder)
{
    const struct mcpz_finder_query *query = &finder->query;
    mcpz_error error;

    do {
        error = step(finder, MCPZ_SCAN_PATH);
        if (error == MCPZ_OK && finder->at.entry.type != query->type) {
            return MCPZ_ENOTFOUND;
        }
    } while (error == MCPZ_OK && !fits(query, &finder->at.entry));
    return error;
}

/* ---- At and below a path ------------------------------------------------------------------ */

/*
 * Paths of one depth lie together, but not next to those of another: their headers differ. So
 * there is one walk for each depth. It starts at what all its paths begin with, which is no path
 * and sorts before them.
 */
static bool start_depth(struct mcpz_finder *finder, size_t depth)
{
    struct mcpz_bytes elements = mcpz_paths_elements(finder->query.path);

    if (depth > MCPZ_PATH_DEPTH_MAX) {
        return false;
    }
    finder->depth = depth;
    finder->prefix_length = mcpz_paths_prefix(finder->depth, elements, finder->prefix);
    finder->at = (struct mcpz_record){
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = finder->query.document,
                  .path = mcpz_bytes(finder->prefix, finder->prefix_length)},
    };
    return finder->prefix_length <= MCPZ_PATH_BYTES_MAX; /* else nothing that deep fits */
}

static bool is_below(const struct mcpz_finder *finder)
{
    struct mcpz_bytes path = finder->at.entry.path;

    return path.length >= finder->prefix_length &&
           memcmp(path.data, finder->prefix, finder->prefix_length) == 0;
}

static mcpz_error next_below(struct mcpz_finder *finder)
{
    do {
        mcpz_error error = step(finder, MCPZ_SCAN_DOCUMENT);
        if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
            return error;
        }
        if (error == MCPZ_OK && is_below(finder)) {
            return MCPZ_OK;
        }
    } while (start_depth(finder, finder->depth + 1));
    return MCPZ_ENOTFOUND;
}

/* ---- Everything --------------------------------------------------------------------------- */

static mcpz_error next_of_all(struct mcpz_finder *finder)
{
    mcpz_error error;

    do {
        error = step(finder, MCPZ_SCAN_DOCUMENT);
    } while (error == MCPZ_OK && mcpz_bytes_equal(finder->at.entry.path, mcpz_paths_id));
    return error;
}

void mcpz_finder_init(struct mcpz_finder *finder, const struct mcpz_store *store,
                      const struct mcpz_finder_query *query)
{
    *finder = (struct mcpz_finder){.store = store, .query = *query};
    finder->at = (struct mcpz_record){
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = query->document},
    };
    if (query->range == MCPZ_FIND_AT) {
        finder->at.entry.path = query->path;
        finder->at.entry.type = query->type;
    } else if (query->range == MCPZ_FIND_BELOW) {
        bool fits_one = start_depth(finder, mcpz_paths_depth(query->path));
        assert(fits_one); /* a valid path is as long as what it begins with */
    }
}

mcpz_error mcpz_finder_next(struct mcpz_finder *finder, struct mcpz_record_entry *entry)
{
    mcpz_error error = MCPZ_ENOTFOUND;

    switch (finder->query.range) {
    case MCPZ_FIND_AT:
        error = next_at(finder);
        break;
    case MCPZ_FIND_BELOW:
        error = next_below(finder);
        break;
    case MCPZ_FIND_ALL:
        error = next_of_all(finder);
        break;
    }
    if (error == MCPZ_OK) {
        *entry = finder->at.entry;
    }
    return error;
}
