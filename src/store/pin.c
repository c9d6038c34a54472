#include "store/pin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lmdb.h>

#include "store/env.h"
#include "store/lmdb_file.h"

#define TRIES_MAX 1000 /* the writer may come in between */

struct mcpz_pin {
    MDB_txn *txn;
    int file;
    size_t page_bytes;
    uint64_t bytes;
    struct mcpz_meta meta;
};

/* The last commit that is finished, as one who begins to read sees it. */
static uint64_t last_commit(MDB_env *mdb)
{
    MDB_txn *txn;

    if (mdb_txn_begin(mdb, NULL, MDB_RDONLY, &txn) != MDB_SUCCESS) {
        return 0;
    }
    const uint64_t commit = mdb_txn_id(txn);
    mdb_txn_abort(txn);
    return commit;
}

/*
 * The meta page of the transaction: commit N writes page N mod 2. It is whole if no later commit
 * was finished when it had been read: the one that overwrites it comes two after it.
 */
static mcpz_error read_meta(struct mcpz_pin *pin, MDB_env *mdb, bool *is_current)
{
    const size_t commit = mdb_txn_id(pin->txn);
    const uint64_t at = commit % MCPZ_META_COUNT * pin->page_bytes + sizeof(struct mcpz_page_head);

    mcpz_error error = mcpz_pages_read_file(pin->file, at, &pin->meta, sizeof(pin->meta));
    *is_current =
        error == MCPZ_OK && pin->meta.transaction == commit && last_commit(mdb) == commit;
    return error == MCPZ_ESHORT ? MCPZ_ECORRUPT : error;
}

static mcpz_error pin_once(struct mcpz_pin *pin, MDB_env *mdb, bool *is_current)
{
    *is_current = false;
    int failed = mdb_txn_begin(mdb, NULL, MDB_RDONLY, &pin->txn);
    if (failed != MDB_SUCCESS) {
        pin->txn = NULL;
        return failed == MDB_READERS_FULL ? MCPZ_EFULL : mcpz_env_error(failed);
    }
    mcpz_error error = read_meta(pin, mdb, is_current);
    if (!*is_current) {
        mdb_txn_abort(pin->txn);
        pin->txn = NULL;
    }
    return error;
}

static mcpz_error measure(struct mcpz_pin *pin)
{
    struct stat status;
    const uint64_t pages = pin->meta.last_page + 1;

    if (pin->meta.magic != MCPZ_META_MAGIC || pin->meta.free.pad != pin->page_bytes ||
        pages > UINT64_MAX / pin->page_bytes || fstat(pin->file, &status) != 0) {
        return MCPZ_ECORRUPT;
    }
    /* Pages that were taken and given back unused may be missing from the file's end. */
    const uint64_t there = (uint64_t)status.st_size / pin->page_bytes;
    pin->bytes = (pages < there ? pages : there) * pin->page_bytes;
    return MCPZ_OK;
}

static mcpz_error begin(struct mcpz_pin *pin, MDB_env *mdb)
{
    MDB_stat stat;
    bool is_current = false;
    mcpz_error error = MCPZ_OK;

    if (mdb_env_get_fd(mdb, &pin->file) != MDB_SUCCESS ||
        mdb_env_stat(mdb, &stat) != MDB_SUCCESS) {
        return MCPZ_EIO;
    }
    pin->page_bytes = stat.ms_psize;
    for (int i = 0; i < TRIES_MAX && error == MCPZ_OK && !is_current; i++) {
        error = pin_once(pin, mdb, &is_current);
    }
    if (error == MCPZ_OK && !is_current) {
        error = MCPZ_EIO;
    }
    return error == MCPZ_OK ? measure(pin) : error;
}

mcpz_error mcpz_pin_create(struct mcpz_lmdb *lmdb, struct mcpz_pin **pin)
{
    struct mcpz_pin *made = calloc(1, sizeof(*made));

    *pin = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = begin(made, mcpz_lmdb_env(lmdb)->mdb);
    if (error != MCPZ_OK) {
        mcpz_pin_destroy(made);
        return error;
    }
    *pin = made;
    return MCPZ_OK;
}

void mcpz_pin_destroy(struct mcpz_pin *pin)
{
    if (pin != NULL) {
        if (pin->txn != NULL) {
            mdb_txn_abort(pin->txn);
        }
        free(pin);
    }
}

/* The first two pages as they would be if nothing had been written since. */
static void make_meta(const struct mcpz_pin *pin, size_t number, uint8_t *page)
{
    const struct mcpz_page_head head = {.number = number, .flags = MCPZ_PAGE_META};
    struct mcpz_meta meta = pin->meta;

    /* The other one is the state before, which is not there any more: this one, but older. */
    if (meta.transaction % MCPZ_META_COUNT != number && meta.transaction > 0) {
        meta.transaction--;
    }
    memset(page, 0, pin->page_bytes);
    memcpy(page, &head, sizeof(head));
    memcpy(page + sizeof(head), &meta, sizeof(meta));
}

static mcpz_error read_pinned(const void *context, uint64_t offset, void *bytes, size_t length)
{
    const struct mcpz_pin *pin = context;
    uint8_t page[MCPZ_PAGE_BYTES_MAX];
    uint8_t *out = bytes;

    if (offset > pin->bytes || length > pin->bytes - offset) {
        return MCPZ_ESHORT;
    }
    while (length > 0 && offset / pin->page_bytes < MCPZ_META_COUNT) {
        const size_t within = (size_t)(offset % pin->page_bytes);
        const size_t left = pin->page_bytes - within;
        const size_t piece = length < left ? length : left;
        make_meta(pin, (size_t)(offset / pin->page_bytes), page);
        memcpy(out, page + within, piece);
        out += piece;
        offset += piece;
        length -= piece;
    }
    return length > 0 ? mcpz_pages_read_file(pin->file, offset, out, length) : MCPZ_OK;
}

struct mcpz_pages mcpz_pin_pages(const struct mcpz_pin *pin)
{
    return (struct mcpz_pages){.context = pin, .bytes = pin->bytes, .read = read_pinned};
}

uint64_t mcpz_pin_commits(const struct mcpz_pin *pin)
{
    return pin->meta.transaction;
}
