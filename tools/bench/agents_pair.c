#include "agents_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/identity.h"
#include "crypto/proof.h"
#include "proto/code.h"
#include "wire/value.h"

/* Batches not on the disk yet: while the store commits as much as it takes at once, as much again
 * can come in. At a node nothing but MCPZ_STORE_QUEUE_BYTES_MAX bounds them. */
#define BEHIND_MAX 64
#define WALL_MS UINT64_C(1700000000000)

static struct mcpz_tenant_key *keys[2]; /* the node's own, the agents' */

_Noreturn void bench_die(const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static void must(bool holds, const char *what)
{
    if (!holds) {
        bench_die(what);
    }
}

double bench_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of this thread's processor: what a turn takes, whatever else the machine does. */
static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_say(const char *row, double value, const char *unit)
{
    printf("{\"row\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", row, value, unit);
    (void)fflush(stdout);
}

/* ---- The store ------------------------------------------------------------------------------ */

static mcpz_error lend(void *context, struct mcpz_bytes tenant, struct mcpz_tenant_key **key)
{
    (void)context;
    return mcpz_tenant_key_copy(
        keys[mcpz_bytes_equal(tenant, mcpz_text(MCPZ_TENANT_SYSTEM)) ? 0 : 1], key);
}

static mcpz_error lend_by_id(void *context, const uint8_t *id, struct mcpz_tenant_key **key)
{
    uint8_t own[MCPZ_TENANT_KEY_ID_BYTES];

    (void)context;
    mcpz_tenant_key_id(keys[0], own);
    return mcpz_tenant_key_copy(keys[memcmp(own, id, sizeof(own)) == 0 ? 0 : 1], key);
}

static void notify(void *context)
{
    struct bench_side *side = context;
    (void)sem_post(&side->news);
}

static void record(struct bench_tape *tape, char what, struct mcpz_bytes key,
                   struct mcpz_bytes value)
{
    const uint32_t lengths[] = {(uint32_t)key.length, (uint32_t)value.length};
    const size_t length = 1 + sizeof(lengths) + key.length + value.length;

    if (tape->room - tape->length < length) {
        tape->room = 2 * tape->room + length;
        tape->bytes = realloc(tape->bytes, tape->room);
        must(tape->bytes != NULL, "out of memory");
    }
    uint8_t *at = tape->bytes + tape->length;
    *at = (uint8_t)what;
    memcpy(at + 1, lengths, sizeof(lengths));
    at += 1 + sizeof(lengths);
    if (key.length > 0) {
        memcpy(at, key.data, key.length);
    }
    if (value.length > 0) {
        memcpy(at + key.length, value.data, value.length);
    }
    tape->length += length;
    tape->puts += what != BENCH_TAPE_COMMIT;
}

static mcpz_error kv_get(void *context, struct mcpz_bytes key, struct mcpz_bytes *value)
{
    struct bench_side *side = context;
    return side->below.get(side->below.context, key, value);
}

static mcpz_error kv_next(void *context, struct mcpz_bytes after, bool inclusive,
                          struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    struct bench_side *side = context;
    return side->below.next(side->below.context, after, inclusive, key, value);
}

static void kv_put(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct bench_side *side = context;

    side->below.put(side->below.context, key, value);
    if (side->tape != NULL) {
        record(side->tape, BENCH_TAPE_PUT, key, value);
    }
}

static void kv_remove(void *context, struct mcpz_bytes key)
{
    struct bench_side *side = context;

    side->below.remove(side->below.context, key);
    if (side->tape != NULL) {
        record(side->tape, BENCH_TAPE_REMOVE, key, mcpz_bytes(NULL, 0));
    }
}

static uint64_t kv_commit(void *context)
{
    struct bench_side *side = context;
    const uint64_t batch = side->below.commit(side->below.context);

    if (batch != 0) {
        side->newest = batch;
        if (side->tape != NULL) {
            record(side->tape, BENCH_TAPE_COMMIT, mcpz_bytes(NULL, 0), mcpz_bytes(NULL, 0));
        }
    }
    return batch;
}

static struct mcpz_kv_progress kv_progress(void *context)
{
    struct bench_side *side = context;

    side->progress = side->below.progress(side->below.context);
    must(side->progress.failed == 0, "the store cannot be written");
    return side->progress;
}

static struct mcpz_kv open_store(struct bench_side *side, const char *directory)
{
    const struct mcpz_lmdb_config config = {.directory = directory,
                                            .map_bytes = UINT64_C(1) << 30,
                                            .map_bytes_max = UINT64_C(1) << 36,
                                            .notify = notify,
                                            .notify_context = side};
    struct mcpz_lmdb_trouble trouble;

    must(sem_init(&side->news, 0, 0) == 0, "no semaphore");
    if (directory == NULL) {
        must(mcpz_mem_create(&side->mem, &side->below) == MCPZ_OK, "out of memory");
    } else if (mcpz_lmdb_open(&config, &side->lmdb, &side->below, &trouble) != MCPZ_OK) {
        bench_die(trouble.text);
    }
    return (struct mcpz_kv){.context = side,
                            .get = kv_get,
                            .next = kv_next,
                            .put = kv_put,
                            .remove = kv_remove,
                            .commit = kv_commit,
                            .progress = kv_progress};
}

/* Until the disk is behind by so many batches at most. */
static void await(struct bench_side *side, uint64_t behind)
{
    if (side->mem != NULL) {
        mcpz_mem_sync(side->mem, side->newest);
    }
    mcpz_engine_store_progress(side->engine);
    while (side->newest - side->progress.durable > behind) {
        (void)sem_wait(&side->news);
        mcpz_engine_store_progress(side->engine);
    }
}

/* ---- The nodes ------------------------------------------------------------------------------ */

static void port_wake(void *context, mcpz_link link)
{
    (void)context;
    (void)link;
}

static void port_close(void *context, mcpz_link link, const char *why)
{
    (void)context;
    (void)link;
    bench_die(why);
}

static void port_act(void *context, const struct mcpz_action *action)
{
    (void)context;
    must(action->kind != MCPZ_ACTION_REPLY || action->reply.code == MCPZ_CODE_OK,
         "a write was refused");
}

static struct mcpz_identity *identity_of(uint8_t seed)
{
    const uint8_t bytes[MCPZ_SEED_BYTES] = {seed};
    struct mcpz_identity *identity;

    must(mcpz_identity_create(bytes, &identity) == MCPZ_OK, "no identity");
    return identity;
}

static void open_side(struct bench_pair *pair, struct bench_side *side, uint8_t seed,
                      const char *directory, const uint64_t *history_ms)
{
    const struct mcpz_vault_port vault = {.lend = lend, .lend_by_id = lend_by_id};
    const struct mcpz_engine_ports ports = {
        .context = side, .wake = port_wake, .close = port_close, .act = port_act};

    *side = (struct bench_side){.identity = identity_of(seed)};
    side->authority = seed == 1 ? identity_of(2) : NULL;
    must(mcpz_scratch_create(&side->scratch) == MCPZ_OK, "out of memory");
    const struct mcpz_engine_config config = {
        .identity = side->identity,
        .authority = side->authority,
        .kv = open_store(side, directory),
        .vault = directory != NULL ? &vault : NULL,
        .scratch = side->scratch,
        .seed = seed,
        .name = "side",
        .address = seed == 1 ? "author:1" : "keeper:1",
        .history_ms = history_ms,
    };
    must(mcpz_engine_create(&config, &ports, pair->now, pair->wall_ms, &side->engine) == MCPZ_OK,
         "no engine");
    await(side, 0);
}

struct mcpz_engine *bench_enter(struct bench_pair *pair, struct bench_side *side)
{
    if (side->turn_began_s == 0) {
        side->turn_began_s = cpu_seconds();
    }
    mcpz_engine_turn_begin(side->engine, pair->now, pair->wall_ms);
    return side->engine;
}

void bench_leave(struct bench_side *side)
{
    (void)mcpz_engine_turn_end(side->engine);
    const double took_s = cpu_seconds() - side->turn_began_s;
    side->slowest_s = took_s > side->slowest_s ? took_s : side->slowest_s;
    side->turn_began_s = 0;
    await(side, BEHIND_MAX);
}

void bench_settle(struct bench_side *side)
{
    await(side, 0);
}

static void open_link(struct bench_pair *pair, struct bench_side *side,
                      const struct bench_side *peer, const char *dialled)
{
    static const uint8_t binding[MCPZ_BINDING_BYTES] = {7};

    must(mcpz_engine_link_opened(bench_enter(pair, side), mcpz_identity_id(peer->identity),
                                 binding, mcpz_text(dialled), &side->link) == MCPZ_OK,
         "no link");
    bench_leave(side);
    bench_settle(side);
}

/* All that both have to say. */
static void talk(struct bench_pair *pair)
{
    struct bench_frames frames = {.length = 0};
    bool more = true;

    while (more) {
        bench_pull(&pair->author, &frames);
        more = frames.count > 0;
        bench_hand_over(pair, &frames, &pair->keeper);
        bench_settle(&pair->keeper);
        bench_frames_clear(&frames);
        bench_pull(&pair->keeper, &frames);
        more = more || frames.count > 0;
        bench_hand_over(pair, &frames, &pair->author);
        bench_settle(&pair->author);
        bench_frames_clear(&frames);
    }
    free(frames.bytes);
}

static void join(struct bench_pair *pair)
{
    uint8_t secret[MCPZ_SECRET_BYTES];
    uint8_t token_id[MCPZ_TOKEN_ID_BYTES];
    struct mcpz_join_token token;

    must(mcpz_engine_token_create(bench_enter(pair, &pair->author), 1, 60000, 1, mcpz_text(""),
                                  &token) == MCPZ_OK,
         "no token");
    memcpy(secret, token.secret.data, sizeof(secret));
    memcpy(token_id, token.id.data, sizeof(token_id));
    token.secret = mcpz_bytes(secret, sizeof(secret));
    token.id = mcpz_bytes(token_id, sizeof(token_id));
    bench_leave(&pair->author);
    must(mcpz_engine_join(bench_enter(pair, &pair->keeper), 9, &token) == MCPZ_OK, "no mesh");
    bench_leave(&pair->keeper);
    open_link(pair, &pair->keeper, &pair->author, "author:1");
    open_link(pair, &pair->author, &pair->keeper, "");
    talk(pair);
    must(mcpz_engine_node(pair->keeper.engine)->fabric.links.count == 1, "not admitted");
}

static void open_pair(struct bench_pair *pair, const char *directory, const uint64_t *history_ms)
{
    *pair = (struct bench_pair){.now = MCPZ_SECONDS(1), .wall_ms = WALL_MS};
    for (size_t i = 0; i < 2; i++) {
        must(mcpz_tenant_key_create(MCPZ_KEY_OF_RECORDS,
                                    mcpz_text(i == 0 ? MCPZ_TENANT_SYSTEM : MCPZ_TENANT_DEFAULT),
                                    &keys[i]) == MCPZ_OK,
             "no key");
    }
    open_side(pair, &pair->author, 1, NULL, history_ms);
    open_side(pair, &pair->keeper, 3, directory, history_ms);
    join(pair);
}

void bench_pair_open(struct bench_pair *pair, const char *directory)
{
    open_pair(pair, directory, NULL);
}

void bench_pair_open_folding(struct bench_pair *pair, const char *directory)
{
    static const uint64_t no_history;

    open_pair(pair, directory, &no_history);
}

static void close_side(struct bench_side *side)
{
    mcpz_engine_destroy(side->engine);
    mcpz_mem_destroy(side->mem);
    mcpz_lmdb_close(side->lmdb);
    mcpz_scratch_destroy(side->scratch);
    mcpz_identity_destroy(side->identity);
    mcpz_identity_destroy(side->authority);
    (void)sem_destroy(&side->news);
}

void bench_pair_close(struct bench_pair *pair)
{
    close_side(&pair->author);
    close_side(&pair->keeper);
    mcpz_tenant_key_destroy(keys[0]);
    mcpz_tenant_key_destroy(keys[1]);
}

/* ---- Frames --------------------------------------------------------------------------------- */

void bench_pull(struct bench_side *side, struct bench_frames *frames)
{
    while (mcpz_engine_has_frames(side->engine, side->link)) {
        const struct mcpz_bytes frame = mcpz_engine_pull(side->engine, side->link);
        const size_t length = sizeof(frame.length) + frame.length;
        if (frames->bytes == NULL || frames->room - frames->length < length) {
            frames->room = 2 * frames->room + length;
            frames->bytes = realloc(frames->bytes, frames->room);
            must(frames->bytes != NULL, "out of memory");
        }
        memcpy(frames->bytes + frames->length, &frame.length, sizeof(frame.length));
        memcpy(frames->bytes + frames->length + sizeof(frame.length), frame.data, frame.length);
        frames->length += length;
        frames->count++;
        frames->in_one = frame.length > frames->in_one ? frame.length : frames->in_one;
    }
}

void bench_hand_over(struct bench_pair *pair, const struct bench_frames *frames,
                     struct bench_side *side)
{
    size_t length;

    for (size_t at = 0; at < frames->length; at += sizeof(length) + length) {
        memcpy(&length, frames->bytes + at, sizeof(length));
        const struct mcpz_bytes frame = mcpz_bytes(frames->bytes + at + sizeof(length), length);
        must(mcpz_engine_frame(bench_enter(pair, side), side->link, frame) == MCPZ_OK,
             "a frame was refused");
        bench_leave(side);
    }
}

void bench_frames_clear(struct bench_frames *frames)
{
    frames->length = 0;
    frames->count = 0;
    frames->in_one = 0;
}

void bench_pass(struct bench_pair *pair, size_t seconds)
{
    for (size_t i = 0; i < seconds; i++) {
        pair->now += MCPZ_SECONDS(1);
        pair->wall_ms += 1000;
        mcpz_engine_tick(bench_enter(pair, &pair->author));
        bench_leave(&pair->author);
        mcpz_engine_tick(bench_enter(pair, &pair->keeper));
        bench_leave(&pair->keeper);
        bench_settle(&pair->author);
        bench_settle(&pair->keeper);
        talk(pair);
    }
}

/* ---- Writing -------------------------------------------------------------------------------- */

static struct mcpz_bytes name_of(size_t number, char *room, size_t size)
{
    (void)snprintf(room, size, "agent-%08zu", number);
    return mcpz_text(room);
}

struct mcpz_id bench_document(size_t number)
{
    char room[32];
    struct mcpz_id document;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), name_of(number, room, sizeof(room)), &document);
    return document;
}

void bench_create(struct bench_pair *pair, struct bench_side *side, size_t number)
{
    char room[32];
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = MCPZ_AGENT_CREATE,
                  .document = bench_document(number),
                  .name = name_of(number, room, sizeof(room))},
    };
    mcpz_engine_event(bench_enter(pair, side), &event);
}

void bench_set(struct bench_pair *pair, struct bench_side *side, size_t number, const char *key,
               const char *text)
{
    uint8_t path[64];
    uint8_t value[256];
    struct mcpz_value_writer of_path = mcpz_value_writer(path, sizeof(path));
    struct mcpz_value_writer of_value = mcpz_value_writer(value, sizeof(value));

    mcpz_value_array(&of_path, 1);
    mcpz_value_text(&of_path, mcpz_text(key));
    mcpz_value_text(&of_value, mcpz_text(text));
    must(of_path.error == MCPZ_OK && of_value.error == MCPZ_OK, "too long");
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = MCPZ_AGENT_SET,
                  .document = bench_document(number),
                  .path = mcpz_bytes(path, of_path.length),
                  .value = mcpz_bytes(value, of_value.length)},
    };
    mcpz_engine_event(bench_enter(pair, side), &event);
}
