/*
 * A store under test, whichever it is. kv_lmdb.c and kv_mem.c stand behind it; test_kv.c is the
 * same program for both.
 */

#ifndef BENCH_H
#define BENCH_H

#include "proto/kv.h"

struct bench;

/* An empty store. */
struct bench *bench_open(struct mcpz_kv *kv);
void bench_close(struct bench *bench);

/* See to it that batches up to `batch` are durable, and let progress() tell. */
struct mcpz_kv_progress bench_sync(struct bench *bench, uint64_t batch);

/* Write nothing more to the disk. What is handed over from here on waits. */
void bench_hold(struct bench *bench);

/* Add writes to the turn that the disk has no room for. */
void bench_write_too_much(struct bench *bench);

/* Go on, meet the batch that does not fit, and let progress() tell. */
struct mcpz_kv_progress bench_fail(struct bench *bench);

/* The process dies, and starts again on what is durable. `*kv` is then another. */
void bench_restart(struct bench *bench, struct mcpz_kv *kv);

#endif
