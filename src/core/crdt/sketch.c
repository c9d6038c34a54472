#include "core/crdt/sketch.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "core/crdt/document.h"

/* ---- Hashes ------------------------------------------------------------------------------- */

/* Where `id` is among ascending ids; their number if it is not there. */
static size_t find_id(const struct mcpz_sketch *sketch, uint64_t id)
{
    size_t low = 0;
    size_t high = sketch->id_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sketch->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < sketch->id_count && sketch->ids[low] == id ? low : sketch->id_count;
}

static bool is_sought(const struct mcpz_sketch *sketch,
                      const struct mcpz_record_document *document)
{
    return find_id(sketch, mcpz_document_hash(sketch->symbols.key, document)) < sketch->id_count;
}

static void sift(uint64_t *ids, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        child += child + 1 < count && ids[child + 1] > ids[child] ? 1 : 0;
        if (ids[root] >= ids[child]) {
            return;
        }
        const uint64_t id = ids[root];
        ids[root] = ids[child];
        ids[child] = id;
        root = child;
    }
}

/* Heapsort: who chose the ids cannot make it slow. */
static void sort_ids(uint64_t *ids, size_t count)
{
    for (size_t root = count / 2; root > 0; root--) {
        sift(ids, root - 1, count);
    }
    for (size_t left = count; left > 1; left--) {
        const uint64_t id = ids[0];
        ids[0] = ids[left - 1];
        ids[left - 1] = id;
        sift(ids, 0, left - 1);
    }
}

/* ---- What both sides do ------------------------------------------------------------------- */

static size_t sketch_bytes(size_t id_max)
{
    return mcpz_iblt_encoder_bytes(MCPZ_SKETCH_SYMBOLS_MAX) +
           mcpz_arena_cost(id_max, sizeof(uint64_t));
}

static void sketch_init(struct mcpz_sketch *sketch, size_t id_max, struct mcpz_arena *arena)
{
    *sketch = (struct mcpz_sketch){.phase = MCPZ_SKETCH_IDLE};
    mcpz_iblt_encoder_init(&sketch->symbols, MCPZ_SKETCH_SYMBOLS_MAX, arena);
    sketch->ids = mcpz_arena_take_sure(arena, id_max, sizeof(*sketch->ids));
}

static enum mcpz_sketch_fate end(struct mcpz_sketch *sketch, enum mcpz_sketch_fate fate)
{
    sketch->phase = MCPZ_SKETCH_IDLE;
    return fate;
}

static void be_patient(struct mcpz_sketch *sketch, mcpz_time now)
{
    sketch->until_us = now + MCPZ_SKETCH_PATIENCE_US;
}

static void sweep_from_start(struct mcpz_sketch *sketch, enum mcpz_sketch_phase phase,
                             mcpz_time now)
{
    sketch->phase = phase;
    sketch->sweep = (struct mcpz_sweep){.is_over = false};
    sketch->next_us = now;
    be_patient(sketch, now);
}

static bool add_to_symbols(void *context, const struct mcpz_record_document *document)
{
    struct mcpz_sketch *sketch = context;

    mcpz_iblt_encoder_add(&sketch->symbols, mcpz_document_hash(sketch->symbols.key, document));
    return true;
}

/* Go on with making symbols. `*made`: all documents are in them. */
static mcpz_error make(struct mcpz_sketch *sketch, const struct mcpz_sync *sync, bool *made)
{
    const struct mcpz_sweep_visitor visitor = {.context = sketch, .visit = add_to_symbols};
    mcpz_error error = mcpz_sweep_run(&sketch->sweep, sync, &sketch->peer, &visitor);

    *made = sketch->sweep.is_over;
    sketch->next_us = sync->now + MCPZ_SWEEP_PAUSE_US;
    be_patient(sketch, sync->now);
    return error;
}

/* Is it of the last comparison, which has ended here? Then it was said before that was known. */
static bool is_late(const struct mcpz_sketch *sketch, const struct mcpz_id *from, uint64_t session)
{
    return sketch->phase == MCPZ_SKETCH_IDLE && sketch->session == session &&
           mcpz_id_equal(&sketch->peer, from);
}

/* Is there something to do whenever it is time? */
static bool is_at_work(const struct mcpz_sketch *sketch)
{
    return sketch->phase == MCPZ_SKETCH_MAKING || sketch->phase == MCPZ_SKETCH_DECODING ||
           sketch->phase == MCPZ_SKETCH_MAPPING;
}

/* Has it changed who keeps what, so that symbols are of no set any more? */
static bool is_void(const struct mcpz_sketch *sketch, const struct mcpz_sync *sync)
{
    return (sketch->phase == MCPZ_SKETCH_STARTED || sketch->phase == MCPZ_SKETCH_MAKING ||
            sketch->phase == MCPZ_SKETCH_SENDING || sketch->phase == MCPZ_SKETCH_DECODING) &&
           sketch->scope != sync->scope->stamp;
}

mcpz_time mcpz_sketch_deadline(const struct mcpz_sketch *sketch)
{
    if (sketch->phase == MCPZ_SKETCH_IDLE) {
        return MCPZ_TIME_NEVER;
    }
    return is_at_work(sketch) ? mcpz_time_min(sketch->next_us, sketch->until_us)
                              : sketch->until_us;
}

/* ---- The asker ---------------------------------------------------------------------------- */

size_t mcpz_sketch_asker_bytes(void)
{
    return sketch_bytes(MCPZ_SKETCH_SYMBOLS_MAX) +
           mcpz_iblt_decoder_bytes(MCPZ_SKETCH_SYMBOLS_MAX);
}

void mcpz_sketch_asker_init(struct mcpz_sketch_asker *asker, struct mcpz_arena *arena)
{
    *asker = (struct mcpz_sketch_asker){.found = 0};
    sketch_init(&asker->sketch, MCPZ_SKETCH_SYMBOLS_MAX, arena);
    mcpz_iblt_decoder_init(&asker->decoder, MCPZ_SKETCH_SYMBOLS_MAX, arena);
}

static bool ask(const struct mcpz_sketch *sketch, const struct mcpz_sync *sync,
                struct mcpz_msg_sketch_ask what)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_SKETCH_ASK, .sketch_ask = what};

    msg.sketch_ask.session = sketch->session;
    return mcpz_mail_message(sync->mail, &sketch->peer, &msg);
}

/* Twice as many as there are documents: 1.4 for each difference are enough, two make no hurry. */
static uint32_t symbols_for(uint64_t ours, uint64_t theirs)
{
    const uint64_t most = MCPZ_SKETCH_SYMBOLS_MAX;
    const uint64_t all = ours > most || theirs > most ? most : 2 * (ours + theirs);

    return (uint32_t)(all < MCPZ_SKETCH_SYMBOLS_MIN ? MCPZ_SKETCH_SYMBOLS_MIN
                      : all > most                  ? most
                                                    : all);
}

bool mcpz_sketch_asker_start(struct mcpz_sketch_asker *asker, const struct mcpz_sync *sync,
                             const struct mcpz_id *peer, const struct mcpz_sketch_start *start)
{
    struct mcpz_sketch *sketch = &asker->sketch;
    const uint32_t symbol_count = symbols_for(start->ours, start->theirs);

    assert(sketch->phase == MCPZ_SKETCH_IDLE);
    sketch->peer = *peer;
    sketch->scope = sync->scope->stamp;
    sketch->session = start->session;
    sketch->nonce = start->nonce;
    sketch->symbols.symbol_count = symbol_count;
    asker->found = 0;
    asker->owes_taken = false;
    asker->has_last = false;
    be_patient(sketch, sync->now);
    if (!ask(sketch, sync,
             (struct mcpz_msg_sketch_ask){
                 .step = MCPZ_SKETCH_START,
                 .count = symbol_count,
                 .nonce = start->nonce,
                 .epoch = sync->epoch,
                 .seq = mcpz_holdings_tell(sync->holdings),
             })) {
        return false;
    }
    sketch->phase = MCPZ_SKETCH_STARTED;
    return true;
}

static enum mcpz_sketch_fate ask_for_symbols(struct mcpz_sketch_asker *asker,
                                             const struct mcpz_sync *sync)
{
    const size_t sent = asker->decoder.cell_count;
    const size_t left = asker->sketch.symbols.symbol_count - sent;
    const size_t block = mcpz_iblt_block(sent);

    return ask(&asker->sketch, sync,
               (struct mcpz_msg_sketch_ask){
                   .step = MCPZ_SKETCH_MORE,
                   .first = (uint32_t)sent,
                   .count = (uint32_t)(block < left ? block : left),
               })
               ? MCPZ_SKETCH_GOES_ON
               : end(&asker->sketch, MCPZ_SKETCH_FAILED);
}

static enum mcpz_sketch_fate on_started(struct mcpz_sketch_asker *asker,
                                        const struct mcpz_sync *sync,
                                        const struct mcpz_msg_sketch *answer)
{
    struct mcpz_sketch *sketch = &asker->sketch;
    const struct mcpz_siphash_key key = {.low = sketch->nonce, .high = answer->nonce};

    sketch->epoch = answer->epoch;
    sketch->seq = answer->seq;
    mcpz_iblt_encoder_begin(&sketch->symbols, key, sketch->symbols.symbol_count);
    sweep_from_start(sketch, MCPZ_SKETCH_MAKING, sync->now);
    return MCPZ_SKETCH_GOES_ON;
}

/* Hashes of ours to be found, those of the teller to be told: big-endian, ascending. */
static size_t sort_out(struct mcpz_sketch_asker *asker, uint64_t *theirs)
{
    struct mcpz_sketch *sketch = &asker->sketch;
    size_t their_count = 0;

    sketch->id_count = 0;
    for (size_t i = 0; i < asker->decoder.difference_count; i++) {
        const struct mcpz_iblt_difference *one = &asker->decoder.differences[i];
        if (!one->is_theirs) {
            sketch->ids[sketch->id_count++] = one->item.id;
        } else if (their_count < MCPZ_SKETCH_IDS_MAX) {
            theirs[their_count++] = one->item.id; /* more are found the next time */
        }
    }
    sort_ids(sketch->ids, sketch->id_count);
    sketch->id_left = sketch->id_count;
    sort_ids(theirs, their_count);
    for (size_t i = 0; i < their_count; i++) {
        theirs[i] = htobe64(theirs[i]);
    }
    return their_count;
}

static enum mcpz_sketch_fate on_found(struct mcpz_sketch_asker *asker,
                                      const struct mcpz_sync *sync)
{
    uint64_t theirs[MCPZ_SKETCH_IDS_MAX];
    const size_t count = sort_out(asker, theirs);

    asker->found = asker->decoder.difference_count;
    if (!ask(&asker->sketch, sync,
             (struct mcpz_msg_sketch_ask){
                 .step = MCPZ_SKETCH_FOUND,
                 .ids = mcpz_bytes((const uint8_t *)theirs, count * sizeof(*theirs)),
             })) {
        return end(&asker->sketch, MCPZ_SKETCH_FAILED);
    }
    asker->has_last = count == 0;
    sweep_from_start(&asker->sketch, MCPZ_SKETCH_MAPPING, sync->now);
    return MCPZ_SKETCH_GOES_ON;
}

static enum mcpz_sketch_fate go_by(struct mcpz_sketch_asker *asker, const struct mcpz_sync *sync,
                                   enum mcpz_iblt_verdict verdict)
{
    switch (verdict) {
    case MCPZ_IBLT_MORE:
        asker->sketch.phase = MCPZ_SKETCH_SENDING;
        return ask_for_symbols(asker, sync);
    case MCPZ_IBLT_FOUND:
        return on_found(asker, sync);
    case MCPZ_IBLT_BUSY:
        asker->sketch.phase = MCPZ_SKETCH_DECODING;
        asker->sketch.next_us = sync->now + MCPZ_SWEEP_PAUSE_US;
        be_patient(&asker->sketch, sync->now);
        return MCPZ_SKETCH_GOES_ON;
    case MCPZ_IBLT_HOPELESS:
        break;
    }
    (void)ask(&asker->sketch, sync, (struct mcpz_msg_sketch_ask){.step = MCPZ_SKETCH_GIVE_UP});
    return end(&asker->sketch, MCPZ_SKETCH_USELESS);
}

static enum mcpz_sketch_fate on_symbols(struct mcpz_sketch_asker *asker,
                                        const struct mcpz_sync *sync,
                                        const struct mcpz_msg_sketch *answer)
{
    static_assert(sizeof(struct mcpz_iblt_symbol) * MCPZ_IBLT_BLOCK_MAX <= 65536, "on the stack");
    struct mcpz_iblt_symbol block[MCPZ_IBLT_BLOCK_MAX];
    const size_t count = answer->symbols.length / MCPZ_IBLT_SYMBOL_BYTES;

    if (answer->first != asker->decoder.cell_count || count == 0 || count > MCPZ_IBLT_BLOCK_MAX ||
        answer->symbols.length % MCPZ_IBLT_SYMBOL_BYTES != 0) {
        return MCPZ_SKETCH_INVALID;
    }
    be_patient(&asker->sketch, sync->now);
    mcpz_iblt_unpack(answer->symbols.data, count, block);
    return go_by(asker, sync, mcpz_iblt_decoder_take(&asker->decoder, block, count));
}

static enum mcpz_sketch_fate on_offer(struct mcpz_sketch_asker *asker,
                                      const struct mcpz_sync *sync,
                                      const struct mcpz_msg_offer *offer)
{
    struct mcpz_catchup catchup = mcpz_sync_catchup(sync, &asker->sketch.peer);
    enum mcpz_want_answer answer;

    be_patient(&asker->sketch, sync->now);
    for (size_t i = 0; i < offer->digest_count; i++) {
        /* One that finds no room is found the next time. */
        if (mcpz_catchup_look(&catchup, &offer->digests[i], &answer) != MCPZ_OK) {
            return end(&asker->sketch, MCPZ_SKETCH_FAILED);
        }
    }
    asker->has_last = offer->last;
    asker->owes_taken = !offer->last;
    return mcpz_sketch_asker_go_on(asker, sync);
}

enum mcpz_sketch_fate mcpz_sketch_asker_take(struct mcpz_sketch_asker *asker,
                                             const struct mcpz_sync *sync,
                                             const struct mcpz_id *from,
                                             const struct mcpz_msg *msg)
{
    const bool is_offer = msg->kind == MCPZ_MSG_OFFER;
    const bool is_busy = !is_offer && msg->sketch.busy;
    const uint64_t session = is_offer ? msg->offer.session : msg->sketch.session;
    const enum mcpz_sketch_phase phase = asker->sketch.phase;

    if (is_late(&asker->sketch, from, session)) {
        return MCPZ_SKETCH_GOES_ON;
    }
    if (!mcpz_sketch_is_with(&asker->sketch, from) || session != asker->sketch.session) {
        return MCPZ_SKETCH_INVALID;
    }
    if (is_busy) {
        return end(&asker->sketch, MCPZ_SKETCH_FAILED);
    }
    if (is_offer) {
        const bool is_due = phase == MCPZ_SKETCH_MAPPING || phase == MCPZ_SKETCH_HELD;
        return is_due && !asker->has_last && !asker->owes_taken
                   ? on_offer(asker, sync, &msg->offer)
                   : MCPZ_SKETCH_INVALID;
    }
    if (phase == MCPZ_SKETCH_STARTED) {
        return on_started(asker, sync, &msg->sketch);
    }
    return phase == MCPZ_SKETCH_SENDING ? on_symbols(asker, sync, &msg->sketch)
                                        : MCPZ_SKETCH_INVALID;
}

struct asking {
    struct mcpz_sketch_asker *asker;
    const struct mcpz_sync *sync;
};

/* May more be asked for? */
static bool has_room(const struct mcpz_sketch *sketch, const struct mcpz_sync *sync)
{
    return mcpz_wanted_of(sync->wanted, sync->now, &sketch->peer) < MCPZ_SKETCH_WANTS_MAX &&
           mcpz_wanted_room(sync->wanted, sync->now) >= MCPZ_DIGESTS_PER_MESSAGE_MAX;
}

/* One of ours the teller has not, or not so: it answers, and asks for what it lacks. */
static bool ask_about(void *context, const struct mcpz_record_document *document)
{
    const struct asking *asking = context;
    struct mcpz_sketch *sketch = &asking->asker->sketch;
    struct mcpz_catchup catchup = mcpz_sync_catchup(asking->sync, &sketch->peer);
    struct mcpz_document ours;

    if (sketch->id_left == 0 || !is_sought(sketch, document)) {
        return true;
    }
    if (!has_room(sketch, asking->sync)) {
        return false;
    }
    if (mcpz_document_open(document, &ours) == MCPZ_OK &&
        mcpz_catchup_ask(&catchup, &ours, MCPZ_WANT_MORE, 0) == MCPZ_WANT_NO_ROOM) {
        return false;
    }
    sketch->id_left--;
    return true;
}

static enum mcpz_sketch_fate map_ours(struct mcpz_sketch_asker *asker,
                                      const struct mcpz_sync *sync)
{
    struct mcpz_sketch *sketch = &asker->sketch;
    struct asking asking = {.asker = asker, .sync = sync};
    const struct mcpz_sweep_visitor visitor = {.context = &asking, .visit = ask_about};

    if (sketch->id_left > 0) {
        if (mcpz_sweep_run(&sketch->sweep, sync, &sketch->peer, &visitor) != MCPZ_OK) {
            return end(sketch, MCPZ_SKETCH_FAILED);
        }
        be_patient(sketch, sync->now);
    }
    sketch->next_us =
        sync->now + (has_room(sketch, sync) ? MCPZ_SWEEP_PAUSE_US : MCPZ_SKETCH_ROOM_US);
    if (sketch->id_left == 0 || sketch->sweep.is_over) {
        sketch->phase = MCPZ_SKETCH_HELD;
    }
    return MCPZ_SKETCH_GOES_ON;
}

static enum mcpz_sketch_fate make_ours(struct mcpz_sketch_asker *asker,
                                       const struct mcpz_sync *sync)
{
    bool made;

    if (make(&asker->sketch, sync, &made) != MCPZ_OK) {
        return end(&asker->sketch, MCPZ_SKETCH_FAILED);
    }
    if (!made) {
        return MCPZ_SKETCH_GOES_ON;
    }
    asker->sketch.phase = MCPZ_SKETCH_SENDING;
    mcpz_iblt_decoder_begin(&asker->decoder, &asker->sketch.symbols);
    return ask_for_symbols(asker, sync);
}

static enum mcpz_sketch_fate work(struct mcpz_sketch_asker *asker, const struct mcpz_sync *sync)
{
    if (asker->sketch.phase == MCPZ_SKETCH_MAKING) {
        return make_ours(asker, sync);
    }
    return asker->sketch.phase == MCPZ_SKETCH_DECODING
               ? go_by(asker, sync, mcpz_iblt_decoder_go_on(&asker->decoder))
               : map_ours(asker, sync);
}

static bool is_due(const struct mcpz_sketch *sketch, mcpz_time now)
{
    return is_at_work(sketch) && sketch->next_us <= now;
}

enum mcpz_sketch_fate mcpz_sketch_asker_go_on(struct mcpz_sketch_asker *asker,
                                              const struct mcpz_sync *sync)
{
    struct mcpz_sketch *sketch = &asker->sketch;
    enum mcpz_sketch_fate fate = MCPZ_SKETCH_GOES_ON;

    if (sketch->phase == MCPZ_SKETCH_IDLE) {
        return MCPZ_SKETCH_GOES_ON;
    }
    if (is_void(sketch, sync)) {
        (void)ask(sketch, sync, (struct mcpz_msg_sketch_ask){.step = MCPZ_SKETCH_STOP});
        return end(sketch, MCPZ_SKETCH_FAILED);
    }
    if (is_due(sketch, sync->now)) {
        fate = work(asker, sync);
    }
    if (fate != MCPZ_SKETCH_GOES_ON) {
        return fate;
    }
    if (asker->owes_taken && has_room(sketch, sync) &&
        ask(sketch, sync, (struct mcpz_msg_sketch_ask){.step = MCPZ_SKETCH_TAKEN})) {
        asker->owes_taken = false;
    }
    if (sketch->phase == MCPZ_SKETCH_HELD && asker->has_last &&
        mcpz_wanted_of(sync->wanted, sync->now, &sketch->peer) == 0) {
        return end(sketch, MCPZ_SKETCH_DONE);
    }
    return sketch->until_us <= sync->now ? end(sketch, MCPZ_SKETCH_FAILED) : MCPZ_SKETCH_GOES_ON;
}

/* ---- The teller --------------------------------------------------------------------------- */

size_t mcpz_sketch_teller_bytes(void)
{
    return sketch_bytes(MCPZ_SKETCH_IDS_MAX);
}

void mcpz_sketch_teller_init(struct mcpz_sketch_teller *teller, struct mcpz_arena *arena)
{
    *teller = (struct mcpz_sketch_teller){.sent = 0};
    sketch_init(&teller->sketch, MCPZ_SKETCH_IDS_MAX, arena);
}

static bool tell(const struct mcpz_sync *sync, const struct mcpz_id *to,
                 const struct mcpz_msg_sketch *what)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_SKETCH, .sketch = *what};

    return mcpz_mail_message(sync->mail, to, &msg);
}

/* "Not now", whatever was asked for. */
static void tell_busy(const struct mcpz_sync *sync, const struct mcpz_id *to, uint64_t session)
{
    (void)tell(sync, to, &(struct mcpz_msg_sketch){.session = session, .busy = true});
}

static enum mcpz_sketch_fate on_start(struct mcpz_sketch_teller *teller,
                                      const struct mcpz_sync *sync, const struct mcpz_id *from,
                                      const struct mcpz_msg_sketch_ask *start, uint64_t nonce)
{
    struct mcpz_sketch *sketch = &teller->sketch;
    const struct mcpz_siphash_key key = {.low = start->nonce, .high = nonce};
    struct mcpz_msg_sketch answer = {.session = start->session};

    if (start->count == 0 || start->count > MCPZ_SKETCH_SYMBOLS_MAX) {
        return MCPZ_SKETCH_INVALID;
    }
    if (sketch->phase != MCPZ_SKETCH_IDLE && !mcpz_id_equal(&sketch->peer, from)) {
        tell_busy(sync, from, start->session);
        return MCPZ_SKETCH_GOES_ON;
    }
    answer.nonce = nonce;
    answer.epoch = sync->epoch;
    answer.seq = mcpz_holdings_tell(sync->holdings);
    if (!tell(sync, from, &answer)) {
        return MCPZ_SKETCH_GOES_ON;
    }
    sketch->peer = *from;
    sketch->scope = sync->scope->stamp;
    sketch->session = start->session;
    sketch->epoch = start->epoch;
    sketch->seq = start->seq;
    teller->sent = 0;
    teller->asked = 0;
    mcpz_iblt_encoder_begin(&sketch->symbols, key, start->count);
    sweep_from_start(sketch, MCPZ_SKETCH_MAKING, sync->now);
    return MCPZ_SKETCH_GOES_ON;
}

static enum mcpz_sketch_fate tell_symbols(struct mcpz_sketch_teller *teller,
                                          const struct mcpz_sync *sync)
{
    struct mcpz_sketch *sketch = &teller->sketch;
    uint8_t packed[MCPZ_IBLT_BLOCK_MAX * MCPZ_IBLT_SYMBOL_BYTES];
    const size_t count = teller->asked;

    if (count == 0) {
        return MCPZ_SKETCH_GOES_ON;
    }
    mcpz_iblt_pack(sketch->symbols.symbols + teller->sent, count, packed);
    if (!tell(sync, &sketch->peer,
              &(struct mcpz_msg_sketch){
                  .session = sketch->session,
                  .first = (uint32_t)teller->sent,
                  .symbols = mcpz_bytes(packed, count * MCPZ_IBLT_SYMBOL_BYTES),
              })) {
        return end(sketch, MCPZ_SKETCH_FAILED);
    }
    teller->sent += count;
    teller->asked = 0;
    be_patient(sketch, sync->now);
    return MCPZ_SKETCH_GOES_ON;
}

/* Symbols are asked for in order, each once. */
static enum mcpz_sketch_fate on_more(struct mcpz_sketch_teller *teller,
                                     const struct mcpz_sync *sync,
                                     const struct mcpz_msg_sketch_ask *more)
{
    const struct mcpz_sketch *sketch = &teller->sketch;

    if ((sketch->phase != MCPZ_SKETCH_MAKING && sketch->phase != MCPZ_SKETCH_SENDING) ||
        teller->asked > 0 || more->first != teller->sent || more->count == 0 ||
        more->count > MCPZ_IBLT_BLOCK_MAX ||
        more->count > sketch->symbols.symbol_count - teller->sent) {
        return MCPZ_SKETCH_INVALID;
    }
    teller->asked = more->count;
    return sketch->phase == MCPZ_SKETCH_SENDING ? tell_symbols(teller, sync) : MCPZ_SKETCH_GOES_ON;
}

/* Read ids. False: they are not whole, or do not ascend. */
static bool read_ids(struct mcpz_sketch *sketch, struct mcpz_bytes ids)
{
    const size_t count = ids.length / MCPZ_SKETCH_ID_BYTES;

    sketch->id_count = 0;
    if (ids.length % MCPZ_SKETCH_ID_BYTES != 0 || count > MCPZ_SKETCH_IDS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t id;
        memcpy(&id, ids.data + i * MCPZ_SKETCH_ID_BYTES, sizeof(id));
        sketch->ids[i] = be64toh(id);
        if (i > 0 && sketch->ids[i] <= sketch->ids[i - 1]) {
            return false;
        }
    }
    sketch->id_count = count;
    sketch->id_left = count;
    return true;
}

static enum mcpz_sketch_fate on_ids(struct mcpz_sketch_teller *teller,
                                    const struct mcpz_sync *sync, struct mcpz_bytes ids)
{
    struct mcpz_sketch *sketch = &teller->sketch;

    if (sketch->phase != MCPZ_SKETCH_SENDING || !read_ids(sketch, ids)) {
        return MCPZ_SKETCH_INVALID;
    }
    if (sketch->id_count == 0) {
        return end(sketch, MCPZ_SKETCH_DONE);
    }
    teller->row_count = 0;
    sweep_from_start(sketch, MCPZ_SKETCH_MAPPING, sync->now);
    return MCPZ_SKETCH_GOES_ON;
}

enum mcpz_sketch_fate mcpz_sketch_teller_take(struct mcpz_sketch_teller *teller,
                                              const struct mcpz_sync *sync,
                                              const struct mcpz_id *from,
                                              const struct mcpz_msg_sketch_ask *question,
                                              uint64_t nonce)
{
    struct mcpz_sketch *sketch = &teller->sketch;

    if (question->step == MCPZ_SKETCH_START) {
        return on_start(teller, sync, from, question, nonce);
    }
    if (is_late(sketch, from, question->session)) {
        return MCPZ_SKETCH_GOES_ON;
    }
    if (!mcpz_sketch_is_with(sketch, from) || question->session != sketch->session) {
        return MCPZ_SKETCH_INVALID;
    }
    if (question->step == MCPZ_SKETCH_GIVE_UP) {
        return end(sketch, MCPZ_SKETCH_USELESS);
    }
    if (question->step == MCPZ_SKETCH_STOP) {
        return end(sketch, MCPZ_SKETCH_FAILED);
    }
    if (is_void(sketch, sync)) {
        tell_busy(sync, from, sketch->session);
        return end(sketch, MCPZ_SKETCH_FAILED);
    }
    if (question->step == MCPZ_SKETCH_MORE) {
        return on_more(teller, sync, question);
    }
    if (question->step == MCPZ_SKETCH_FOUND) {
        return on_ids(teller, sync, question->ids);
    }
    if (sketch->phase != MCPZ_SKETCH_HELD) {
        return MCPZ_SKETCH_INVALID;
    }
    sketch->phase = MCPZ_SKETCH_MAPPING;
    sketch->next_us = sync->now;
    be_patient(sketch, sync->now);
    return MCPZ_SKETCH_GOES_ON;
}

static bool note_row(void *context, const struct mcpz_record_document *document)
{
    struct mcpz_sketch_teller *teller = context;
    struct mcpz_sketch *sketch = &teller->sketch;

    if (sketch->id_left == 0 || teller->row_count == MCPZ_DIGESTS_PER_MESSAGE_MAX) {
        return false;
    }
    if (is_sought(sketch, document)) {
        teller->rows[teller->row_count++] = (struct mcpz_digest){
            .document = document->id, .digest = mcpz_document_digest(document)};
        sketch->id_left--;
    }
    return true;
}

static enum mcpz_sketch_fate map_theirs(struct mcpz_sketch_teller *teller,
                                        const struct mcpz_sync *sync)
{
    struct mcpz_sketch *sketch = &teller->sketch;
    const struct mcpz_sweep_visitor visitor = {.context = teller, .visit = note_row};

    if (mcpz_sweep_run(&sketch->sweep, sync, &sketch->peer, &visitor) != MCPZ_OK) {
        return end(sketch, MCPZ_SKETCH_FAILED);
    }
    const bool last = sketch->sweep.is_over || sketch->id_left == 0;
    sketch->next_us = sync->now + MCPZ_SWEEP_PAUSE_US;
    be_patient(sketch, sync->now);
    if (!last && teller->row_count < MCPZ_DIGESTS_PER_MESSAGE_MAX) {
        return MCPZ_SKETCH_GOES_ON;
    }
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OFFER,
        .offer = {.session = sketch->session,
                  .last = last,
                  .digests = teller->rows,
                  .digest_count = teller->row_count},
    };
    if (!mcpz_mail_message(sync->mail, &sketch->peer, &msg)) {
        return end(sketch, MCPZ_SKETCH_FAILED);
    }
    teller->row_count = 0;
    sketch->phase = MCPZ_SKETCH_HELD;
    return last ? end(sketch, MCPZ_SKETCH_DONE) : MCPZ_SKETCH_GOES_ON;
}

static enum mcpz_sketch_fate make_theirs(struct mcpz_sketch_teller *teller,
                                         const struct mcpz_sync *sync)
{
    bool made;

    if (make(&teller->sketch, sync, &made) != MCPZ_OK) {
        return end(&teller->sketch, MCPZ_SKETCH_FAILED);
    }
    if (!made) {
        return MCPZ_SKETCH_GOES_ON;
    }
    teller->sketch.phase = MCPZ_SKETCH_SENDING;
    return tell_symbols(teller, sync);
}

enum mcpz_sketch_fate mcpz_sketch_teller_go_on(struct mcpz_sketch_teller *teller,
                                               const struct mcpz_sync *sync)
{
    struct mcpz_sketch *sketch = &teller->sketch;

    if (sketch->phase == MCPZ_SKETCH_IDLE) {
        return MCPZ_SKETCH_GOES_ON;
    }
    if (is_void(sketch, sync)) {
        tell_busy(sync, &sketch->peer, sketch->session);
        return end(sketch, MCPZ_SKETCH_FAILED);
    }
    if (is_due(sketch, sync->now)) {
        return sketch->phase == MCPZ_SKETCH_MAKING ? make_theirs(teller, sync)
                                                   : map_theirs(teller, sync);
    }
    return sketch->until_us <= sync->now ? end(sketch, MCPZ_SKETCH_FAILED) : MCPZ_SKETCH_GOES_ON;
}
