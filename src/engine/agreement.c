#include "engine/agreement.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "core/crdt/floor.h"
#include "core/layouts.h"
#include "core/majority.h"
#include "crypto/digest.h"
#include "engine/internal.h"
#include "wire/checkpoint.h"

/* ---- Who keeps it ------------------------------------------------------------------------- */

/* Note one that must sign. False: there is no room. */
static bool add(struct mcpz_keepers *keepers, const struct mcpz_id *id)
{
    for (size_t i = 0; i < keepers->count; i++) {
        if (mcpz_id_equal(&keepers->others[i], id)) {
            return true;
        }
    }
    if (keepers->count == MCPZ_ARRAY_LEN(keepers->others)) {
        return false;
    }
    keepers->others[keepers->count++] = *id;
    return true;
}

/* When we last had all that it had; 0: never, as far as we remember. */
static uint64_t reconciled_ms(struct mcpz_engine *engine, const struct mcpz_id *id)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_CURSOR, .cursor = {.peer = *id}};

    return engine->store.get(engine->store.context, &record) == MCPZ_OK ? record.cursor.wall_ms
                                                                        : 0;
}

static bool is_within_grace(const struct mcpz_engine *engine, uint64_t at_ms)
{
    return at_ms + engine->grace_ms > engine->wall_ms;
}

static bool is_there(const struct mcpz_engine *engine, const struct mcpz_id *id)
{
    return mcpz_roster_is_there(&engine->node.fabric.members.roster, id);
}

/* Is `id` away, and waited for? Who is away for longer than the grace comes back to a base. */
static bool is_waited_for(struct mcpz_engine *engine, const struct mcpz_id *id)
{
    return !is_there(engine, id) && mcpz_revocations_find(engine, id) == NULL &&
           is_within_grace(engine, reconciled_ms(engine, id));
}

/*
 * Are most owners there in each live layout, as with a write? Else two of them, with one owner in
 * common who is away, would each go on without the other.
 */
static bool are_most_there(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    const struct mcpz_id *self = mcpz_identity_id(engine->identity);
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    const size_t count = mcpz_layout_history_sets(&engine->node.layouts.history, document, sets);

    for (size_t i = 0; i < count; i++) {
        size_t there = 0;
        for (size_t n = 0; n < sets[i].count; n++) {
            const struct mcpz_id *owner = &sets[i].nodes[n]->id;
            there += mcpz_id_equal(owner, self) || is_there(engine, owner) ? 1 : 0;
        }
        if (2 * there <= sets[i].count) {
            return false;
        }
    }
    return true;
}

static void find_owners(struct mcpz_engine *engine, const struct mcpz_id *document,
                        const struct mcpz_id *owners, size_t count, struct mcpz_keepers *keepers)
{
    const struct mcpz_id *self = mcpz_identity_id(engine->identity);
    bool is_ours = false;

    for (size_t i = 0; i < count; i++) {
        if (mcpz_id_equal(&owners[i], self)) {
            is_ours = true;
        } else if (is_there(engine, &owners[i])) {
            keepers->is_complete = add(keepers, &owners[i]) && keepers->is_complete;
        } else if (is_waited_for(engine, &owners[i])) {
            keepers->is_complete = false;
        }
    }
    keepers->is_complete = keepers->is_complete && is_ours && are_most_there(engine, document);
}

/* Whoever was here lately and is gone may come back with what nobody else has. */
static bool is_any_waited_for(struct mcpz_engine *engine)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_CURSOR};
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_MEMBERS_MAX && error == MCPZ_OK; i++) {
        error = engine->store.next(engine->store.context, MCPZ_SCAN_KIND, i == 0, &record);
        if (error == MCPZ_OK && is_waited_for(engine, &record.cursor.peer)) {
            return true;
        }
    }
    return error != MCPZ_ENOTFOUND;
}

static size_t count_away(const struct mcpz_engine *engine)
{
    return mcpz_majority_away(&engine->store, &engine->node.fabric.members.roster);
}

static void find_members(struct mcpz_engine *engine, struct mcpz_keepers *keepers)
{
    const struct mcpz_roster *roster = &engine->node.fabric.members.roster;
    const struct mcpz_id *self = mcpz_identity_id(engine->identity);

    for (size_t i = 0; i < roster->count && keepers->is_complete; i++) {
        const struct mcpz_member *member = &roster->rows[i];
        if (!mcpz_member_is_gone(member) && !mcpz_id_equal(&member->id, self)) {
            keepers->is_complete = add(keepers, &member->id);
        }
    }
    keepers->is_complete = keepers->is_complete && keepers->count + 1 > count_away(engine) &&
                           !is_any_waited_for(engine);
}

void mcpz_keepers_find(struct mcpz_engine *engine, const struct mcpz_id *document,
                       struct mcpz_keepers *keepers)
{
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_layouts_owners(&engine->node.layouts, document, owners);

    keepers->count = 0;
    keepers->is_complete = true;
    if (count > 0) {
        find_owners(engine, document, owners, count, keepers);
    } else {
        find_members(engine, keepers);
    }
    keepers->are_linked = true;
    for (size_t i = 0; i < keepers->count && keepers->are_linked; i++) {
        keepers->are_linked = mcpz_link_rows_to(engine, &keepers->others[i]) != NULL;
    }
}

void mcpz_keepers_meet(struct mcpz_engine *engine, const struct mcpz_keepers *keepers)
{
    for (size_t i = 0; i < keepers->count; i++) {
        struct mcpz_event event = {.kind = MCPZ_EVENT_MEET, .link = {.peer = keepers->others[i]}};
        mcpz_engine_dispatch(engine, &event);
    }
}

bool mcpz_keepers_are_same(const struct mcpz_keepers *a, const struct mcpz_keepers *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; i < a->count && same; i++) {
        same = mcpz_id_equal(&a->others[i], &b->others[i]);
    }
    return same;
}

bool mcpz_keepers_nobody_is_away(struct mcpz_engine *engine)
{
    return count_away(engine) == 0 && !is_any_waited_for(engine);
}

/* ---- What is signed ----------------------------------------------------------------------- */

/* Nothing else that a node signs begins so. */
static const char words[] = "mcpz checkpoint: ";
#define WORDS_BYTES (sizeof(words) - 1)

struct statement {
    uint8_t bytes[WORDS_BYTES + 3 * MCPZ_ID_BYTES + 4];
};

static struct statement statement_of(const struct mcpz_agreement *agreement)
{
    const uint32_t replicas = htobe32(agreement->replicas);
    struct statement said;
    uint8_t *at = said.bytes;

    memcpy(at, words, WORDS_BYTES);
    at += WORDS_BYTES;
    memcpy(at, agreement->document.bytes, MCPZ_ID_BYTES);
    memcpy(at + MCPZ_ID_BYTES, agreement->state.bytes, MCPZ_ID_BYTES);
    memcpy(at + 2 * MCPZ_ID_BYTES, agreement->root.bytes, MCPZ_ID_BYTES);
    memcpy(at + 3 * MCPZ_ID_BYTES, &replicas, sizeof(replicas));
    return said;
}

static struct mcpz_bytes slice(const struct statement *said)
{
    return mcpz_bytes(said->bytes, sizeof(said->bytes));
}

struct mcpz_agreement mcpz_agreement_of(const struct mcpz_id *document,
                                        const struct mcpz_agreed *agreed)
{
    const struct mcpz_checkpoint_head head = {
        .document = *document,
        .tenant = agreed->tenant,
        .hlc = agreed->hlc,
        .versions = agreed->versions,
        .version_count = agreed->version_count,
        .cuts = agreed->cuts,
        .cut_count = agreed->cut_count,
    };
    struct mcpz_agreement agreement = {
        .document = *document, .root = agreed->root, .replicas = agreed->replicas};

    mcpz_checkpoint_state_digest(&head, &agreement.state);
    return agreement;
}

void mcpz_agreement_sign(const struct mcpz_engine *engine, const struct mcpz_agreement *agreement,
                         uint8_t *signature)
{
    const struct statement said = statement_of(agreement);

    mcpz_identity_sign(engine->identity, slice(&said), signature);
}

mcpz_error mcpz_agreement_verify(const struct mcpz_id *signer,
                                 const struct mcpz_agreement *agreement,
                                 struct mcpz_bytes signature)
{
    const struct statement said = statement_of(agreement);

    return mcpz_signature_verify(signer, slice(&said), signature);
}

/* ---- Whether it is enough ----------------------------------------------------------------- */

static bool are_distinct(const struct mcpz_agreed *agreed)
{
    for (size_t i = 0; i < agreed->signature_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (mcpz_id_equal(&agreed->signatures[i].signer, &agreed->signatures[j].signer)) {
                return false;
            }
        }
    }
    return true;
}

/* Is each signer of the mesh? */
static bool are_known(struct mcpz_engine *engine, const struct mcpz_id *from,
                      const struct mcpz_agreed *agreed)
{
    bool known = true;

    for (size_t i = 0; i < agreed->signature_count; i++) {
        struct mcpz_bytes certificate;
        if (!mcpz_authors_find(engine, &agreed->signatures[i].signer, &certificate)) {
            known = false;
            if (from != NULL) {
                mcpz_authors_ask(engine, from, &agreed->signatures[i].signer);
            }
        }
    }
    return known;
}

static bool is_in_form(const struct mcpz_agreed *agreed)
{
    return agreed->version_count + agreed->cut_count > 0 && mcpz_floor_is_valid(agreed) &&
           agreed->signature_count == agreed->replicas && are_distinct(agreed);
}

mcpz_error mcpz_agreement_is_signed(const struct mcpz_id *document,
                                    const struct mcpz_agreed *agreed)
{
    if (!is_in_form(agreed)) {
        return MCPZ_EPROTO;
    }
    if (agreed->signature_count < MCPZ_KEEPERS_MIN) {
        return MCPZ_ENOTFOUND;
    }
    const struct mcpz_agreement agreement = mcpz_agreement_of(document, agreed);
    for (size_t i = 0; i < agreed->signature_count; i++) {
        const struct mcpz_cosignature *one = &agreed->signatures[i];
        mcpz_error error = mcpz_agreement_verify(
            &one->signer, &agreement, mcpz_bytes(one->signature, sizeof(one->signature)));
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

mcpz_error mcpz_agreement_check(struct mcpz_engine *engine, const struct mcpz_id *from,
                                const struct mcpz_id *document, const struct mcpz_agreed *agreed)
{
    if (!is_in_form(agreed)) {
        return MCPZ_EPROTO;
    }
    return are_known(engine, from, agreed) ? mcpz_agreement_is_signed(document, agreed)
                                           : MCPZ_ENOTFOUND;
}
