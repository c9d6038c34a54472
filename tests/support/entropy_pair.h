/*
 * Two nodes that compare very many documents, by real messages: each is encoded, counted, decoded
 * and taken in. Documents are rows of a table; what a WANT brings is the other side's row, put
 * through its store as a merge would. So it shows what comparing costs, and nothing else.
 */

#ifndef ENTROPY_PAIR_H
#define ENTROPY_PAIR_H

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/crdt/document.h"
#include "core/crdt/entropy.h"
#include "wire/codec.h"

#define PAIR_LETTERS_MAX 4096

struct pair_row {
    struct mcpz_id id;
    struct mcpz_version version;
    uint64_t change;
};

struct pair_side {
    struct mcpz_id id;
    struct pair_row *rows; /* by id */
    size_t count;
    uint32_t *changes; /* by number: row + 1, or 0 */
    size_t change_count;
    struct mcpz_store port;
    struct mcpz_entropy entropy;
    struct mcpz_wanted wanted;
    struct mcpz_horizon horizon;
    struct mcpz_overlay overlay;
    void *memory;
};

struct pair_letter {
    size_t to;
    uint8_t *bytes;
    size_t length;
};

struct pair {
    struct pair_side sides[2];
    mcpz_time now;
    struct pair_letter letters[PAIR_LETTERS_MAX];
    size_t letter_count;
    struct mcpz_outbox out;
    size_t bytes[MCPZ_MSG_KIND_END];
    size_t messages[MCPZ_MSG_KIND_END];
    size_t steps;      /* of time */
    double slowest_us; /* CPU time of one step */
    double cpu_us;     /* of all steps */
};

static inline void pair_must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "pair: %s\n", what);
        abort();
    }
}

/* ---- The store ---------------------------------------------------------------------------- */

static inline size_t pair_find(const struct pair_side *side, const struct mcpz_id *id)
{
    size_t low = 0;
    size_t high = side->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (mcpz_id_compare(&side->rows[middle].id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static inline void pair_read(const struct pair_row *row, struct mcpz_record *record)
{
    record->document = (struct mcpz_record_document){
        .id = row->id, .versions = &row->version, .version_count = 1, .change = row->change};
}

static inline mcpz_error pair_get(void *context, struct mcpz_record *record)
{
    const struct pair_side *side = context;

    if (record->kind != MCPZ_RECORD_DOCUMENT) {
        return MCPZ_ENOTFOUND; /* no cursor is remembered */
    }
    const size_t at = pair_find(side, &record->document.id);
    if (at == side->count || !mcpz_id_equal(&side->rows[at].id, &record->document.id)) {
        return MCPZ_ENOTFOUND;
    }
    pair_read(&side->rows[at], record);
    return MCPZ_OK;
}

static inline mcpz_error pair_next(void *context, enum mcpz_scan scan, bool inclusive,
                                   struct mcpz_record *record)
{
    const struct pair_side *side = context;

    (void)scan;
    if (record->kind == MCPZ_RECORD_DOCUMENT) {
        size_t at = pair_find(side, &record->document.id);
        if (!inclusive && at < side->count &&
            mcpz_id_equal(&side->rows[at].id, &record->document.id)) {
            at++;
        }
        if (at == side->count) {
            return MCPZ_ENOTFOUND;
        }
        pair_read(&side->rows[at], record);
        return MCPZ_OK;
    }
    if (record->kind == MCPZ_RECORD_CHANGE) {
        for (uint64_t seq = record->change.seq + 1; seq < side->change_count; seq++) {
            if (side->changes[seq] != 0) {
                record->change.seq = seq;
                record->change.document = side->rows[side->changes[seq] - 1].id;
                return MCPZ_OK;
            }
        }
    }
    return MCPZ_ENOTFOUND;
}

/* Rows are changed in place; new ones are put in when there is no change on its way. */
static inline void pair_put_row(struct pair_side *side, const struct mcpz_record_document *record)
{
    const size_t at = pair_find(side, &record->id);
    const bool is_new = at == side->count || !mcpz_id_equal(&side->rows[at].id, &record->id);

    if (is_new) {
        memmove(&side->rows[at + 1], &side->rows[at], (side->count - at) * sizeof(*side->rows));
        side->count++;
        for (size_t i = 0; i < side->change_count; i++) {
            side->changes[i] += side->changes[i] > at ? 1 : 0;
        }
    }
    side->rows[at] = (struct pair_row){
        .id = record->id, .version = record->versions[0], .change = record->change};
}

static inline void pair_put(void *context, const struct mcpz_record *record)
{
    struct pair_side *side = context;

    if (record->kind == MCPZ_RECORD_DOCUMENT) {
        pair_put_row(side, &record->document);
    } else if (record->kind == MCPZ_RECORD_CHANGE) {
        pair_must(record->change.seq <= side->change_count, "a number is left out");
        side->changes[record->change.seq] =
            (uint32_t)pair_find(side, &record->change.document) + 1;
        if (record->change.seq == side->change_count) {
            side->change_count++;
        }
    }
}

static inline void pair_remove(void *context, const struct mcpz_record *record)
{
    struct pair_side *side = context;

    if (record->kind == MCPZ_RECORD_CHANGE) {
        side->changes[record->change.seq] = 0;
    }
}

/* ---- Two sides ---------------------------------------------------------------------------- */

static inline struct mcpz_id pair_document(uint64_t number)
{
    struct mcpz_id id = {{0}};
    const uint64_t bits = htobe64(number * UINT64_C(0x100000001b3) + 1);

    memcpy(id.bytes, &bits, sizeof(bits));
    return id;
}

static inline struct pair_row pair_row(uint64_t number, uint64_t seq)
{
    return (struct pair_row){
        .id = pair_document(number),
        .version = {.actor = {.node = {{'w'}}, .generation = 1},
                    .seq = seq,
                    .head = {{(uint8_t)seq, 1}}},
    };
}

static inline void pair_count_all(struct pair_side *side)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT};

    pair_must(mcpz_holdings_begin(&side->entropy.holdings) == MCPZ_OK, "nothing can be counted");
    for (size_t i = 0; i < side->count; i++) {
        pair_read(&side->rows[i], &record);
        mcpz_holdings_count(&side->entropy.holdings, &record.document);
    }
    mcpz_holdings_end(&side->entropy.holdings);
}

/*
 * `count` documents at both; every one whose number is a multiple of `every` (0: none) is a write
 * further on at one side, by turns.
 */
static inline struct pair *pair_make(size_t count, size_t every)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    pair_must(pair != NULL, "out of memory");
    pair->now = MCPZ_SECONDS(100);
    mcpz_outbox_init(&pair->out);
    for (size_t s = 0; s < 2; s++) {
        struct pair_side *side = &pair->sides[s];
        struct mcpz_arena arena;
        memset(side->id.bytes, (int)('A' + s), MCPZ_ID_BYTES);
        side->rows = calloc(2 * count + 64, sizeof(*side->rows));
        side->changes = calloc(4 * count + 64, sizeof(*side->changes));
        side->memory = calloc(1, mcpz_entropy_bytes());
        pair_must(side->rows != NULL && side->changes != NULL && side->memory != NULL,
                  "out of memory");
        side->change_count = 1;
        for (size_t i = 0; i < count; i++) {
            const bool differs = every > 0 && i % every == 0 && i / every % 2 == s;
            side->rows[i] = pair_row(i, differs ? 2 : 1);
            side->rows[i].change = side->change_count;
            side->changes[side->change_count++] = (uint32_t)i + 1;
        }
        side->count = count;
        side->port = (struct mcpz_store){.context = side,
                                         .get = pair_get,
                                         .put = pair_put,
                                         .remove = pair_remove,
                                         .next = pair_next};
        mcpz_arena_init_zeroed(&arena, side->memory, mcpz_entropy_bytes());
        const struct mcpz_entropy_config config = {
            .store = &side->port, .self = &side->id, .period_us = MCPZ_SECONDS(10), .seed = s + 1};
        mcpz_entropy_init(&side->entropy, &config, pair->now, &arena);
        pair_count_all(side);
    }
    return pair;
}

static inline void pair_free(struct pair *pair)
{
    for (size_t s = 0; s < 2; s++) {
        free(pair->sides[s].rows);
        free(pair->sides[s].changes);
        free(pair->sides[s].memory);
    }
    free(pair);
}

static inline bool pair_is_equal(const struct pair *pair)
{
    return mcpz_partition_root_equal(&pair->sides[0].entropy.holdings.root,
                                     &pair->sides[1].entropy.holdings.root);
}

/* Go by a layout at one side from now on. */
static inline void pair_follow(struct pair *pair, size_t s, const struct mcpz_scope *said)
{
    struct mcpz_scope scope = *said;

    scope.self = pair->sides[s].id;
    mcpz_entropy_follow(&pair->sides[s].entropy, &scope, pair->now);
}

/* Write a document at one side: number `number`, so far along. */
static inline void pair_write(struct pair *pair, size_t s, uint64_t number, uint64_t seq)
{
    const struct pair_row row = pair_row(number, seq);
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.id = row.id, .versions = &row.version, .version_count = 1}};
    struct mcpz_entropy *entropy = &pair->sides[s].entropy;

    entropy->holdings.store.put(&entropy->holdings, &record);
}

/* ---- Messages ----------------------------------------------------------------------------- */

static inline void pair_post(struct pair *pair, size_t to, const struct mcpz_msg *msg)
{
    static uint8_t buffer[MCPZ_MSG_BYTES_MAX];
    size_t length = 0;

    pair_must(mcpz_msg_encode(msg, buffer, sizeof(buffer), &length) == MCPZ_OK, "encoding");
    pair_must(pair->letter_count < PAIR_LETTERS_MAX, "too many letters");
    struct pair_letter *letter = &pair->letters[pair->letter_count++];
    *letter = (struct pair_letter){.to = to, .bytes = malloc(length), .length = length};
    pair_must(letter->bytes != NULL, "out of memory");
    memcpy(letter->bytes, buffer, length);
    pair->bytes[msg->kind] += length;
    pair->messages[msg->kind]++;
}

static inline struct mcpz_sync pair_sync(struct pair *pair, size_t s, struct mcpz_mail *mail)
{
    struct pair_side *side = &pair->sides[s];

    mcpz_outbox_clear(&pair->out);
    mcpz_mail_init(mail, &pair->out);
    return (struct mcpz_sync){
        .holdings = &side->entropy.holdings,
        .scope = &side->entropy.holdings.shared.scope,
        .mail = mail,
        .wanted = &side->wanted,
        .horizon = &side->horizon,
        .now = pair->now,
        .wall_ms = 1700000000000,
        .epoch = mcpz_holdings_epoch(&side->entropy.holdings, 1),
    };
}

static inline void pair_send_all(struct pair *pair, size_t from)
{
    for (size_t i = 0; i < pair->out.count; i++) {
        pair_must(pair->out.actions[i].kind == MCPZ_ACTION_SEND, "not a message");
        pair_post(pair, 1 - from, &pair->out.actions[i].send.msg);
    }
}

/* The other side's row comes, if it is further on; if ours is, it is asked for. */
static inline void pair_want(struct pair *pair, size_t s, const struct mcpz_msg_want *want)
{
    struct pair_side *ours = &pair->sides[s];
    struct pair_side *theirs = &pair->sides[1 - s];
    const uint64_t seen = want->version_count > 0 ? want->versions[0].seq : 0;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = want->document}};
    const bool has = pair_get(ours, &record) == MCPZ_OK;

    (void)mcpz_wanted_answered(&ours->wanted, &theirs->id, &want->document);
    if (has && record.document.versions[0].seq > seen) {
        struct mcpz_version version = record.document.versions[0];
        record.document.versions = &version;
        theirs->entropy.holdings.store.put(&theirs->entropy.holdings, &record);
        mcpz_wanted_moved(&theirs->wanted, pair->now, &want->document,
                          mcpz_document_digest(&record.document));
    } else if (!has || record.document.versions[0].seq < seen) {
        struct mcpz_mail mail;
        const struct mcpz_sync sync = pair_sync(pair, s, &mail);
        struct mcpz_catchup catchup = mcpz_sync_catchup(&sync, &theirs->id);
        struct mcpz_document document = {.id = want->document, .exists = has};
        const struct mcpz_record_document told = {.id = want->document,
                                                  .versions = want->versions,
                                                  .version_count = want->version_count};
        if (has) {
            mcpz_clock_set(&document.clock, record.document.versions, 1);
        }
        (void)mcpz_catchup_ask(&catchup, &document, MCPZ_WANT_GAP, mcpz_document_digest(&told));
        pair_send_all(pair, s);
    } else {
        const struct mcpz_digest row = {.document = want->document,
                                        .digest = mcpz_document_digest(&record.document)};
        const struct mcpz_msg msg = {.kind = MCPZ_MSG_OFFER,
                                     .offer = {.digests = &row, .digest_count = 1}};
        pair_post(pair, 1 - s, &msg);
    }
}

static inline void pair_took(struct pair *pair, struct timespec began)
{
    struct timespec ended;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    const double us = (double)(ended.tv_sec - began.tv_sec) * 1e6 +
                      (double)(ended.tv_nsec - began.tv_nsec) / 1e3;
    pair->cpu_us += us;
    pair->slowest_us = us > pair->slowest_us ? us : pair->slowest_us;
    pair->steps++;
}

static inline void pair_deliver(struct pair *pair)
{
    static _Alignas(16) uint8_t memory[131072];
    const struct pair_letter letter = pair->letters[0];
    struct pair_side *side = &pair->sides[letter.to];
    struct mcpz_arena arena;
    struct mcpz_msg msg;
    struct mcpz_mail mail;
    struct timespec began;

    pair->letter_count--;
    memmove(&pair->letters[0], &pair->letters[1], pair->letter_count * sizeof(letter));
    mcpz_arena_init(&arena, memory, sizeof(memory));
    pair_must(mcpz_msg_decode(mcpz_bytes(letter.bytes, letter.length), &arena, &msg) == MCPZ_OK,
              "decoding");
    if (msg.kind == MCPZ_MSG_WANT) {
        pair_want(pair, letter.to, &msg.want);
    } else {
        const struct mcpz_sync sync = pair_sync(pair, letter.to, &mail);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
        pair_must(mcpz_entropy_take(&side->entropy, &sync, &pair->sides[1 - letter.to].id, &msg) ==
                      MCPZ_OK,
                  "refused");
        pair_took(pair, began);
        pair_send_all(pair, letter.to);
    }
    for (size_t s = 0; s < 2; s++) {
        const struct mcpz_sync sync = pair_sync(pair, s, &mail);
        mcpz_entropy_go_on(&pair->sides[s].entropy, &sync);
        pair_send_all(pair, s);
    }
    free(letter.bytes);
}

static inline void pair_link(struct pair *pair)
{
    struct mcpz_mail mail;

    for (size_t s = 0; s < 2; s++) {
        struct pair_side *side = &pair->sides[s];
        const struct mcpz_sync sync = pair_sync(pair, s, &mail);
        side->overlay.active[0].id = pair->sides[1 - s].id;
        side->overlay.active_count = 1;
        mcpz_entropy_linked(&side->entropy, &sync, &pair->sides[1 - s].id);
    }
}

/* Let time pass, delivering everything at once. */
static inline void pair_run(struct pair *pair, mcpz_time us)
{
    const mcpz_time end = pair->now + us;
    struct timespec began;

    for (;;) {
        while (pair->letter_count > 0) {
            pair_deliver(pair);
        }
        mcpz_time due[2];
        for (size_t s = 0; s < 2; s++) {
            due[s] = mcpz_entropy_deadline(&pair->sides[s].entropy, &pair->sides[s].wanted);
        }
        const size_t first = due[0] <= due[1] ? 0 : 1;
        if (due[first] >= end) {
            pair->now = end;
            return;
        }
        pair->now = due[first] > pair->now ? due[first] : pair->now;
        struct mcpz_mail mail;
        const struct mcpz_sync sync = pair_sync(pair, first, &mail);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
        mcpz_entropy_tick(&pair->sides[first].entropy, &sync, &pair->sides[first].overlay);
        pair_took(pair, began);
        pair_send_all(pair, first);
    }
}

/* ---- What it took ------------------------------------------------------------------------- */

/* Of finding out: not the WANTs, nor what names whole documents. */
static inline size_t pair_comparing(const struct pair *pair)
{
    return pair->bytes[MCPZ_MSG_ROOT] + pair->bytes[MCPZ_MSG_SKETCH_ASK] +
           pair->bytes[MCPZ_MSG_SKETCH] + pair->bytes[MCPZ_MSG_CHANGES_ASK];
}

/* Of what names them. */
static inline size_t pair_naming(const struct pair *pair)
{
    return pair->bytes[MCPZ_MSG_OFFER] + pair->bytes[MCPZ_MSG_CHANGES];
}

static inline void pair_forget_counts(struct pair *pair)
{
    memset(pair->bytes, 0, sizeof(pair->bytes));
    memset(pair->messages, 0, sizeof(pair->messages));
    pair->steps = 0;
    pair->slowest_us = 0;
    pair->cpu_us = 0;
}

#endif
