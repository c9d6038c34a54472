/*
 * Landlock: what a process may open, told by itself, and kept by all it starts.
 *
 * Whoever entered may read and execute below some directories, write below some others, and
 * nothing else of the file system. Nor may it trace, signal (from ABI 6) or reach over abstract
 * sockets (6) who is outside, bind or connect TCP (4) unless it has the network.
 *
 * What Landlock does not see: stat(), chmod(), chown(), utime() and locks of files that are in
 * reach of the user's own rights; connecting to a Unix socket by its path (exec/seccomp.h refuses
 * the socket). The kernel tells its ABI at run time, and the header the build has may be older:
 * the few numbers we need are written out here.
 *
 * Source: Documentation/userspace-api/landlock.rst. Async-signal-safe throughout.
 */

#ifndef EXEC_LANDLOCK_H
#define EXEC_LANDLOCK_H

#include <stdbool.h>

/** The kernel's ABI; 0: it has none, or it is switched off. */
int mcpz_landlock_abi(void);

enum mcpz_landlock_access {
    MCPZ_LANDLOCK_READ = 1, /* and execute */
    MCPZ_LANDLOCK_WRITE,    /* and read, execute, make, remove, rename */
    MCPZ_LANDLOCK_DEVICE,   /* one file, read and write */
};

/** A ruleset that allows nothing yet. -1: errno says why. */
int mcpz_landlock_begin(int abi, bool network);

/**
 * Allow what is below `path`, a directory or a file. What is not there is passed over.
 * False: errno says why.
 */
bool mcpz_landlock_allow(int ruleset, int abi, const char *path, enum mcpz_landlock_access access);

/** From here on for this process and all it starts. Closes `ruleset`. False: errno. */
bool mcpz_landlock_enter(int ruleset);

#endif
