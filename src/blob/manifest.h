/*
 * What a blob is made of: a Merkle tree of lists.
 *
 *   node:   'M', level u8, count u16, count x { id 32, sealed digest 32, bytes u64 }    big-endian
 *
 * A node of level 0 lists chunks of data, one of level n nodes of level n - 1; each entry says how
 * many bytes of the blob lie below it. Nodes are chunks themselves, so the id of the root names
 * the blob and vouches for all of it. The digest of what is kept, sealed, lets a holder without
 * the key see that what it holds is whole.
 */

#ifndef BLOB_MANIFEST_H
#define BLOB_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"

#define MCPZ_MANIFEST_ENTRIES_MAX 128
#define MCPZ_MANIFEST_LEVELS_MAX 4 /* 128^4 chunks of 64 KiB: 16 TiB */
#define MCPZ_MANIFEST_ENTRY_BYTES 72
#define MCPZ_MANIFEST_HEAD_BYTES 4
#define MCPZ_MANIFEST_BYTES_MAX                                                                   \
    (MCPZ_MANIFEST_HEAD_BYTES + MCPZ_MANIFEST_ENTRIES_MAX * MCPZ_MANIFEST_ENTRY_BYTES)
#define MCPZ_BLOB_BYTES_MAX (UINT64_C(1) << 44)

struct mcpz_manifest_entry {
    struct mcpz_id id;
    struct mcpz_id sealed; /* digest of the chunk as it is kept */
    uint64_t bytes;        /* of the blob, below it */
};

struct mcpz_manifest {
    uint8_t level;
    size_t count;
    struct mcpz_manifest_entry entries[MCPZ_MANIFEST_ENTRIES_MAX];
};

/** How many bytes of the blob lie below a node. */
uint64_t mcpz_manifest_bytes(const struct mcpz_manifest *manifest);

/** Write a node: `bytes` has room for MCPZ_MANIFEST_BYTES_MAX. Returns how long it is. */
size_t mcpz_manifest_encode(const struct mcpz_manifest *manifest, uint8_t *bytes);

/**
 * Read a node. Only what mcpz_manifest_encode() writes is accepted: no empty entry, no empty list
 * but that of an empty blob, no chunk longer than chunks are, no more than MCPZ_BLOB_BYTES_MAX.
 *
 * Errors: MCPZ_EPROTO; `*manifest` then holds anything
 */
MCPZ_MUST_USE mcpz_error mcpz_manifest_decode(struct mcpz_bytes bytes,
                                              struct mcpz_manifest *manifest);

/** Which entry holds byte `offset`, which is within; `*begins` is where that entry begins. */
size_t mcpz_manifest_find(const struct mcpz_manifest *manifest, uint64_t offset, uint64_t *begins);

#endif
