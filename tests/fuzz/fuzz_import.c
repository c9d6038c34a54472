/*
 * Feed messages of a file to a node of another mesh, as the bytes say: those of a file that was
 * really written, changed ones, any bytes, and what members who lie have signed: deltas, and the
 * checkpoints that deltas were folded to. A look changes nothing; what is taken in can be read
 * again, also after a start; and the node goes on.
 *
 * The input is steps. A step is a byte that says which (modulo STEPS), and what it needs:
 *
 *   KNOWN     n u8                message n of the file
 *   RAW       bytes               that, as a message
 *   CHANGED   n u8, edits         message n with these edits
 *   DELTA     who u8, bytes       a delta, signed by one of both members
 *   MENDED    n u8, edits         the delta of message n with these edits, signed by its author
 *   BASE      bytes               a checkpoint, signed by both, with the last deltas of the file
 *   REFOLDED  edits               the same, of the file's with these edits
 *
 * bytes: length u16, and so many; edits: count u8 (modulo 16), each place u16 (modulo the length)
 * and byte. Integers are big-endian. What is missing at the end is zeros.
 */

#include "engine/batch.h"
#include "export_file.h"
#include "wire/checkpoint.h"
#include "wire/codec.h"
#include "wire/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define STEPS_MAX 24 /* of one input */
#define EDITS 16

enum step { KNOWN, RAW, CHANGED, DELTA, MENDED, BASE, REFOLDED, STEPS };

/* ---- What the input says ------------------------------------------------------------------ */

struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t take(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static size_t take_u16(struct input *input)
{
    const size_t high = take(input);

    return high << 8 | take(input);
}

static struct mcpz_bytes take_bytes(struct input *input)
{
    const size_t wanted = take_u16(input);
    const struct mcpz_bytes taken =
        mcpz_bytes(input->at, wanted < input->left ? wanted : input->left);

    input->at += taken.length;
    input->left -= taken.length;
    return taken;
}

/* A copy with the edits that come next; lasts until the next one. */
static struct mcpz_bytes take_edited(struct input *input, struct mcpz_bytes bytes)
{
    static uint8_t edited[MCPZ_BASE_PIECE_BYTES];

    if (bytes.length == 0 || bytes.length > sizeof(edited)) {
        abort();
    }
    memcpy(edited, bytes.data, bytes.length);
    for (size_t left = take(input) % EDITS; left > 0; left--) {
        const size_t place = take_u16(input) % bytes.length;
        edited[place] = take(input);
    }
    return mcpz_bytes(edited, bytes.length);
}

/* ---- The file ----------------------------------------------------------------------------- */

static _Alignas(16) uint8_t arena_memory[MCPZ_MSG_ARENA_BYTES];
static size_t file_base; /* its one piece */

static struct mcpz_bytes message_of(size_t number)
{
    return mcpz_bytes(file.bytes[number], file.lengths[number]);
}

/* Take a message of the file apart; lasts until the next one is. */
static struct mcpz_msg known(size_t number)
{
    struct mcpz_arena arena;
    struct mcpz_msg msg;

    mcpz_arena_init(&arena, arena_memory, sizeof(arena_memory));
    CHECK_UINT(mcpz_msg_decode(message_of(number), &arena, &msg), MCPZ_OK);
    return msg;
}

/* A document that is folded at two, and has been written to by both since. All of its deltas that
 * are left are in the file. */
static void make_world(void)
{
    make_file();
    write_to(&other, MCPZ_AGENT_INCREMENT, "\x91\xa1n", 0);
    talk();
    (void)enter(&founder);
    add_deltas_above(0);
    leave(&founder);
    file_base = 3;
    CHECK_UINT(known(file_base).kind, MCPZ_MSG_BASE);
    free_side(&third);
}

/* ---- Messages ----------------------------------------------------------------------------- */

/* To the node: pass 0 is a look. */
struct reader {
    struct mcpz_import import;
    uint64_t request;
};

static void hand_in(struct reader *reader, struct mcpz_bytes message)
{
    third.reply_code = UINT32_MAX;
    const mcpz_error error =
        mcpz_engine_import(enter(&third), &reader->import, reader->request, message);
    leave(&third);
    switch (error) {
    case MCPZ_OK:
        CHECK((third.reply_code != UINT32_MAX) == (reader->request != 0));
        break;
    case MCPZ_EUSED:
    case MCPZ_ESHORT:
    case MCPZ_EPROTO:
    case MCPZ_EAUTH:
    case MCPZ_ECONFLICT:
    case MCPZ_EUNSUPPORTED:
    case MCPZ_EEXPIRED:
        CHECK_UINT(third.reply_code, UINT32_MAX);
        break;
    default:
        CHECK_UINT(error, MCPZ_OK); /* the node's store is sound */
    }
}

static void hand_in_msg(struct reader *reader, const struct mcpz_msg *msg)
{
    static uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    size_t length;

    if (mcpz_msg_encode(msg, bytes, sizeof(bytes), &length) == MCPZ_OK) {
        hand_in(reader, mcpz_bytes(bytes, length));
    }
}

static const struct mcpz_identity *member(const struct mcpz_id *id)
{
    return mcpz_id_equal(id, mcpz_identity_id(founder.identity)) ? founder.identity
                                                                 : other.identity;
}

/* A delta in these bytes, whatever they are, is signed by a member. */
static void hand_in_signed(struct reader *reader, const struct mcpz_identity *by,
                           struct mcpz_bytes delta)
{
    static _Alignas(16) uint8_t memory[MCPZ_DELTA_ARENA_BYTES];
    static struct mcpz_verified ours;
    struct mcpz_actor author = {.node = *mcpz_identity_id(by), .generation = 1};
    struct mcpz_merkle_digest leaf;
    struct mcpz_batch_made made;
    struct mcpz_arena arena;
    struct mcpz_delta apart;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    if (mcpz_delta_decode(delta, &arena, &apart) == MCPZ_OK) {
        author.generation = apart.actor.generation;
    }
    mcpz_batch_leaf(delta, &leaf);
    mcpz_batch_sign(by, &author, &leaf, 1, &ours, &made);
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_BATCH,
        .batch = {.part = {.seal = {.author = author,
                                    .count = 1,
                                    .signature =
                                        mcpz_bytes(made.signature, sizeof(made.signature))}},
                  .deltas = &delta,
                  .delta_count = 1},
    };
    hand_in_msg(reader, &msg);
}

static void hand_in_mended(struct reader *reader, struct input *input, size_t number)
{
    const struct mcpz_msg msg = known(number);

    if (msg.kind == MCPZ_MSG_BATCH) {
        hand_in_signed(reader, member(&msg.batch.part.seal.author.node),
                       take_edited(input, msg.batch.deltas[0]));
    }
}

/* Both say that they have come to this. As far as it can be read, they say what it says. */
static void hand_in_folded(struct reader *reader, struct mcpz_bytes base)
{
    static _Alignas(16) uint8_t memory[65536];
    struct mcpz_cosignature both[2];
    struct mcpz_checkpoint_reader opened;
    struct mcpz_arena arena;
    struct mcpz_msg said = known(file_base - 1);
    struct mcpz_agreed *agreed = &said.agreed.agreed;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    if (mcpz_checkpoint_open(&opened, base, &arena) == MCPZ_OK) {
        const struct mcpz_checkpoint_head *head = &opened.checkpoint.head;
        said.agreed.document = head->document;
        agreed->tenant = head->tenant;
        agreed->hlc = head->hlc;
        agreed->versions = head->versions;
        agreed->version_count = head->version_count;
    }
    mcpz_digest(MCPZ_DIGEST_ROOT, base, agreed->root.bytes);
    const struct mcpz_agreement agreement = mcpz_agreement_of(&said.agreed.document, agreed);
    both[0].signer = *mcpz_identity_id(founder.identity);
    mcpz_agreement_sign(founder.engine, &agreement, both[0].signature);
    both[1].signer = *mcpz_identity_id(other.identity);
    mcpz_agreement_sign(other.engine, &agreement, both[1].signature);
    agreed->signatures = both;
    said.agreed.byte_count = base.length;
    struct mcpz_msg piece = {.kind = MCPZ_MSG_BASE,
                             .base = {.document = said.agreed.document,
                                      .root = agreed->root,
                                      .is_answer = true,
                                      .bytes = base}};
    const size_t actors = agreed->version_count;
    hand_in_msg(reader, &said);
    hand_in_msg(reader, &piece);
    for (size_t i = 0; i < actors; i++) { /* the last deltas: of the first that one, else none */
        piece.base.index++;
        piece.base.bytes = i == 0 ? known(file_base + 1).base.bytes : mcpz_bytes(NULL, 0);
        hand_in_msg(reader, &piece);
    }
}

static void do_step(struct reader *reader, struct input *input)
{
    switch ((enum step)(take(input) % STEPS)) {
    case KNOWN:
        hand_in(reader, message_of(take(input) % file.count));
        break;
    case RAW:
        hand_in(reader, take_bytes(input));
        break;
    case CHANGED: {
        const size_t number = take(input) % file.count;
        hand_in(reader, take_edited(input, message_of(number)));
        break;
    }
    case DELTA: {
        const struct side *side = take(input) % 2 == 0 ? &founder : &other;
        const struct mcpz_bytes delta = take_bytes(input);
        if (delta.length > 0 && delta.length <= MCPZ_DELTA_BYTES_MAX) {
            hand_in_signed(reader, side->identity, delta);
        }
        break;
    }
    case MENDED: {
        const size_t number = take(input) % file.count;
        hand_in_mended(reader, input, number);
        break;
    }
    case BASE: {
        const struct mcpz_bytes base = take_bytes(input);
        if (base.length > 0 && base.length <= MCPZ_BASE_PIECE_BYTES) {
            hand_in_folded(reader, base);
        }
        break;
    }
    case REFOLDED:
        hand_in_folded(reader, take_edited(input, known(file_base).base.bytes));
        break;
    case STEPS:
        break;
    }
}

/* All of it, behind the authors of the file. */
static void read_all(const uint8_t *bytes, size_t length, uint64_t request)
{
    struct reader reader = {.request = request};
    struct input input = {bytes, length};

    hand_in(&reader, message_of(0));
    hand_in(&reader, message_of(1));
    for (size_t i = 0; i < STEPS_MAX && input.left > 0; i++) {
        do_step(&reader, &input);
    }
    mcpz_import_finish(&reader.import);
}

/* ---- What must hold ----------------------------------------------------------------------- */

/* The roots of all documents, together. Each can be made. */
static struct mcpz_id roots(void)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT};
    struct mcpz_id ids[STEPS_MAX + 2];
    struct mcpz_id sum = {{0}};
    size_t count = 0;

    const struct mcpz_store *store = mcpz_engine_store(enter(&third));
    while (store->next(store->context, MCPZ_SCAN_KIND, count == 0, &record) == MCPZ_OK) {
        CHECK(count < MCPZ_ARRAY_LEN(ids));
        ids[count++] = record.document.id;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t root[MCPZ_ID_BYTES];
        CHECK_UINT(mcpz_engine_root(third.engine, &ids[i], root), MCPZ_OK);
        for (size_t j = 0; j < sizeof(root); j++) {
            sum.bytes[j] ^= root[j];
        }
    }
    leave(&third);
    return sum;
}

static void write_another(void)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 9, .op = MCPZ_AGENT_CREATE, .name = mcpz_text("another")},
    };

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), event.agent.name, &event.agent.document);
    third.reply_code = UINT32_MAX;
    mcpz_engine_event(enter(&third), &event);
    leave(&third);
    CHECK_UINT(third.reply_code, MCPZ_CODE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (scratch == NULL) {
        make_world();
    }
    make_side(&third, 9, 8, "third:1");
    read_all(bytes, length, 0);
    CHECK_UINT(count_rows(&third, MCPZ_RECORD_DOCUMENT), 0);
    CHECK_UINT(count_rows(&third, MCPZ_RECORD_AUTHOR), 0);
    read_all(bytes, length, 7);
    const struct mcpz_id before = roots();
    mcpz_engine_destroy(third.engine);
    start_side(&third, "third:1");
    const struct mcpz_id after = roots();
    CHECK(mcpz_id_equal(&before, &after));
    write_another();
    free_side(&third);
    return 0;
}
