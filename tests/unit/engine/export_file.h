/* What a file brings that was written where a document was folded, and who takes it in. */

#ifndef TEST_EXPORT_FILE_H
#define TEST_EXPORT_FILE_H

#include "fold_pair.h"

/* What was read ends with the turn: its lists are copied. */
static struct mcpz_cosignature signatures[MCPZ_COSIGNATURES_MAX];
static struct mcpz_version versions[MCPZ_ACTORS_MAX];

static inline struct mcpz_msg_agreed agreed_of(struct side *side)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = document()}};
    struct mcpz_agreed *agreed = &record.floor.agreed;
    const struct mcpz_store *store = mcpz_engine_store(side->engine);

    CHECK_UINT(store->get(store->context, &record), MCPZ_OK);
    memcpy(signatures, agreed->signatures, agreed->signature_count * sizeof(signatures[0]));
    memcpy(versions, agreed->versions, agreed->version_count * sizeof(versions[0]));
    agreed->signatures = signatures;
    agreed->versions = versions;
    return (struct mcpz_msg_agreed){.document = document(),
                                    .agreed = record.floor.agreed,
                                    .byte_count = record.floor.byte_count};
}

#define FILE_MESSAGES 64

/* What an export of the document is made of, in order. */
static struct {
    uint8_t bytes[FILE_MESSAGES][MCPZ_MSG_BYTES_MAX];
    size_t lengths[FILE_MESSAGES];
    size_t count;
    size_t base_end; /* the message behind its base */
} file;

static struct side third; /* of another mesh */

static inline void add_author(const struct mcpz_id *author)
{
    CHECK_UINT(mcpz_engine_show_author(founder.engine, author, file.bytes[file.count],
                                       MCPZ_MSG_BYTES_MAX, &file.lengths[file.count]),
               MCPZ_OK);
    file.count++;
}

static inline void add_base(const struct mcpz_msg_agreed *said)
{
    struct mcpz_base_part part = {.document = document(), .root = said->agreed.root};
    mcpz_error error = MCPZ_OK;

    for (; error == MCPZ_OK; part.index++) {
        error = mcpz_engine_show_base(founder.engine, &part, file.bytes[file.count],
                                      MCPZ_MSG_BYTES_MAX, &file.lengths[file.count]);
        file.count += error == MCPZ_OK;
    }
    CHECK_UINT(error, MCPZ_ENOTFOUND);
    file.base_end = file.count;
}

static inline void add_deltas_above(uint64_t floor)
{
    const struct mcpz_store *store = mcpz_engine_store(founder.engine);
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA,
                                 .delta = {.delta = {.document = document()}}};
    bool first = true;

    while (store->next(store->context, MCPZ_SCAN_DOCUMENT, first, &record) == MCPZ_OK) {
        first = false;
        if (record.delta.delta.seq > floor) {
            CHECK_UINT(mcpz_engine_prove(founder.engine, &record.delta.delta,
                                         file.bytes[file.count], MCPZ_MSG_BYTES_MAX,
                                         &file.lengths[file.count]),
                       MCPZ_OK);
            file.count++;
        }
    }
}

/* The document is folded, written to once more, and put into a file. */
static inline void make_file(void)
{
    make_neighbours(&no_history);
    make_side(&third, 9, 8, "third:1");
    fold_both();
    write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1l", 8);
    talk();
    file.count = 0;
    (void)enter(&founder);
    add_author(mcpz_identity_id(founder.identity));
    add_author(mcpz_identity_id(other.identity));
    const struct mcpz_msg_agreed said = agreed_of(&founder);
    add_base(&said);
    add_deltas_above(said.agreed.versions[0].seq);
    leave(&founder);
    CHECK_UINT(file.base_end, 2 + 1 + 1 + 1); /* authors; AGREED, a piece, the last delta */
    CHECK_UINT(file.count, file.base_end + 1);
}

static inline void free_file(void)
{
    free_side(&third);
    free_pair();
}

#endif
