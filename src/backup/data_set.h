/*
 * What a node keeps, as a list of files that can be read: from its directory, or from a backup.
 *
 *   identity.key, mesh.key, mcp.servers.yaml ...   plain files at the top
 *   store/data.mdb                          the node's records
 *   keys/...                                tenants' keys, wrapped
 *   blobs/index/data.mdb, blobs/pack-...    blobs
 *
 * Left out: sockets, locks, stamps, workspaces of tasks, and backups themselves. A store that is
 * in use is read through its pin (store/pin.h). The index of blobs is pinned after the store and
 * the packs are measured last: so what is named is there.
 */

#ifndef BACKUP_DATA_SET_H
#define BACKUP_DATA_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "store/pages.h"

#define MCPZ_DATA_FILES_MAX 4096
#define MCPZ_DATA_NAME_BYTES_MAX 255
#define MCPZ_DATA_STORE "store/data.mdb"
#define MCPZ_DATA_BLOBS "blobs/index/data.mdb"
#define MCPZ_DATA_RING "keys/ring"
#define MCPZ_DATA_NODE_KEY "keys/node.key"
#define MCPZ_DATA_TOKEN_KEY "keys/node.key.token" /* the same, wrapped by a token */

struct mcpz_data_file {
    char name[MCPZ_DATA_NAME_BYTES_MAX + 1]; /* below the data directory */
    uint32_t mode;
    struct mcpz_pages pages;    /* of `part`, or of a pin */
    struct mcpz_file_part part; /* `file` is closed with the set where `owned` */
    bool owned;
};

struct mcpz_data_set {
    struct mcpz_data_file *files;
    size_t count;
    bool is_still;     /* nobody changes it, nor did while it was read */
    char trouble[512]; /* why something failed, for people */
};

/* Stores that are in use; NULL: as they lie there. */
struct mcpz_data_pins {
    const struct mcpz_pages *store;
    const struct mcpz_pages *blobs;
};

/**
 * List and open what is in `directory`. Release with mcpz_data_set_finish(), also on error.
 *
 * Errors: MCPZ_ENOTFOUND  there is no such directory, or no store in it
 *         MCPZ_EFULL, MCPZ_EIO, MCPZ_ENOMEM; set->trouble says more
 */
MCPZ_MUST_USE mcpz_error mcpz_data_set_open(struct mcpz_data_set *set, const char *directory,
                                            const struct mcpz_data_pins *pins);
void mcpz_data_set_finish(struct mcpz_data_set *set);

/** Leave out the file of that name, if it is there. */
void mcpz_data_set_leave_out(struct mcpz_data_set *set, const char *name);

/** Append a file. NULL: no memory, or MCPZ_DATA_FILES_MAX are in it. */
struct mcpz_data_file *mcpz_data_set_add(struct mcpz_data_set *set, const char *name);

/** The file of that name; NULL: there is none. */
const struct mcpz_data_file *mcpz_data_set_find(const struct mcpz_data_set *set, const char *name);

/** Bytes of all files. */
uint64_t mcpz_data_set_bytes(const struct mcpz_data_set *set);

/** May a file of that name be written below a data directory? No "..", no empty parts. */
bool mcpz_data_name_is_sound(const char *name);

#endif
