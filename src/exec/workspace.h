/*
 * A task's own directory, and how it goes away again.
 *
 *   ROOT/             ours, 0700
 *   ROOT/task-00000001/   one task, 0700
 *
 * What a task leaves behind is its own making: links that point elsewhere, directories nested a
 * hundred thousand deep or without permissions, a million files. Removing follows no link, holds
 * two descriptors and a few kilobytes whatever the depth, and takes time linear in what is there.
 */

#ifndef EXEC_WORKSPACE_H
#define EXEC_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_WORKSPACE_DEPTH_MAX 64      /* of directories, where its size is limited */
#define MCPZ_WORKSPACE_FILES_MAX 1000000 /* the same: files and directories */
#define MCPZ_WORKSPACE_NAME_BYTES 16     /* "task-" and 8 hexadecimal digits, and the terminator */

/**
 * Open the directory the workspaces are in. It is made if it is not there (its parent must be),
 * and what looks like a workspace of an earlier life is removed. Other things in it stay.
 *
 * Errors: MCPZ_EIO  cannot be made or opened, belongs to somebody else, or is no directory
 */
MCPZ_MUST_USE mcpz_error mcpz_workspace_open_root(const char *directory, int *root);

/**
 * Make a workspace. `*counter` moves on; `name` has room for MCPZ_WORKSPACE_NAME_BYTES.
 *
 * Errors: MCPZ_EIO  errno says why
 */
MCPZ_MUST_USE mcpz_error mcpz_workspace_make(int root, uint32_t *counter, char *name);

struct mcpz_workspace_size {
    uint64_t bytes; /* on disk; of a file with several names a share for each */
    uint64_t files;
    bool too_deep; /* more than MCPZ_WORKSPACE_DEPTH_MAX levels: there may be more below */
};

/**
 * Measure the directory open at `directory`, without following links or leaving its device. Stops
 * early above `bytes_max`, and at MCPZ_WORKSPACE_FILES_MAX. What changes meanwhile may be counted
 * or not. Async-signal-safe.
 */
void mcpz_workspace_measure(int directory, uint64_t bytes_max, struct mcpz_workspace_size *size);

/**
 * Remove the directory `name` in `root` and all below it; without effect if it is not there.
 * False if something could not be removed. Async-signal-safe.
 *
 * Whoever could still write into it must be gone.
 */
bool mcpz_workspace_remove(int root, const char *name);

#endif
