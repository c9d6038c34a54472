/*
 * What LMDB has on disk, in the byte order and word size of this machine.
 *
 * Source: struct MDB_page, MDB_node, MDB_db, MDB_meta of LMDB 0.9.24, mdb.c.
 */

#ifndef STORE_LMDB_FILE_H
#define STORE_LMDB_FILE_H

#include <stddef.h>
#include <stdint.h>

#define MCPZ_META_MAGIC UINT32_C(0xBEEFC0DE)
#define MCPZ_META_VERSION 1
#define MCPZ_META_COUNT 2
#define MCPZ_PAGE_BYTES_MIN 4096 /* we made it with the system's page size, which LMDB caps */
#define MCPZ_PAGE_BYTES_MAX 32768
#define MCPZ_TREE_DEPTH_MAX 31 /* LMDB's cursors go no deeper */
#define MCPZ_NO_PAGE SIZE_MAX

enum mcpz_page_flag {
    MCPZ_PAGE_BRANCH = 0x01,
    MCPZ_PAGE_LEAF = 0x02,
    MCPZ_PAGE_OVERFLOW = 0x04,
    MCPZ_PAGE_META = 0x08,
};
enum mcpz_node_flag { MCPZ_NODE_BIG = 0x01, MCPZ_NODE_DATABASE = 0x02 };
enum mcpz_database_flag { MCPZ_DATABASE_PLAIN = 0, MCPZ_DATABASE_INTEGER_KEYS = 0x08 };

struct mcpz_page_head {
    size_t number;
    uint16_t pad;
    uint16_t flags;
    uint16_t lower; /* end of the offsets that follow; of an overflow page: */
    uint16_t upper; /* start of the nodes;  both together are the count of pages */
};

struct mcpz_node_head {
    uint16_t half[2]; /* size of the data, or the child's low 32 bits */
    uint16_t flags;   /* of a branch: the child's next 16 bits, where pages have 64 */
    uint16_t key_bytes;
};

struct mcpz_database {
    uint32_t pad; /* of the free list: bytes of a page */
    uint16_t flags;
    uint16_t depth;
    size_t branch_pages;
    size_t leaf_pages;
    size_t overflow_pages;
    size_t entries;
    size_t root;
};

struct mcpz_meta {
    uint32_t magic;
    uint32_t version;
    size_t address;
    size_t map_bytes;
    struct mcpz_database free;
    struct mcpz_database names;
    size_t last_page;
    size_t transaction;
};

#endif
