/* Two that keep one document, and fold it. */

#ifndef TEST_FOLD_PAIR_H
#define TEST_FOLD_PAIR_H

#include "engine/internal.h"
#include "pair.h"

static const uint64_t no_history;
static const uint64_t an_hour = 3600000;

/* A mesh of two that are neighbours, and keep deltas for so long. */
static inline void make_neighbours(const uint64_t *history_ms)
{
    pair_history_ms = history_ms;
    make_mesh();
    pass_time(MCPZ_SECONDS(4));
}

static inline struct mcpz_id document(void)
{
    struct mcpz_id id;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text("x"), &id);
    return id;
}

static inline void write_to(struct side *side, enum mcpz_agent_op op, const char *path,
                            uint8_t value)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = op,
                  .document = document(),
                  .name = mcpz_text("x"),
                  .path = mcpz_text(path),
                  .value = mcpz_bytes(&value, 1)},
    };

    side->reply_code = UINT32_MAX;
    mcpz_engine_event(enter(side), &event);
    leave(side);
    CHECK_UINT(side->reply_code, MCPZ_CODE_OK);
}

static inline void write_many(struct side *side, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_to(side, i == 0 ? MCPZ_AGENT_CREATE : MCPZ_AGENT_SET, "\x91\xa1k",
                 (uint8_t)(i % 100));
        talk();
    }
}

static inline size_t count_rows(struct side *side, enum mcpz_record_kind kind)
{
    const struct mcpz_store *store = mcpz_engine_store(enter(side));
    struct mcpz_record record = {.kind = kind};
    size_t count = 0;

    while (store->next(store->context, MCPZ_SCAN_KIND, count == 0, &record) == MCPZ_OK) {
        count++;
    }
    leave(side);
    return count;
}

/* Keys and values of all rows that a side has. */
static inline size_t bytes_kept(struct side *side)
{
    struct mcpz_bytes key = mcpz_bytes(NULL, 0);
    struct mcpz_bytes value;
    uint8_t last[MCPZ_KEY_BYTES_MAX];
    size_t total = 0;

    while (side->kv.next(side->kv.context, key, false, &key, &value) == MCPZ_OK) {
        total += key.length + value.length;
        memcpy(last, key.data, key.length);
        key.data = last;
    }
    return total;
}

static inline struct mcpz_id root_of(struct side *side)
{
    const struct mcpz_id id = document();
    struct mcpz_id root = {{0}};

    CHECK_UINT(mcpz_engine_root(enter(side), &id, root.bytes), MCPZ_OK);
    leave(side);
    return root;
}

static inline void check_same_root(void)
{
    const struct mcpz_id a = root_of(&founder);
    const struct mcpz_id b = root_of(&other);

    CHECK(mcpz_id_equal(&a, &b));
}

/* Fold at both: 64 writes, and time to agree. */
static inline void fold_both(void)
{
    write_many(&founder, MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    CHECK_UINT(other.engine->counters.floors_raised, 1);
}

/* As if it had come when all was folded: it holds nothing of the document. */
static inline void lose_document(struct side *side)
{
    const struct mcpz_id id = document();

    mcpz_agents_forget(&enter(side)->node.agents, &id);
    leave(side);
    CHECK_UINT(count_rows(side, MCPZ_RECORD_FLOOR), 0);
    CHECK_UINT(count_rows(side, MCPZ_RECORD_BASE), 0);
    CHECK_UINT(count_rows(side, MCPZ_RECORD_DELTA), 0);
}

/* The founder alone, for so long. */
static inline void pass_time_alone(mcpz_time by)
{
    for (const mcpz_time end = now + by; now < end;) {
        now += MCPZ_MS(500);
        wall_ms += 500;
        mcpz_engine_tick(enter(&founder));
        leave(&founder);
    }
}

#endif
