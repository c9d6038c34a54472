/* Documents and deltas put into the store of the fake world, for tests of exports. */

#ifndef FAKE_AGENTS_H
#define FAKE_AGENTS_H

#include "fake_engine.h"

static inline struct mcpz_record fake_delta_of(const struct mcpz_id *document,
                                               const struct mcpz_actor *actor, uint64_t seq,
                                               uint64_t hlc)
{
    static const struct mcpz_add add = {
        .type = MCPZ_ENTRY_REGISTER,
        .path = {.data = (const uint8_t *)"\x91\xa1"
                                          "a",
                 .length = 3},
        .value = {.data = (const uint8_t *)"\x07", .length = 1},
    };

    return (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document,
                            .actor = *actor,
                            .seq = seq,
                            .hlc = hlc,
                            .adds = &add,
                            .add_count = 1}},
    };
}

static inline void fake_put_delta(const struct mcpz_id *document, const struct mcpz_actor *actor,
                                  uint64_t seq, uint64_t hlc)
{
    struct mcpz_store *store = &world.engine.store;
    const struct mcpz_record record = fake_delta_of(document, actor, seq, hlc);

    store->put(store->context, &record);
}

/* Of `tenant`, "" for the default one's. */
static inline void fake_put_document_of(const char *tenant, const char *name,
                                        struct mcpz_id *document,
                                        const struct mcpz_version *versions, size_t version_count)
{
    struct mcpz_store *store = &world.engine.store;

    mcpz_engine_document_id(mcpz_text(tenant), mcpz_text(name), document);
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.id = *document,
                     .name = mcpz_text(name),
                     .tenant = mcpz_text(tenant),
                     .versions = versions,
                     .version_count = version_count},
    };
    store->put(store->context, &record);
}

static inline void fake_put_document(const char *name, struct mcpz_id *document,
                                     const struct mcpz_version *versions, size_t version_count)
{
    fake_put_document_of("", name, document, versions, version_count);
}

#endif
