/*
 * The simulator's store: a sorted table in memory, a disk that takes as long as it is told, and
 * crashes that lose what was not yet durable.
 */

#ifndef STORE_MEM_H
#define STORE_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/kv.h"

struct mcpz_mem;

/** Errors: MCPZ_ENOMEM; `*mem` is then NULL. */
MCPZ_MUST_USE mcpz_error mcpz_mem_create(struct mcpz_mem **mem, struct mcpz_kv *kv);
void mcpz_mem_destroy(struct mcpz_mem *mem);

/**
 * Make all batches up to `batch` durable. progress() will tell. Does nothing between a failure and
 * the progress() that tells it, as the real store thread.
 */
void mcpz_mem_sync(struct mcpz_mem *mem, uint64_t batch);

/**
 * Fail all batches that are not durable, as a full disk does, and those handed over until
 * progress() tells. Does nothing if all are durable.
 */
void mcpz_mem_fail(struct mcpz_mem *mem, mcpz_error error);

/**
 * Lose everything that is not durable, also what the turn wrote, as a power cut does. No failure
 * is told of it. The batch count goes on from there.
 */
void mcpz_mem_crash(struct mcpz_mem *mem);

/**
 * Crash in the middle of writing: of the batches handed over and not durable, the oldest `keep`
 * reached the disk, and nobody was told. Each is there as a whole or not at all, and none after
 * one that is not, as LMDB's commits are. None is kept of those that had failed already.
 *
 * Returns whether it is torn: some were kept and others lost.
 */
bool mcpz_mem_tear(struct mcpz_mem *mem, uint32_t keep);

/** Keep aside what is durable, as a backup does, in place of what was kept before. Aborts when
 * memory is out. */
void mcpz_mem_back_up(struct mcpz_mem *mem);

bool mcpz_mem_has_backup(const struct mcpz_mem *mem);

/**
 * Crash, and have on the disk what was kept aside last: what became durable since is lost. False:
 * nothing was ever kept, and nothing happens.
 */
bool mcpz_mem_restore(struct mcpz_mem *mem);

/** The number of the newest batch handed over; 0 if none was. */
uint64_t mcpz_mem_newest(const struct mcpz_mem *mem);

#endif
