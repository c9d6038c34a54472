#include "core/crdt/kinds.h"

#include "core/crdt/escrow.h"
#include "core/crdt/list.h"
#include "core/crdt/number.h"
#include "core/crdt/shown.h"

#define NIL 0xc0
#define TRUE 0xc3

static bool is_byte(struct mcpz_bytes value, uint8_t byte)
{
    return value.length == 1 && value.data[0] == byte;
}

static bool is_number(struct mcpz_bytes value)
{
    int64_t unused;
    return mcpz_number_decode(value, &unused);
}

static bool is_fenced(struct mcpz_bytes value)
{
    int64_t epoch;
    int64_t rank;
    struct mcpz_bytes inner;
    return mcpz_shown_read_fence(value, &epoch, &rank, &inner);
}

static bool is_row(struct mcpz_bytes value)
{
    struct mcpz_escrow_row row;
    return mcpz_escrow_read(value, &row);
}

static bool is_item(struct mcpz_bytes value)
{
    struct mcpz_list_item item;
    return mcpz_list_read_item(value, &item);
}

bool mcpz_kinds_value_is_valid(const struct mcpz_add *add)
{
    switch ((enum mcpz_entry_type)add->type) {
    case MCPZ_ENTRY_REGISTER:
    case MCPZ_ENTRY_SET:
    case MCPZ_ENTRY_MULTI:
        return add->value.length > 0;
    case MCPZ_ENTRY_COUNTER:
        return is_number(add->value);
    case MCPZ_ENTRY_FENCED:
        return is_fenced(add->value);
    case MCPZ_ENTRY_FLAG:
        return is_byte(add->value, TRUE);
    case MCPZ_ENTRY_BOUNDED:
        return is_row(add->value);
    case MCPZ_ENTRY_LIST:
        return is_item(add->value);
    case MCPZ_ENTRY_MAP:
        return is_byte(add->value, NIL);
    case MCPZ_ENTRY_END:
        break;
    }
    return false;
}

static bool is_foreign(const struct mcpz_delta *delta, const struct mcpz_add *row,
                       const struct mcpz_remove *removed)
{
    return removed->type == row->type && mcpz_bytes_equal(removed->path, row->path) &&
           mcpz_actor_compare(&removed->dot.actor, &delta->actor) != 0;
}

bool mcpz_kinds_replaces_foreign(const struct mcpz_delta *delta)
{
    for (size_t i = 0; i < delta->add_count; i++) {
        const struct mcpz_add *row = &delta->adds[i];
        if (row->type != MCPZ_ENTRY_COUNTER && row->type != MCPZ_ENTRY_BOUNDED) {
            continue;
        }
        for (size_t j = 0; j < delta->remove_count; j++) {
            if (is_foreign(delta, row, &delta->removes[j])) {
                return true;
            }
        }
    }
    return false;
}
