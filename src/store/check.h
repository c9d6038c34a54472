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

#include <mcpz/error.h>

#include "base/attr.h"

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

#endif
