/*
 * Is a data file safe to open? LMDB trusts its pages: a damaged one makes it read beyond its map.
 *
 * Walks both trees of the newest meta page and those of the named databases, and checks every
 * number LMDB would follow: page numbers, offsets, sizes, levels, the lists of free pages, and the
 * order of keys. Values are not looked at: what is wrong there is found by whoever decodes it.
 * Takes as long as reading the file, but for large values.
 *
 * Source: struct MDB_page, MDB_node, MDB_db, MDB_meta of LMDB 0.9.24, mdb.c.
 */

#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "store/pages.h"

/* Who looks at what is found. */
struct mcpz_check_visitor {
    void *context;
    /* A record, in the order of keys. Both last for the call. An error ends the check. */
    mcpz_error (*record)(void *context, struct mcpz_bytes key, struct mcpz_bytes value);
};

struct mcpz_check_report {
    uint64_t pages; /* of trees, that are well */
    uint64_t records;
    uint64_t damaged; /* pages, with all that hangs below them; of a salvage only */
    uint64_t commits;
};

/**
 * Check the file at `path`. `*there` says whether there is one; none is fine. On error `*fault`
 * says in a few words what is wrong.
 *
 * Errors: MCPZ_ECORRUPT  it is damaged, or not of LMDB
 *         MCPZ_EVERSION  of another version of LMDB
 *         MCPZ_EIO       it cannot be read
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_check_file(const char *path, bool *there, const char **fault);

/**
 * The same of pages, with every record shown to `visitor` (NULL: nobody). `report` may be NULL.
 *
 * Errors: as above, and those of the visitor
 */
MCPZ_MUST_USE mcpz_error mcpz_check_pages(const struct mcpz_pages *pages,
                                          const struct mcpz_check_visitor *visitor,
                                          struct mcpz_check_report *report, const char **fault);

/**
 * Show what can still be read of a damaged file: `found` sees the records that the trees lead to,
 * around what is damaged. Then, if anything is, `loose` sees those of all leaves that are well in
 * themselves, in any order and with what has been replaced since: only what never changes is to
 * be believed of them. Errors of either are ignored: they concern that record.
 */
void mcpz_check_salvage(const struct mcpz_pages *pages, const struct mcpz_check_visitor *found,
                        const struct mcpz_check_visitor *loose, struct mcpz_check_report *report);

#endif
