#include "store/sorted.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FEW_ROWS (MCPZ_SORTED_ROWS_MAX / 4)     /* so few are put to a neighbour's, */
#define TOGETHER (MCPZ_SORTED_ROWS_MAX * 3 / 4) /* if they are no more than so many then */

static struct mcpz_bytes key_of(const struct mcpz_sorted_leaf *leaf, size_t row)
{
    return mcpz_write_key(leaf->rows[row].write);
}

/* How `key` stands to all keys of the leaf by what these begin with; 0: it begins so, too. */
static int compare_shared(const struct mcpz_sorted_leaf *leaf, struct mcpz_bytes key)
{
    if (key.length > leaf->shared) {
        key.length = leaf->shared;
    }
    return mcpz_bytes_compare(key, mcpz_bytes(leaf->beginning, leaf->shared));
}

static uint64_t front_behind(struct mcpz_bytes key, size_t shared)
{
    assert(key.length >= shared);
    return key.length == shared
               ? 0
               : mcpz_write_front(mcpz_bytes(key.data + shared, key.length - shared));
}

/* How `key` stands to the leaf's first. */
static int compare_first(const struct mcpz_sorted_leaf *leaf, struct mcpz_bytes key)
{
    const int beside = compare_shared(leaf, key);

    if (beside != 0) {
        return beside;
    }
    const uint64_t front = front_behind(key, leaf->shared);
    const uint64_t first = leaf->rows[0].front;
    return front != first ? (front > first) - (front < first)
                          : mcpz_bytes_compare(key, key_of(leaf, 0));
}

/* Is `key` behind its first row and before its last, as far as fronts tell? */
static bool is_within(const struct mcpz_sorted_leaf *leaf, struct mcpz_bytes key)
{
    if (key.length < leaf->shared || compare_shared(leaf, key) != 0) {
        return false;
    }
    const uint64_t front = front_behind(key, leaf->shared);
    return front > leaf->rows[0].front && front < leaf->rows[leaf->count - 1].front;
}

static size_t search_branches(const struct mcpz_sorted *sorted, struct mcpz_bytes key)
{
    const uint64_t front = mcpz_write_front(key);
    size_t low = 0;
    size_t high = sorted->count;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        const struct mcpz_sorted_branch *branch = &sorted->branches[middle];
        const bool is_behind =
            branch->front != front ? branch->front > front : compare_first(branch->leaf, key) < 0;
        if (is_behind) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low > 0 ? low - 1 : 0;
}

/* The leaf it is in, or would be: the last that does not begin behind it. */
static size_t find_branch(struct mcpz_sorted *sorted, struct mcpz_bytes key)
{
    const size_t kind = key.length > 0 ? key.data[0] % MCPZ_SORTED_GUESSES : 0;
    size_t *guess = &sorted->guesses[kind];

    if (*guess >= sorted->count || !is_within(sorted->branches[*guess].leaf, key)) {
        *guess = search_branches(sorted, key);
    }
    return *guess;
}

/* The first row that is not before it; with `is_found`, it is that one. */
static size_t find_row(const struct mcpz_sorted_leaf *leaf, struct mcpz_bytes key, bool *is_found)
{
    const int beside = compare_shared(leaf, key);
    size_t low = 0;
    size_t high = leaf->count;

    *is_found = false;
    if (beside != 0) {
        return beside < 0 ? low : high;
    }
    const uint64_t front = front_behind(key, leaf->shared);
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const struct mcpz_sorted_row *row = &leaf->rows[middle];
        int order = (row->front > front) - (row->front < front);
        if (order == 0) {
            order = mcpz_bytes_compare(mcpz_write_key(row->write), key);
        }
        if (order == 0) {
            *is_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- What keys begin with --------------------------------------------------------------------
 */

/* MCPZ_SORTED_SHARED_MAX at most. */
static size_t count_shared(struct mcpz_bytes a, struct mcpz_bytes b)
{
    const size_t shorter = a.length < b.length ? a.length : b.length;
    const size_t most = shorter < MCPZ_SORTED_SHARED_MAX ? shorter : MCPZ_SORTED_SHARED_MAX;
    size_t count = 0;

    while (count < most && a.data[count] == b.data[count]) {
        count++;
    }
    return count;
}

static void set_shared(struct mcpz_sorted_leaf *leaf, size_t shared)
{
    leaf->shared = (uint32_t)shared;
    if (shared > 0) {
        memcpy(leaf->beginning, key_of(leaf, 0).data, shared);
    }
    for (size_t i = 0; i < leaf->count; i++) {
        leaf->rows[i].front = front_behind(key_of(leaf, i), shared);
    }
}

/* Its rows are others than they were. All begin as the first and the last of them both do. */
static void set_shared_anew(struct mcpz_sorted_leaf *leaf)
{
    set_shared(leaf, count_shared(key_of(leaf, 0), key_of(leaf, leaf->count - 1)));
}

/* `key` comes to the others. */
static void share_with(struct mcpz_sorted_leaf *leaf, struct mcpz_bytes key)
{
    if (compare_shared(leaf, key) != 0) {
        set_shared(leaf, count_shared(mcpz_bytes(leaf->beginning, leaf->shared), key));
    }
}

/* ---- Leaves ----------------------------------------------------------------------------------
 */

static void open_branch(struct mcpz_sorted *sorted, size_t at, struct mcpz_sorted_leaf *leaf)
{
    assert(sorted->count < sorted->room);

    memmove(&sorted->branches[at + 1], &sorted->branches[at],
            (sorted->count - at) * sizeof(sorted->branches[0]));
    sorted->branches[at] =
        (struct mcpz_sorted_branch){.front = mcpz_write_front(key_of(leaf, 0)), .leaf = leaf};
    sorted->count++;
}

static void close_branch(struct mcpz_sorted *sorted, size_t at)
{
    struct mcpz_sorted_leaf *leaf = sorted->branches[at].leaf;

    sorted->count--;
    memmove(&sorted->branches[at], &sorted->branches[at + 1],
            (sorted->count - at) * sizeof(sorted->branches[0]));
    if (sorted->spare == NULL) {
        sorted->spare = leaf;
    } else {
        free(leaf);
    }
}

static struct mcpz_sorted_leaf *take_spare(struct mcpz_sorted *sorted)
{
    struct mcpz_sorted_leaf *leaf = sorted->spare;

    assert(leaf != NULL); /* mcpz_sorted_make_room() */
    sorted->spare = NULL;
    return leaf;
}

static void put_row(struct mcpz_sorted_leaf *leaf, size_t at, struct mcpz_write *write)
{
    const struct mcpz_bytes key = mcpz_write_key(write);
    assert(leaf->count < MCPZ_SORTED_ROWS_MAX);

    share_with(leaf, key);
    memmove(&leaf->rows[at + 1], &leaf->rows[at], (leaf->count - at) * sizeof(leaf->rows[0]));
    leaf->rows[at] =
        (struct mcpz_sorted_row){.front = front_behind(key, leaf->shared), .write = write};
    leaf->count++;
}

/*
 * Where a full leaf is split: near its middle, where rows beside each other are least alike. So
 * leaves come to hold one document each, and leave out more of its keys.
 */
static size_t find_seam(const struct mcpz_sorted_leaf *leaf)
{
    const size_t middle = MCPZ_SORTED_ROWS_MAX / 2;
    uint64_t widest = 0; /* the higher the first bit that differs, the less alike they are */
    size_t seam = middle;

    for (size_t i = 0; i <= FEW_ROWS; i++) {
        const size_t both[] = {middle - i, middle + i};
        for (size_t j = 0; j < 2; j++) {
            const uint64_t gap = leaf->rows[both[j] - 1].front ^ leaf->rows[both[j]].front;
            if (gap / 2 > widest) {
                widest = gap;
                seam = both[j];
            }
        }
    }
    return seam;
}

/* A full leaf gives the rows from `from` on to a new one behind it. */
static struct mcpz_sorted_leaf *split(struct mcpz_sorted *sorted, size_t branch, size_t from)
{
    struct mcpz_sorted_leaf *leaf = sorted->branches[branch].leaf;
    struct mcpz_sorted_leaf *behind = take_spare(sorted);

    behind->count = leaf->count - (uint32_t)from;
    memcpy(behind->rows, &leaf->rows[from], behind->count * sizeof(leaf->rows[0]));
    leaf->count = (uint32_t)from;
    set_shared_anew(leaf);
    set_shared_anew(behind);
    open_branch(sorted, branch + 1, behind);
    return behind;
}

/* Begin a leaf with `write`. */
static void begin_leaf(struct mcpz_sorted *sorted, size_t branch, struct mcpz_write *write)
{
    struct mcpz_sorted_leaf *leaf = take_spare(sorted);

    leaf->count = 1;
    leaf->rows[0].write = write;
    set_shared_anew(leaf);
    open_branch(sorted, branch, leaf);
}

static void insert(struct mcpz_sorted *sorted, size_t branch, size_t at, struct mcpz_write *write)
{
    struct mcpz_sorted_leaf *leaf = sorted->branches[branch].leaf;

    if (leaf->count == MCPZ_SORTED_ROWS_MAX) {
        if (at == leaf->count) { /* keys that rise: the leaf stays full */
            begin_leaf(sorted, branch + 1, write);
            return;
        }
        struct mcpz_sorted_leaf *behind = split(sorted, branch, find_seam(leaf));
        if (at > leaf->count) {
            at -= leaf->count;
            leaf = behind;
        }
    }
    put_row(leaf, at, write);
    if (at == 0) {
        sorted->branches[branch].front = mcpz_write_front(mcpz_write_key(write));
    }
}

/* Put the rows of the leaf behind `branch` to it, if they have room together. */
static bool join(struct mcpz_sorted *sorted, size_t branch)
{
    struct mcpz_sorted_leaf *leaf = sorted->branches[branch].leaf;
    const struct mcpz_sorted_leaf *behind = sorted->branches[branch + 1].leaf;

    if (leaf->count + behind->count > TOGETHER) {
        return false;
    }
    memcpy(&leaf->rows[leaf->count], behind->rows, behind->count * sizeof(leaf->rows[0]));
    leaf->count += behind->count;
    set_shared_anew(leaf);
    close_branch(sorted, branch + 1);
    return true;
}

/* A row of it has gone. */
static void tidy(struct mcpz_sorted *sorted, size_t branch)
{
    const struct mcpz_sorted_leaf *leaf = sorted->branches[branch].leaf;

    if (leaf->count == 0) {
        close_branch(sorted, branch);
        return;
    }
    sorted->branches[branch].front = mcpz_write_front(key_of(leaf, 0));
    if (leaf->count > FEW_ROWS || (branch + 1 < sorted->count && join(sorted, branch))) {
        return;
    }
    if (branch > 0) {
        (void)join(sorted, branch - 1);
    }
}

/* ---- All of them -----------------------------------------------------------------------------
 */

void mcpz_sorted_clear(struct mcpz_sorted *sorted)
{
    while (sorted->count > 0) {
        close_branch(sorted, sorted->count - 1);
    }
}

void mcpz_sorted_finish(struct mcpz_sorted *sorted)
{
    mcpz_sorted_clear(sorted);
    free(sorted->branches);
    free(sorted->spare);
    *sorted = (struct mcpz_sorted){.count = 0};
}

void mcpz_sorted_destroy(struct mcpz_sorted *sorted)
{
    for (size_t i = 0; i < sorted->count; i++) {
        const struct mcpz_sorted_leaf *leaf = sorted->branches[i].leaf;
        for (size_t row = 0; row < leaf->count; row++) {
            mcpz_write_destroy(leaf->rows[row].write);
        }
    }
    mcpz_sorted_finish(sorted);
}

bool mcpz_sorted_make_room(struct mcpz_sorted *sorted)
{
    if (sorted->spare == NULL) {
        sorted->spare = malloc(sizeof(*sorted->spare));
    }
    if (sorted->count == sorted->room) {
        const size_t room = sorted->room > 0 ? 2 * sorted->room : 4;
        struct mcpz_sorted_branch *branches =
            realloc(sorted->branches, room * sizeof(*sorted->branches));
        if (branches == NULL) {
            return false;
        }
        sorted->branches = branches;
        sorted->room = room;
    }
    return sorted->spare != NULL;
}

struct mcpz_write *mcpz_sorted_link(struct mcpz_sorted *sorted, struct mcpz_write *write)
{
    const struct mcpz_bytes key = mcpz_write_key(write);
    const size_t branch = find_branch(sorted, key);
    bool is_there;

    if (sorted->count == 0) {
        begin_leaf(sorted, 0, write);
        return NULL;
    }
    struct mcpz_sorted_leaf *leaf = sorted->branches[branch].leaf;
    const size_t at = find_row(leaf, key, &is_there);
    if (is_there) {
        struct mcpz_write *old = leaf->rows[at].write;
        leaf->rows[at].write = write;
        return old;
    }
    insert(sorted, branch, at, write);
    return NULL;
}

bool mcpz_sorted_unlink(struct mcpz_sorted *sorted, const struct mcpz_write *write)
{
    const struct mcpz_bytes key = mcpz_write_key(write);
    const size_t branch = find_branch(sorted, key);
    bool is_there;

    if (sorted->count == 0) {
        return false;
    }
    struct mcpz_sorted_leaf *leaf = sorted->branches[branch].leaf;
    const size_t at = find_row(leaf, key, &is_there);
    if (!is_there || leaf->rows[at].write != write) {
        return false;
    }
    leaf->count--;
    memmove(&leaf->rows[at], &leaf->rows[at + 1], (leaf->count - at) * sizeof(leaf->rows[0]));
    tidy(sorted, branch);
    return true;
}

struct mcpz_write *mcpz_sorted_find(struct mcpz_sorted *sorted, struct mcpz_bytes key)
{
    bool is_there;

    if (sorted->count == 0) {
        return NULL;
    }
    const struct mcpz_sorted_leaf *leaf = sorted->branches[find_branch(sorted, key)].leaf;
    const size_t at = find_row(leaf, key, &is_there);
    return is_there ? leaf->rows[at].write : NULL;
}

struct mcpz_sorted_place mcpz_sorted_seek(struct mcpz_sorted *sorted, struct mcpz_bytes after,
                                          bool inclusive)
{
    struct mcpz_sorted_place place = {.branch = find_branch(sorted, after)};
    bool is_there;

    if (sorted->count == 0) {
        return place;
    }
    const struct mcpz_sorted_leaf *leaf = sorted->branches[place.branch].leaf;
    place.row = find_row(leaf, after, &is_there);
    place.row += is_there && !inclusive ? 1 : 0;
    if (place.row == leaf->count) {
        place.row = 0;
        place.branch++;
    }
    return place;
}
