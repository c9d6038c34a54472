#include "bench.h"
#include "store/mem.h"
#include "test.h"

struct bench {
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
};

struct bench *bench_open(struct mcpz_kv *kv)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    CHECK(bench != NULL);
    CHECK_UINT(mcpz_mem_create(&bench->mem, &bench->kv), MCPZ_OK);
    *kv = bench->kv;
    return bench;
}

void bench_close(struct bench *bench)
{
    mcpz_mem_destroy(bench->mem);
    free(bench);
}

struct mcpz_kv_progress bench_sync(struct bench *bench, uint64_t batch)
{
    mcpz_mem_sync(bench->mem, batch);
    return bench->kv.progress(bench->kv.context);
}

void bench_hold(struct bench *bench)
{
    bench->kv.put(bench->kv.context, mcpz_text("~hold"), mcpz_text("x"));
    mcpz_mem_sync(bench->mem, bench->kv.commit(bench->kv.context));
}

void bench_write_too_much(struct bench *bench)
{
    bench->kv.put(bench->kv.context, mcpz_text("~much"), mcpz_text("x"));
}

struct mcpz_kv_progress bench_fail(struct bench *bench)
{
    mcpz_mem_fail(bench->mem, MCPZ_ENOSPACE);
    return bench->kv.progress(bench->kv.context);
}

void bench_restart(struct bench *bench, struct mcpz_kv *kv)
{
    mcpz_mem_crash(bench->mem);
    *kv = bench->kv;
}
