#include "store/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "proto/limits.h"
#include "store/lmdb_file.h"

/* ---- Checking ----------------------------------------------------------------------------- */

struct checker {
    const struct mcpz_pages *pages;
    const struct mcpz_check_visitor *visitor; /* NULL: none */
    bool is_lenient;                          /* go on behind what is damaged */
    struct mcpz_check_report report;
    size_t page_count; /* whole pages the file has */
    size_t page_bytes;
    size_t last_page;
    uint8_t *seen;    /* a bit for each page of the file */
    uint8_t *buffers; /* a page for each level */
    const struct mcpz_database *database;
    bool is_free_list;
    uint8_t floor[MCPZ_KEY_BYTES_MAX]; /* the next key is greater than this one, */
    size_t floor_bytes;                /* or equal to it, with `floor_fits` */
    bool floor_fits;
    struct mcpz_database records; /* what the main database says of its named one */
    size_t records_count;
    const char *fault;
};

/* A node of a page, measured and found to lie within it. */
struct node {
    uint16_t flags;
    size_t child;
    size_t key_bytes;
    const uint8_t *key;
    const uint8_t *data; /* follows the key */
    size_t data_bytes;
};

static mcpz_error corrupt(struct checker *checker, const char *fault)
{
    checker->fault = fault;
    return MCPZ_ECORRUPT;
}

static mcpz_error read_at(struct checker *checker, size_t offset, void *bytes, size_t length)
{
    const struct mcpz_pages *pages = checker->pages;
    mcpz_error error = pages->read(pages->context, offset, bytes, length);

    if (error == MCPZ_ESHORT) {
        return corrupt(checker, "it ends too early");
    }
    if (error != MCPZ_OK) {
        checker->fault = "it cannot be read";
    }
    return error;
}

/* Note that a page is in use, or free. Every page is one of the two, once. */
static mcpz_error claim(struct checker *checker, size_t page)
{
    if (page < MCPZ_META_COUNT || page > checker->last_page) {
        return corrupt(checker, "a page is referred to that is not there");
    }
    if (page >= checker->page_count) {
        return MCPZ_OK; /* free, and never written: the file need not reach so far */
    }
    uint8_t bit = (uint8_t)(1U << page % 8);
    if ((checker->seen[page / 8] & bit) != 0) {
        return corrupt(checker, "a page is used twice");
    }
    checker->seen[page / 8] |= bit;
    return MCPZ_OK;
}

static mcpz_error claim_written(struct checker *checker, size_t page)
{
    return page < checker->page_count ? claim(checker, page)
                                      : corrupt(checker, "it is shorter than its contents");
}

static bool read_node(const struct checker *checker, const uint8_t *page, size_t index,
                      struct node *node)
{
    bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    struct mcpz_page_head head;
    struct mcpz_node_head raw;
    uint16_t offset;

    memcpy(&head, page, sizeof(head));
    memcpy(&offset, page + sizeof(head) + 2 * index, sizeof(offset));
    if (offset < head.upper || offset % 2 != 0 || offset + sizeof(raw) > checker->page_bytes) {
        return false;
    }
    memcpy(&raw, page + offset, sizeof(raw));

    size_t low = raw.half[little ? 0 : 1] | (size_t)raw.half[little ? 1 : 0] << 16;
    size_t left = checker->page_bytes - offset - sizeof(raw);
    size_t stored = 0;
    if (head.flags == MCPZ_PAGE_LEAF) {
        stored = (raw.flags & MCPZ_NODE_BIG) != 0 ? sizeof(size_t) : low;
    }
    if (raw.key_bytes > left || stored > left - raw.key_bytes) {
        return false;
    }
    *node = (struct node){
        .flags = raw.flags,
        .child = sizeof(size_t) > 4 ? low | (size_t)((uint64_t)raw.flags << 32) : low,
        .key_bytes = raw.key_bytes,
        .key = page + offset + sizeof(raw),
        .data = page + offset + sizeof(raw) + raw.key_bytes,
        .data_bytes = low,
    };
    return true;
}

/* What a node takes in its page: LMDB keeps them even, and leaves no gaps between them. */
static size_t node_room(const struct node *node, bool leaf)
{
    size_t bytes = sizeof(struct mcpz_node_head) + node->key_bytes;
    if (leaf) {
        bytes += (node->flags & MCPZ_NODE_BIG) != 0 ? sizeof(size_t) : node->data_bytes;
    }
    return bytes + bytes % 2;
}

/* A value too big for its leaf: a run of pages with one head. */
static mcpz_error check_overflow(struct checker *checker, const struct node *node, size_t *first)
{
    struct mcpz_page_head head;
    uint32_t count;

    memcpy(first, node->data, sizeof(*first));
    if (*first < MCPZ_META_COUNT || *first >= checker->page_count) {
        return corrupt(checker, "it is shorter than its contents");
    }
    mcpz_error error = read_at(checker, *first * checker->page_bytes, &head, sizeof(head));
    if (error != MCPZ_OK) {
        return error;
    }

    memcpy(&count, &head.lower, sizeof(count));
    size_t needed = (sizeof(head) - 1 + node->data_bytes) / checker->page_bytes + 1;
    if (head.number != *first || head.flags != MCPZ_PAGE_OVERFLOW || count < needed ||
        count > checker->page_count - *first) {
        return corrupt(checker, "a large value is damaged");
    }
    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        error = claim_written(checker, *first + i);
    }
    return error;
}

/* A list of free pages: a count, then page numbers, falling. */
static mcpz_error check_free_pages(struct checker *checker, const struct node *node,
                                   size_t overflow)
{
    size_t bytes = node->data_bytes;
    mcpz_error error = MCPZ_OK;

    if (bytes < sizeof(size_t) || bytes % sizeof(size_t) != 0) {
        return corrupt(checker, "its list of free pages is damaged");
    }
    size_t *list = malloc(bytes);
    if (list == NULL) {
        return MCPZ_ENOMEM;
    }
    if ((node->flags & MCPZ_NODE_BIG) != 0) {
        error = read_at(checker, overflow * checker->page_bytes + sizeof(struct mcpz_page_head),
                        list, bytes);
    } else {
        memcpy(list, node->data, bytes);
    }

    if (error == MCPZ_OK && list[0] > bytes / sizeof(size_t) - 1) {
        error = corrupt(checker, "its list of free pages is damaged");
    }
    for (size_t i = 1; error == MCPZ_OK && i <= list[0]; i++) {
        error = i > 1 && list[i] >= list[i - 1]
                    ? corrupt(checker, "its list of free pages is damaged")
                    : claim(checker, list[i]);
    }
    free(list);
    return error;
}

/* Keys of the free list are numbers, all others bytes. */
static int compare_to_floor(const struct checker *checker, const struct node *node)
{
    size_t number;
    size_t floor;

    if (!checker->is_free_list) {
        return mcpz_bytes_compare(mcpz_bytes(node->key, node->key_bytes),
                                  mcpz_bytes(checker->floor, checker->floor_bytes));
    }
    memcpy(&number, node->key, sizeof(number));
    memcpy(&floor, checker->floor, sizeof(floor));
    return (number > floor) - (number < floor);
}

/*
 * Keys rise all through a tree, or searches end in the wrong place. `fits`: may the next key be
 * equal to this one? So it is after the key by which a branch leads there.
 */
static mcpz_error raise_floor(struct checker *checker, const struct node *node, bool fits)
{
    if (node->key_bytes < 1 || node->key_bytes > MCPZ_KEY_BYTES_MAX ||
        (checker->is_free_list && node->key_bytes != sizeof(size_t))) {
        return corrupt(checker, "a key is damaged");
    }
    if (checker->floor_bytes > 0) {
        int order = compare_to_floor(checker, node);
        if (order < 0 || (order == 0 && !checker->floor_fits)) {
            return corrupt(checker, "its keys are out of order");
        }
    }
    memcpy(checker->floor, node->key, node->key_bytes);
    checker->floor_bytes = node->key_bytes;
    checker->floor_fits = fits;
    return MCPZ_OK;
}

/* What is wrong with one record is no reason to leave its neighbours, where all is saved. */
static mcpz_error show(struct checker *checker, struct mcpz_bytes key, struct mcpz_bytes value)
{
    const struct mcpz_check_visitor *visitor = checker->visitor;
    mcpz_error error = visitor->record(visitor->context, key, value);

    if (error != MCPZ_OK && checker->is_lenient) {
        checker->report.damaged++;
        error = MCPZ_OK;
    }
    return error;
}

/* Hand over a record. Large values are read whole: ours are no larger than a record may be. */
static mcpz_error visit(struct checker *checker, const struct node *node, size_t overflow)
{
    const struct mcpz_check_visitor *visitor = checker->visitor;
    const struct mcpz_bytes key = mcpz_bytes(node->key, node->key_bytes);
    mcpz_error error = MCPZ_OK;

    checker->report.records++;
    if (visitor == NULL) {
        return MCPZ_OK;
    }
    if ((node->flags & MCPZ_NODE_BIG) == 0) {
        return show(checker, key, mcpz_bytes(node->data, node->data_bytes));
    }
    if (node->data_bytes > MCPZ_STORED_BYTES_MAX) {
        return corrupt(checker, "a large value is damaged");
    }
    uint8_t *value = malloc(node->data_bytes);
    if (value == NULL) {
        return MCPZ_ENOMEM;
    }
    error = read_at(checker, overflow * checker->page_bytes + sizeof(struct mcpz_page_head), value,
                    node->data_bytes);
    if (error == MCPZ_OK) {
        error = show(checker, key, mcpz_bytes(value, node->data_bytes));
    }
    free(value);
    return error;
}

static mcpz_error check_leaf_node(struct checker *checker, const struct node *node)
{
    size_t overflow = 0;

    if ((node->flags & ~(MCPZ_NODE_BIG | MCPZ_NODE_DATABASE)) != 0) {
        return corrupt(checker, "an entry is damaged");
    }
    mcpz_error error = raise_floor(checker, node, false);
    if (error == MCPZ_OK && (node->flags & MCPZ_NODE_BIG) != 0) {
        error = check_overflow(checker, node, &overflow);
    }
    if (error == MCPZ_OK && checker->is_free_list) {
        error = check_free_pages(checker, node, overflow);
    }
    if (error == MCPZ_OK && checker->database == &checker->records) {
        error = visit(checker, node, overflow);
    }
    if (error == MCPZ_OK && (node->flags & MCPZ_NODE_DATABASE) != 0) {
        if (node->flags != MCPZ_NODE_DATABASE ||
            node->data_bytes != sizeof(struct mcpz_database) ||
            checker->database == &checker->records || checker->is_free_list ||
            checker->records_count++ > 0) {
            return corrupt(checker, "a database is in it that is not ours");
        }
        memcpy(&checker->records, node->data, sizeof(checker->records));
    }
    return error;
}

static mcpz_error check_head(struct checker *checker, const uint8_t *page, size_t number,
                             bool leaf)
{
    struct mcpz_page_head head;

    memcpy(&head, page, sizeof(head));
    if (head.number != number || head.flags != (leaf ? MCPZ_PAGE_LEAF : MCPZ_PAGE_BRANCH) ||
        head.lower < sizeof(head) + 2 || head.lower % 2 != 0 || head.lower > head.upper ||
        head.upper > checker->page_bytes) {
        return corrupt(checker, "a page is damaged");
    }

    size_t room = 0;
    for (size_t i = 0; i < (head.lower - sizeof(head)) / 2; i++) {
        struct node node;
        if (!read_node(checker, page, i, &node)) {
            return corrupt(checker, "a page is damaged");
        }
        room += node_room(&node, leaf);
    }
    return room == checker->page_bytes - head.upper ? MCPZ_OK
                                                    : corrupt(checker, "a page is damaged");
}

static mcpz_error check_below(struct checker *checker, size_t number, size_t level);

/* Check a page and what hangs below it. Goes as deep as the tree: at most MCPZ_TREE_DEPTH_MAX. */
static mcpz_error check_page(struct checker *checker, size_t number, size_t level)
{
    uint8_t *page = checker->buffers + level * checker->page_bytes;
    bool leaf = level + 1 == checker->database->depth;
    struct mcpz_page_head head;

    mcpz_error error = claim_written(checker, number);
    if (error == MCPZ_OK) {
        error = read_at(checker, number * checker->page_bytes, page, checker->page_bytes);
    }
    if (error == MCPZ_OK) {
        error = check_head(checker, page, number, leaf);
    }
    if (error != MCPZ_OK) {
        return error;
    }

    checker->report.pages++;
    memcpy(&head, page, sizeof(head));
    size_t count = (head.lower - sizeof(head)) / 2;
    if (!leaf && count < 2 && !checker->is_free_list) {
        return corrupt(checker, "a page is damaged");
    }
    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        struct node node;
        if (!read_node(checker, page, i, &node)) {
            return corrupt(checker, "a page is damaged");
        }
        error =
            leaf ? check_leaf_node(checker, &node) : check_below(checker, node.child, level + 1);
    }
    return error;
}

/* Keys behind a damaged page are not to be measured by what stands in it. */
static mcpz_error check_below(struct checker *checker, size_t number, size_t level)
{
    uint8_t floor[MCPZ_KEY_BYTES_MAX];
    const size_t floor_bytes = checker->floor_bytes;
    const bool floor_fits = checker->floor_fits;

    memcpy(floor, checker->floor, floor_bytes);
    mcpz_error error = check_page(checker, number, level);
    if (error == MCPZ_ECORRUPT && checker->is_lenient) {
        checker->report.damaged++;
        memcpy(checker->floor, floor, floor_bytes);
        checker->floor_bytes = floor_bytes;
        checker->floor_fits = floor_fits;
        error = MCPZ_OK;
    }
    return error;
}

static mcpz_error check_database(struct checker *checker, const struct mcpz_database *database,
                                 uint16_t flags)
{
    if (database->flags != flags) {
        return corrupt(checker, "a database is in it that is not ours");
    }
    if (database->root == MCPZ_NO_PAGE) {
        return database->depth == 0 ? MCPZ_OK : corrupt(checker, "a tree is damaged");
    }
    if (database->depth < 1 || database->depth > MCPZ_TREE_DEPTH_MAX) {
        return corrupt(checker, "a tree is damaged");
    }
    checker->database = database;
    checker->is_free_list = flags == MCPZ_DATABASE_INTEGER_KEYS;
    checker->floor_bytes = 0;
    return check_page(checker, database->root, 0);
}

static mcpz_error read_meta(struct checker *checker, size_t offset, struct mcpz_meta *meta)
{
    struct mcpz_page_head head;

    mcpz_error error = read_at(checker, offset, &head, sizeof(head));
    if (error == MCPZ_OK) {
        error = read_at(checker, offset + sizeof(head), meta, sizeof(*meta));
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (meta->magic != MCPZ_META_MAGIC || (head.flags & MCPZ_PAGE_META) == 0) {
        return corrupt(checker, "it is not a store");
    }
    if (meta->version != MCPZ_META_VERSION) {
        checker->fault = "it was written by another version of LMDB";
        return MCPZ_EVERSION;
    }
    size_t page_bytes = meta->free.pad;
    if (page_bytes < MCPZ_PAGE_BYTES_MIN || page_bytes > MCPZ_PAGE_BYTES_MAX ||
        (page_bytes & (page_bytes - 1)) != 0) {
        return corrupt(checker, "its first page is damaged");
    }
    return MCPZ_OK;
}

/* LMDB goes on from the meta page with the higher transaction number. */
static mcpz_error newest_meta(struct checker *checker, struct mcpz_meta *newest)
{
    struct mcpz_meta other;

    mcpz_error error = read_meta(checker, 0, newest);
    if (error != MCPZ_OK) {
        return error;
    }
    checker->page_bytes = newest->free.pad;
    error = read_meta(checker, checker->page_bytes, &other);
    if (error != MCPZ_OK) {
        return error;
    }
    if (other.free.pad != newest->free.pad) {
        return corrupt(checker, "its first page is damaged");
    }
    if (other.transaction > newest->transaction) {
        *newest = other;
    }
    if (newest->last_page < MCPZ_META_COUNT - 1 ||
        newest->last_page >= newest->map_bytes / checker->page_bytes) {
        return corrupt(checker, "its first page is damaged");
    }
    checker->last_page = newest->last_page;
    return MCPZ_OK;
}

static mcpz_error make_room(struct checker *checker)
{
    checker->page_count = (size_t)(checker->pages->bytes / checker->page_bytes);
    checker->seen = calloc(checker->page_count / 8 + 1, 1);
    checker->buffers = malloc(MCPZ_TREE_DEPTH_MAX * checker->page_bytes);
    return checker->seen != NULL && checker->buffers != NULL ? MCPZ_OK : MCPZ_ENOMEM;
}

static mcpz_error check_trees(struct checker *checker, const struct mcpz_meta *meta)
{
    mcpz_error error = make_room(checker);

    if (error == MCPZ_OK && !checker->is_lenient) {
        error = check_database(checker, &meta->free, MCPZ_DATABASE_INTEGER_KEYS);
    }
    if (error == MCPZ_OK) {
        error = check_database(checker, &meta->names, MCPZ_DATABASE_PLAIN);
    }
    if (error == MCPZ_OK && checker->records_count > 0) {
        error = check_database(checker, &checker->records, MCPZ_DATABASE_PLAIN);
    }
    return error;
}

static mcpz_error check_pages(struct checker *checker)
{
    struct mcpz_meta meta;

    if (checker->pages->bytes == 0) {
        return corrupt(checker, "it is empty");
    }
    mcpz_error error = newest_meta(checker, &meta);
    if (error == MCPZ_OK) {
        checker->report.commits = meta.transaction;
        error = check_trees(checker, &meta);
    }
    free(checker->seen);
    free(checker->buffers);
    checker->seen = NULL;
    checker->buffers = NULL;
    return error;
}

mcpz_error mcpz_check_pages(const struct mcpz_pages *pages,
                            const struct mcpz_check_visitor *visitor,
                            struct mcpz_check_report *report, const char **fault)
{
    struct checker checker = {.pages = pages, .visitor = visitor, .fault = "there is no memory"};

    mcpz_error error = check_pages(&checker);
    if (report != NULL) {
        *report = checker.report;
    }
    if (error != MCPZ_OK) {
        *fault = checker.fault;
    }
    return error;
}

/* A leaf by itself, whatever tree it is or was of: what is well in it is handed over. */
static void salvage_leaf(struct checker *checker, size_t number)
{
    uint8_t *page = checker->buffers;
    struct mcpz_page_head head;

    if (read_at(checker, number * checker->page_bytes, page, checker->page_bytes) != MCPZ_OK ||
        check_head(checker, page, number, true) != MCPZ_OK) {
        return;
    }
    memcpy(&head, page, sizeof(head));
    for (size_t i = 0; i < (head.lower - sizeof(head)) / 2; i++) {
        struct node node;
        size_t overflow = 0;
        if (read_node(checker, page, i, &node) && node.key_bytes > 0 &&
            node.key_bytes <= MCPZ_KEY_BYTES_MAX &&
            ((node.flags & MCPZ_NODE_BIG) == 0 ||
             check_overflow(checker, &node, &overflow) == MCPZ_OK)) {
            (void)visit(checker, &node, overflow);
        }
    }
}

/* Without a way from the top, every page is looked at. */
static void salvage_loose(struct checker *checker)
{
    checker->page_bytes = checker->page_bytes != 0 ? checker->page_bytes : MCPZ_PAGE_BYTES_MIN;
    if (make_room(checker) == MCPZ_OK) {
        checker->last_page = checker->page_count > 0 ? checker->page_count - 1 : 0;
        for (size_t number = MCPZ_META_COUNT; number < checker->page_count; number++) {
            salvage_leaf(checker, number);
        }
    }
    free(checker->seen);
    free(checker->buffers);
}

void mcpz_check_salvage(const struct mcpz_pages *pages, const struct mcpz_check_visitor *found,
                        const struct mcpz_check_visitor *loose, struct mcpz_check_report *report)
{
    struct checker checker = {.pages = pages, .visitor = found, .is_lenient = true};

    mcpz_error error = check_pages(&checker);
    if (error != MCPZ_OK || checker.report.damaged > 0) {
        const struct mcpz_check_report walked = checker.report;
        checker =
            (struct checker){.pages = pages, .visitor = loose, .page_bytes = checker.page_bytes};
        salvage_loose(&checker);
        *report = walked;
        report->damaged += error != MCPZ_OK ? 1 : 0;
        return;
    }
    *report = checker.report;
}

mcpz_error mcpz_check_file(const char *path, bool *there, const char **fault)
{
    struct stat status;

    *there = false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        *fault = strerror(errno);
        return errno == ENOENT ? MCPZ_OK : MCPZ_EIO;
    }
    *there = true;
    mcpz_error error = MCPZ_EIO;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        *fault = "it is not a file";
    } else {
        const struct mcpz_file_part part = {.file = file, .bytes = (uint64_t)status.st_size};
        const struct mcpz_pages pages = mcpz_pages_of_file(&part);
        error = mcpz_check_pages(&pages, NULL, NULL, fault);
    }
    close(file);
    return error;
}
