/* The small files the kernel is spoken to with: /proc, cgroups. Async-signal-safe. */

#ifndef EXEC_PROCFILE_H
#define EXEC_PROCFILE_H

#include <stdbool.h>

/** Write `text` to a file that is there, in one go. False: errno says why. */
bool mcpz_procfile_write(const char *path, const char *text);

#endif
