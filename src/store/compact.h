/*
 * The store written anew without its free pages, which LMDB keeps in the file for ever.
 *
 *   lock the directory -> copy to data.mdb.compact, in order, synced -> check -> rename -> stamp
 *
 * The copy has the same records and is the same store: its stamp says so. A crash before the
 * rename leaves the old file, one behind it a store that takes itself for restored
 * (store/stamp.h).
 */

#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "store/lmdb.h"

struct mcpz_compacted {
    uint64_t before; /* bytes of the file */
    uint64_t after;
};

/**
 * Compact the store in `directory`, which nobody has open.
 *
 * Errors: MCPZ_ENOTFOUND  there is none; those of mcpz_lmdb_open(). `trouble` says more. The
 * store is as it was.
 */
MCPZ_MUST_USE mcpz_error mcpz_store_compact(const char *directory,
                                            struct mcpz_compacted *compacted,
                                            struct mcpz_lmdb_trouble *trouble);

#endif
