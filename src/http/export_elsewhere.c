#include "http/export_elsewhere.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/agent_owners.h"
#include "http/agent_scope.h"
#include "http/export_serve.h"

#define ASK_MS 20000
#define PARTITIONS 65536   /* as they are told: of the first 16 bits of ids */
#define CHECKED_AT_ONCE 64 /* partitions whose readers are looked up in one turn */
#define HOLDERS_MAX 1024   /* nodes that keep agents */
#define ANEW_MAX 16        /* times that one document is begun anew since it has changed */

/* A node that keeps agents. */
struct holder {
    struct mcpz_id node;
    bool failed;
    bool ended; /* all its ids were heard */
    bool asked;
    struct mcpz_id after; /* the last that was heard */
    bool began;
    uint8_t *ids;
    size_t count;
    size_t at;
};

/* A document, and who has it. */
struct wanted {
    struct mcpz_id id;
    uint16_t holders[MCPZ_OWNERS_MAX];
    size_t holder_count;
    bool was_absent; /* somebody has said that it is not there any more */
};

struct mcpz_elsewhere {
    struct mcpz_exchange *exchange;
    bool is_single;
    struct holder *holders;
    size_t holder_count;
    struct wanted wanted[MCPZ_EXPORT_DOCUMENTS_MAX];
    size_t wanted_count;
    size_t wanted_at;
    bool is_asking;  /* for documents; else, if holders are asked, for ids */
    size_t asked_at; /* holder */
    size_t asked_count;
    uint32_t skip; /* messages of the first one that have come */
    uint64_t state;
    uint32_t anew;
    bool has_come; /* of one document: something */
    uint8_t *page; /* of documents, that has come and is not all written; NULL: none; owned */
    size_t page_length;
    size_t page_at;
    struct mcpz_blob_ref named;
    uint32_t checked;
    uint8_t missing[PARTITIONS / 8];
};

static uint32_t partition_of(const struct mcpz_id *document)
{
    return (uint32_t)document->bytes[0] << 8 | document->bytes[1];
}

static void miss(struct mcpz_elsewhere *elsewhere, uint32_t partition)
{
    elsewhere->missing[partition / 8] |= (uint8_t)(1U << (partition % 8));
}

/* ---- Holders ------------------------------------------------------------------------------ */

static bool add_holder(struct mcpz_elsewhere *elsewhere, const struct mcpz_id *node)
{
    if (elsewhere->holder_count == HOLDERS_MAX) {
        return false;
    }
    elsewhere->holders[elsewhere->holder_count++] = (struct holder){.node = *node};
    return true;
}

static void find_holders(struct mcpz_elsewhere *elsewhere)
{
    const struct mcpz_engine *engine = mcpz_exchange_engine(elsewhere->exchange);
    const struct mcpz_node *node = mcpz_engine_node(mcpz_exchange_engine(elsewhere->exchange));
    const struct mcpz_roster *roster = &node->fabric.members.roster;

    for (size_t i = 0; i < roster->count; i++) {
        const struct mcpz_member *member = &roster->rows[i];
        if (!mcpz_member_is_gone(member) && !mcpz_id_equal(&member->id, mcpz_engine_id(engine)) &&
            mcpz_layout_history_tracker(&node->layouts.history, &member->id) != NULL &&
            !add_holder(elsewhere, &member->id)) {
            return; /* what they alone keep is told to be missing */
        }
    }
}

/* Of one document it is known who has it. */
static void want_single(struct mcpz_elsewhere *elsewhere, const struct mcpz_id *document)
{
    struct mcpz_id nodes[MCPZ_OWNERS_MAX];
    struct wanted *wanted = &elsewhere->wanted[0];
    const struct mcpz_id self = *mcpz_engine_id(mcpz_exchange_engine(elsewhere->exchange));
    const size_t count = mcpz_agent_keepers(elsewhere->exchange, document, nodes);

    wanted->id = *document;
    for (size_t i = 0; i < count; i++) {
        if (!mcpz_id_equal(&nodes[i], &self) && add_holder(elsewhere, &nodes[i])) {
            wanted->holders[wanted->holder_count++] = (uint16_t)(elsewhere->holder_count - 1);
        }
    }
    elsewhere->wanted_count = 1;
    elsewhere->checked = PARTITIONS;
    for (size_t i = 0; i < elsewhere->holder_count; i++) {
        elsewhere->holders[i].ended = true;
    }
}

struct mcpz_elsewhere *mcpz_elsewhere_create(struct mcpz_exchange *exchange,
                                             const struct mcpz_id *document)
{
    struct mcpz_elsewhere *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return NULL;
    }
    made->exchange = exchange;
    made->is_single = document != NULL;
    made->holders = calloc(HOLDERS_MAX, sizeof(*made->holders));
    if (made->holders == NULL) {
        free(made);
        return NULL;
    }
    if (document != NULL) {
        want_single(made, document);
    } else {
        find_holders(made);
    }
    return made;
}

void mcpz_elsewhere_destroy(struct mcpz_elsewhere *elsewhere)
{
    if (elsewhere == NULL) {
        return;
    }
    mcpz_fellows_forget(elsewhere->exchange);
    for (size_t i = 0; i < elsewhere->holder_count; i++) {
        free(elsewhere->holders[i].ids);
    }
    free(elsewhere->holders);
    free(elsewhere->page);
    free(elsewhere);
}

static struct holder *find_holder(struct mcpz_elsewhere *elsewhere, const struct mcpz_id *node)
{
    for (size_t i = 0; i < elsewhere->holder_count; i++) {
        if (mcpz_id_equal(&elsewhere->holders[i].node, node)) {
            return &elsewhere->holders[i];
        }
    }
    return NULL;
}

/* ---- Ids ---------------------------------------------------------------------------------- */

static void add_id(json_t *array_or_object, const char *key, const struct mcpz_id *id)
{
    char text[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(id, 'd', text);
    if (key == NULL) {
        (void)json_array_append_new(array_or_object, json_string(text));
    } else {
        (void)json_object_set_new(array_or_object, key, json_string(text));
    }
}

/* "{}", with the tenant that is asked for. */
static json_t *begin_question(const struct mcpz_exchange *exchange)
{
    json_t *question = json_object();

    if (!exchange->agents.is_all) {
        (void)json_object_set_new(question, "tenant",
                                  mcpz_agent_scope_show(mcpz_agent_scope_tenant(exchange)));
    }
    return question;
}

static bool ask(struct mcpz_elsewhere *elsewhere, const struct holder *holder, json_t *question)
{
    const bool is_asked = mcpz_fellows_ask(elsewhere->exchange, &holder->node, "POST",
                                           MCPZ_EXPORT_SERVE_PATH, question, ASK_MS);
    json_decref(question);
    return is_asked;
}

static bool wants_ids(const struct holder *holder)
{
    return !holder->failed && !holder->ended && !holder->asked && holder->at == holder->count;
}

/* Ask all whose next ids are not known. Returns how many are asked. */
static size_t ask_ids(struct mcpz_elsewhere *elsewhere)
{
    size_t count = 0;

    for (size_t i = 0; i < elsewhere->holder_count; i++) {
        struct holder *holder = &elsewhere->holders[i];
        if (!wants_ids(holder)) {
            count += holder->asked ? 1 : 0;
            continue;
        }
        json_t *question = begin_question(elsewhere->exchange);
        if (holder->began) {
            add_id(question, "after", &holder->after);
        }
        holder->asked = ask(elsewhere, holder, question);
        count += holder->asked ? 1 : 0;
        if (!holder->asked && count == 0) {
            holder->failed = true; /* there is room, so it cannot be asked at all */
        }
    }
    return count;
}

static void take_ids(struct holder *holder, const uint8_t *bytes, size_t length)
{
    const size_t count = length > 0 ? (length - 1) / MCPZ_ID_BYTES : 0;

    if (length != 1 + count * MCPZ_ID_BYTES || (count == 0 && bytes[0] == 0)) {
        holder->failed = true;
        return;
    }
    free(holder->ids);
    holder->ids = malloc(count * MCPZ_ID_BYTES + 1);
    if (holder->ids == NULL) {
        holder->failed = true;
        return;
    }
    memcpy(holder->ids, bytes + 1, count * MCPZ_ID_BYTES);
    holder->count = count;
    holder->at = 0;
    holder->ended = bytes[0] != 0;
    if (count > 0) {
        holder->began = true;
        memcpy(holder->after.bytes, holder->ids + (count - 1) * MCPZ_ID_BYTES, MCPZ_ID_BYTES);
    }
}

/* ---- Documents ---------------------------------------------------------------------------- */

/* The smallest id that anybody has. False: there is none. */
static bool find_first(const struct mcpz_elsewhere *elsewhere, struct mcpz_id *first)
{
    bool is_found = false;

    for (size_t i = 0; i < elsewhere->holder_count; i++) {
        const struct holder *holder = &elsewhere->holders[i];
        struct mcpz_id id;
        if (holder->at == holder->count) {
            continue;
        }
        memcpy(id.bytes, holder->ids + holder->at * MCPZ_ID_BYTES, MCPZ_ID_BYTES);
        if (!is_found || mcpz_id_compare(&id, first) < 0) {
            *first = id;
        }
        is_found = true;
    }
    return is_found;
}

static void take_first(struct mcpz_elsewhere *elsewhere, const struct mcpz_id *first)
{
    struct wanted wanted = {.id = *first};

    for (size_t i = 0; i < elsewhere->holder_count; i++) {
        struct holder *holder = &elsewhere->holders[i];
        while (holder->at < holder->count &&
               memcmp(holder->ids + holder->at * MCPZ_ID_BYTES, first->bytes, MCPZ_ID_BYTES) <=
                   0) { /* what it says out of order is left out */
            holder->at++;
            if (wanted.holder_count < MCPZ_OWNERS_MAX &&
                (wanted.holder_count == 0 || wanted.holders[wanted.holder_count - 1] != i)) {
                wanted.holders[wanted.holder_count++] = (uint16_t)i;
            }
        }
    }
    if (!mcpz_agent_is_here(elsewhere->exchange, first)) {
        elsewhere->wanted[elsewhere->wanted_count++] = wanted;
    }
}

/* Is there somebody whose next ids are to be heard before anything can be taken? */
static bool is_short(const struct mcpz_elsewhere *elsewhere)
{
    for (size_t i = 0; i < elsewhere->holder_count; i++) {
        const struct holder *holder = &elsewhere->holders[i];
        if (!holder->failed && !holder->ended && holder->at == holder->count) {
            return true;
        }
    }
    return false;
}

static void merge(struct mcpz_elsewhere *elsewhere)
{
    struct mcpz_id first;

    elsewhere->wanted_count = 0;
    elsewhere->wanted_at = 0;
    while (elsewhere->wanted_count < MCPZ_EXPORT_DOCUMENTS_MAX && !is_short(elsewhere) &&
           find_first(elsewhere, &first)) {
        take_first(elsewhere, &first);
    }
}

/* Who is asked for it: not always the same of several. `holder_count`: nobody is left. */
static size_t choose(const struct mcpz_elsewhere *elsewhere, const struct wanted *wanted)
{
    const size_t turn = wanted->id.bytes[2];

    for (size_t i = 0; i < wanted->holder_count; i++) {
        const size_t at = wanted->holders[(turn + i) % wanted->holder_count];
        if (!elsewhere->holders[at].failed) {
            return at;
        }
    }
    return elsewhere->holder_count;
}

static void next_document(struct mcpz_elsewhere *elsewhere, size_t count)
{
    elsewhere->wanted_at += count;
    elsewhere->skip = 0;
    elsewhere->state = 0;
    elsewhere->anew = 0;
}

/* Ask for the next documents that the same node has. */
static void ask_documents(struct mcpz_elsewhere *elsewhere)
{
    const struct wanted *first = &elsewhere->wanted[elsewhere->wanted_at];
    const size_t at = choose(elsewhere, first);
    char state[17];

    if (at == elsewhere->holder_count) {
        if (first->holder_count > 0 || !first->was_absent) {
            miss(elsewhere, partition_of(&first->id));
        } /* else all have said that it is gone */
        next_document(elsewhere, 1);
        return;
    }
    json_t *question = begin_question(elsewhere->exchange);
    json_t *documents = json_array();
    size_t count = 0;
    for (size_t i = elsewhere->wanted_at; i < elsewhere->wanted_count; i++) {
        if (choose(elsewhere, &elsewhere->wanted[i]) != at) {
            break;
        }
        add_id(documents, NULL, &elsewhere->wanted[i].id);
        count++;
    }
    (void)snprintf(state, sizeof(state), "%016" PRIx64, elsewhere->state);
    (void)json_object_set_new(question, "documents", documents);
    (void)json_object_set_new(question, "skip", json_integer(elsewhere->skip));
    (void)json_object_set_new(question, "state", json_string(state));
    elsewhere->asked_at = at;
    elsewhere->asked_count = count;
    elsewhere->is_asking = ask(elsewhere, &elsewhere->holders[at], question);
    elsewhere->holders[at].failed = !elsewhere->is_asking;
}

static uint32_t get_u32(const uint8_t *bytes)
{
    uint32_t number;

    memcpy(&number, bytes, sizeof(number));
    return be32toh(number);
}

/* The next message or name on a page, of `length` bytes that are left. Without data: it is
 * neither.
 */
static struct mcpz_bytes read_item(const uint8_t *bytes, size_t length,
                                   struct mcpz_blob_ref *named)
{
    const struct mcpz_bytes none = mcpz_bytes(NULL, 0);

    *named = (struct mcpz_blob_ref){.size = 0};
    if (length < 4) {
        return none;
    }
    const uint32_t said = get_u32(bytes);
    const uint32_t one = said & ~MCPZ_EXPORT_NAME;
    if (one == 0 || one > MCPZ_SNAPSHOT_ITEM_BYTES_MAX || one > length - 4) {
        return none;
    }
    const struct mcpz_bytes item = mcpz_bytes(bytes + 4, one);
    return said == one || mcpz_value_read_blob(item, named) ? item : none;
}

/* Are those messages and names, one behind the other? */
static bool are_items(const uint8_t *bytes, size_t length)
{
    struct mcpz_blob_ref named;

    while (length > 0) {
        const struct mcpz_bytes item = read_item(bytes, length, &named);
        if (item.data == NULL) {
            return false;
        }
        bytes += 4 + item.length;
        length -= 4 + item.length;
    }
    return true;
}

/* The one that is under way is not there any more: another node may have it. */
static void drop_holder_of_first(struct mcpz_elsewhere *elsewhere)
{
    struct wanted *wanted = &elsewhere->wanted[elsewhere->wanted_at];
    size_t kept = 0;

    for (size_t i = 0; i < wanted->holder_count; i++) {
        if (wanted->holders[i] != elsewhere->asked_at) {
            wanted->holders[kept++] = wanted->holders[i];
        }
    }
    wanted->holder_count = kept;
    wanted->was_absent = true;
    elsewhere->skip = 0;
}

/* A page has come: it is taken if it is one. */
static bool take_page(struct mcpz_elsewhere *elsewhere, uint8_t *bytes, size_t length)
{
    const size_t head = MCPZ_EXPORT_PAGE_HEAD_BYTES;

    if (length < head || get_u32(bytes) > elsewhere->asked_count ||
        !are_items(bytes + head, length - head) ||
        (length == head && get_u32(bytes) == 0 && bytes[16] == 0)) {
        elsewhere->holders[elsewhere->asked_at].failed = true;
        elsewhere->skip = 0;
        return false;
    }
    elsewhere->page = bytes;
    elsewhere->page_length = length;
    elsewhere->page_at = head;
    return true;
}

/* All of it is written: how it goes on. */
static void end_page(struct mcpz_elsewhere *elsewhere, struct mcpz_snapshot_writer *writer)
{
    const uint8_t *bytes = elsewhere->page;
    const size_t done = get_u32(bytes);
    uint64_t state;

    writer->total.agents += done;
    elsewhere->has_come = elsewhere->has_come || done > 0;
    if (done > 0) {
        next_document(elsewhere, done);
    }
    memcpy(&state, bytes + 8, sizeof(state));
    state = be64toh(state);
    if (elsewhere->state != 0 && elsewhere->state != state && ++elsewhere->anew > ANEW_MAX) {
        miss(elsewhere, partition_of(&elsewhere->wanted[elsewhere->wanted_at].id));
        next_document(elsewhere, 1); /* it changes faster than it is read */
        return;
    }
    elsewhere->skip = get_u32(bytes + 4);
    elsewhere->state = elsewhere->skip > 0 ? state : 0;
    if (bytes[16] != 0 && elsewhere->wanted_at < elsewhere->wanted_count) {
        drop_holder_of_first(elsewhere);
    }
}

/* Write what is left of the page, up to the next blob that is named. */
static enum mcpz_elsewhere_step write_page(struct mcpz_elsewhere *elsewhere,
                                           struct mcpz_snapshot_writer *writer)
{
    while (elsewhere->page_at < elsewhere->page_length) {
        const struct mcpz_bytes item =
            read_item(elsewhere->page + elsewhere->page_at,
                      elsewhere->page_length - elsewhere->page_at, &elsewhere->named);
        elsewhere->page_at += 4 + item.length;
        if (elsewhere->named.tenant.length > 0) {
            return MCPZ_ELSEWHERE_NAMES;
        }
        mcpz_snapshot_add(writer, item);
    }
    end_page(elsewhere, writer);
    free(elsewhere->page);
    elsewhere->page = NULL;
    return MCPZ_ELSEWHERE_GOES_ON;
}

/* ---- Answers ------------------------------------------------------------------------------ */

/* Returns how many are waited for. */
static size_t take_answers(struct mcpz_elsewhere *elsewhere)
{
    struct mcpz_id node;
    unsigned status;
    uint8_t *bytes;
    size_t length = 0;
    size_t waiting = 0;

    while (
        mcpz_fellows_take_bytes(elsewhere->exchange, &node, &status, &bytes, &length, &waiting)) {
        struct holder *holder = find_holder(elsewhere, &node);
        const bool is_answer = holder != NULL && bytes != NULL && status == 200;
        if (holder != NULL && !is_answer) {
            holder->failed = true;
        } else if (is_answer && elsewhere->is_asking) {
            bytes = take_page(elsewhere, bytes, length) ? NULL : bytes;
        } else if (is_answer) {
            take_ids(holder, bytes, length);
        }
        if (holder != NULL) {
            holder->asked = false;
        }
        if (elsewhere->is_asking && !is_answer) {
            elsewhere->skip = 0;
        }
        elsewhere->is_asking = false;
        free(bytes);
    }
    return waiting;
}

/* ---- The end ------------------------------------------------------------------------------ */

/* Has one of those that are read said all it has? */
static bool is_covered(struct mcpz_elsewhere *elsewhere, uint32_t partition)
{
    const struct mcpz_node *node = mcpz_engine_node(mcpz_exchange_engine(elsewhere->exchange));
    const struct mcpz_id document = {
        .bytes = {(uint8_t)(partition >> 8), (uint8_t)partition, [7] = 1}};
    struct mcpz_id readers[MCPZ_OWNERS_MAX];

    if (mcpz_agent_is_here(elsewhere->exchange, &document)) {
        return true;
    }
    const size_t count = mcpz_layouts_readers(&node->layouts, &document, readers);
    for (size_t i = 0; i < count; i++) {
        const struct holder *holder = find_holder(elsewhere, &readers[i]);
        if (holder != NULL && holder->ended) {
            return true;
        }
    }
    return count == 0;
}

static enum mcpz_elsewhere_step end(struct mcpz_elsewhere *elsewhere,
                                    struct mcpz_snapshot_writer *writer)
{
    for (size_t i = 0; i < CHECKED_AT_ONCE && elsewhere->checked < PARTITIONS; i++) {
        if (!is_covered(elsewhere, elsewhere->checked)) {
            miss(elsewhere, elsewhere->checked);
        }
        elsewhere->checked++;
    }
    if (elsewhere->checked < PARTITIONS) {
        return MCPZ_ELSEWHERE_GOES_ON;
    }
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        if ((elsewhere->missing[partition / 8] & 1U << (partition % 8)) != 0) {
            mcpz_snapshot_miss(writer, partition);
        }
    }
    return elsewhere->is_single && !elsewhere->has_come ? MCPZ_ELSEWHERE_ABSENT
                                                        : MCPZ_ELSEWHERE_OVER;
}

enum mcpz_elsewhere_step mcpz_elsewhere_work(struct mcpz_elsewhere *elsewhere,
                                             struct mcpz_snapshot_writer *writer)
{
    if (elsewhere->page == NULL && take_answers(elsewhere) > 0) {
        return MCPZ_ELSEWHERE_WAITS;
    }
    if (elsewhere->page != NULL) {
        return write_page(elsewhere, writer);
    }
    if (elsewhere->wanted_at < elsewhere->wanted_count) {
        ask_documents(elsewhere);
        return elsewhere->is_asking ? MCPZ_ELSEWHERE_WAITS : MCPZ_ELSEWHERE_GOES_ON;
    }
    if (ask_ids(elsewhere) > 0) {
        return MCPZ_ELSEWHERE_WAITS;
    }
    if (is_short(elsewhere)) {
        return MCPZ_ELSEWHERE_GOES_ON;
    }
    merge(elsewhere);
    return elsewhere->wanted_count > 0 ? MCPZ_ELSEWHERE_GOES_ON : end(elsewhere, writer);
}

void mcpz_elsewhere_named(const struct mcpz_elsewhere *elsewhere, struct mcpz_blob_ref *named)
{
    *named = elsewhere->named;
}
