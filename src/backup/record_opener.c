#include "backup/record_opener.h"

#include <stdlib.h>

#include "crypto/tenant_key.h"
#include "proto/limits.h"
#include "store/schema.h"
#include "wire/records.h"

#define LISTS_BYTES 65536 /* of one record */

mcpz_error mcpz_record_opener_init(struct mcpz_record_opener *opener, struct mcpz_keyring *keyring)
{
    *opener = (struct mcpz_record_opener){
        .keyring = keyring, .lists = malloc(LISTS_BYTES), .plain = malloc(MCPZ_SEALED_BYTES_MAX)};
    if (opener->lists == NULL || opener->plain == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init(&opener->arena, opener->lists, LISTS_BYTES);
    return MCPZ_OK;
}

void mcpz_record_opener_finish(struct mcpz_record_opener *opener)
{
    free(opener->lists);
    free(opener->plain);
    opener->lists = NULL;
    opener->plain = NULL;
}

/* Is there anything in it to be sealed? As engine/at_rest.c has it: ids and numbers are not. */
static bool is_kind_sealed(enum mcpz_record_kind kind)
{
    switch (kind) {
    case MCPZ_RECORD_TASK_LISTED:
    case MCPZ_RECORD_CHANGE:
    case MCPZ_RECORD_CHANGES:
    case MCPZ_RECORD_CURSOR:
    case MCPZ_RECORD_BLOB_DOCUMENT:
    case MCPZ_RECORD_HORIZON:
        return false;
    case MCPZ_RECORD_SELF:
    case MCPZ_RECORD_TOKEN:
    case MCPZ_RECORD_PEER:
    case MCPZ_RECORD_DOCUMENT:
    case MCPZ_RECORD_ENTRY:
    case MCPZ_RECORD_DELTA:
    case MCPZ_RECORD_TASK:
    case MCPZ_RECORD_TASK_STATE:
    case MCPZ_RECORD_TASK_KEY:
    case MCPZ_RECORD_TASK_RESULT:
    case MCPZ_RECORD_QUEUE:
    case MCPZ_RECORD_RUN:
    case MCPZ_RECORD_TASK_PLAN:
    case MCPZ_RECORD_FORK:
    case MCPZ_RECORD_BATCH:
    case MCPZ_RECORD_AUTHOR:
    case MCPZ_RECORD_CHECKPOINT:
    case MCPZ_RECORD_LAYOUT:
    case MCPZ_RECORD_TRACKER:
    case MCPZ_RECORD_STAGED:
    case MCPZ_RECORD_SETTLED:
    case MCPZ_RECORD_REVOKED:
    case MCPZ_RECORD_HINT:
    case MCPZ_RECORD_FLOOR:
    case MCPZ_RECORD_BASE:
    case MCPZ_RECORD_STABLE:
    case MCPZ_RECORD_KIND_END:
        break;
    }
    return true;
}

/* The plain value of what lies at `place`, without the names that stand before it. */
static mcpz_error open_sealed(struct mcpz_record_opener *opener, struct mcpz_bytes place,
                              struct mcpz_bytes *value)
{
    const struct mcpz_tenant_key *key = NULL;

    mcpz_error error = mcpz_keyring_find_by_id(opener->keyring, value->data, &key);
    if (error != MCPZ_OK) {
        return error == MCPZ_EEXPIRED ? error : MCPZ_ECORRUPT;
    }
    if (value->length > MCPZ_SEALED_BYTES_MAX ||
        mcpz_tenant_key_open_record(key, place, *value, opener->plain) != MCPZ_OK) {
        return MCPZ_ECORRUPT;
    }
    const size_t length = value->length - MCPZ_RECORD_SEAL_BYTES;
    size_t names = 0;
    if (mcpz_schema_names_at(place.data[0]) > 0) {
        names = length < 2 ? length + 1 : 2 + ((size_t)opener->plain[0] << 8 | opener->plain[1]);
    }
    if (names > length) {
        return MCPZ_ECORRUPT;
    }
    *value = mcpz_bytes(opener->plain + names, length - names);
    return MCPZ_OK;
}

mcpz_error mcpz_record_opener_open(struct mcpz_record_opener *opener, struct mcpz_bytes place,
                                   struct mcpz_bytes value, struct mcpz_record *record)
{
    if (!mcpz_schema_is_place(place)) {
        return MCPZ_ECORRUPT;
    }
    mcpz_arena_clear(&opener->arena);
    *record = (struct mcpz_record){.kind = (enum mcpz_record_kind)place.data[0]};
    const bool is_sealed = is_kind_sealed(record->kind);
    if (is_sealed && value.length <= MCPZ_RECORD_SEAL_BYTES) {
        return MCPZ_ECORRUPT;
    }
    if (is_sealed && opener->keyring == NULL) {
        return MCPZ_OK;
    }
    mcpz_error error = is_sealed ? open_sealed(opener, place, &value) : MCPZ_OK;
    if (error != MCPZ_OK) {
        return error;
    }
    if (mcpz_schema_names_at(place.data[0]) == 0 && mcpz_schema_parse(place, record) != MCPZ_OK) {
        return MCPZ_ECORRUPT;
    }
    return mcpz_record_decode(value, &opener->arena, record) == MCPZ_OK ? MCPZ_OK : MCPZ_ECORRUPT;
}
