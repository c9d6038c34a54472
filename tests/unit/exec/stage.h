/* What tests of the pool start from: an empty directory, a fake loop, a pool, and an oath that no
 * process is left at the end. */

#ifndef STAGE_H
#define STAGE_H

#include <sys/types.h>

#include "exec/pool.h"
#include "fake_loop.h"
#include "test.h"

#define STAGE_TIMEOUT_MS 50000 /* of tasks that are to end before it */

struct stage {
    char directory[64];
    struct fake fake;
    struct mcpz_pool *pool;
    const struct mcpz_pool_stats *stats;
};

/** Also makes the test's process the heir of every orphan, so that none escapes its count. */
void stage_open(struct stage *stage);

/** Fails if a process, a workspace or a descriptor is left. */
void stage_close(struct stage *stage);

/** Offer `command` without isolation. */
mcpz_error stage_provide(struct stage *stage, const char *name, const char *command);

/** Offer `command` as "it", start it, and turn the loop until it is over. */
struct fake_run *stage_run(struct stage *stage, const char *command);

/** Did it succeed, with this output? */
void stage_check_output(const struct fake_run *run, const char *expected);

/** Turn the loop until it has put out so many lines; fails if it is over before. */
void stage_turn_until_lines(struct stage *stage, const struct fake_run *run, size_t count);

/** Turn the loop until no process of the pool is left. */
void stage_settle(struct stage *stage);

/** Wait for all our children to end; fails after FAKE_DEADLINE_S. */
void stage_wait_for_nobody(void);

size_t stage_entries(const char *directory);
size_t stage_descriptors(void);

/** Read the numbers in `text`, check each to be a process that does not exist; how many. */
size_t stage_check_gone(const char *text);

#endif
