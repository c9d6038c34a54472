/*
 * A line in memory that vouches for a store on disk: how far it had come.
 *
 *   WHERE/mcpz-UID/HASH     "1 INODE COMMITS\nPATH\n"
 *
 * The stamp beside a store (store/stamp.h) goes back with the disk when a machine is put back to
 * what it was, keys and all. Memory does not: WHERE is a file system that is kept there, and who
 * finds no line in it, or one that says more, may have lost writes that others have seen. So it is
 * after the machine has started anew, too: nobody can tell the two apart from within.
 *
 * A line that says less than is on disk by more than the commit under way is of a store that was
 * elsewhere meanwhile, and says nothing of what came of it there.
 *
 * Lines of stores that are no more are removed by whoever opens another.
 *
 * Not seen: a machine that is put back running, with its memory.
 */

#ifndef STORE_WITNESS_H
#define STORE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#define MCPZ_WITNESS_SWEEP_MAX 64 /* lines looked at for stores that are gone */

struct mcpz_witness {
    int file; /* -1: none is kept */
    uint64_t inode;
};

/* A store, as it is when it is opened. */
struct mcpz_witnessed {
    const char *directory;
    uint64_t inode; /* of its file */
    uint64_t commits;
    bool is_fresh; /* made just now */
};

/** Where lines can be kept in memory. NULL: nowhere. */
const char *mcpz_witness_place(void);

/**
 * Is it vouched for in `where`? True as well where no line can be kept, or `where` is NULL: then
 * nothing is known that the stamp does not say. The line is left as it is until the next commit.
 */
bool mcpz_witness_open(struct mcpz_witness *witness, const char *where,
                       const struct mcpz_witnessed *store);

/** The store has seen `commits`, all of them on disk. What cannot be written is not. */
void mcpz_witness_note(const struct mcpz_witness *witness, uint64_t commits);

void mcpz_witness_close(struct mcpz_witness *witness);

#endif
