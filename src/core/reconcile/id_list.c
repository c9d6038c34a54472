#include "core/reconcile/id_list.h"

#include <endian.h>
#include <string.h>

void mcpz_id_list_begin(struct mcpz_id_list *list, const uint64_t *ours, size_t our_count)
{
    *list = (struct mcpz_id_list){.ours = ours, .our_count = our_count};
}

static void note_ours_below(struct mcpz_id_list *list, uint64_t id,
                            const struct mcpz_id_list_found *found)
{
    while (list->at < list->our_count && list->ours[list->at] < id) {
        found->note(found->context, list->ours[list->at++], false);
    }
}

bool mcpz_id_list_take(struct mcpz_id_list *list, struct mcpz_bytes piece,
                       const struct mcpz_id_list_found *found)
{
    if (piece.length % MCPZ_ID_LIST_ID_BYTES != 0) {
        return false;
    }
    for (size_t offset = 0; offset < piece.length; offset += MCPZ_ID_LIST_ID_BYTES) {
        uint64_t id;
        memcpy(&id, piece.data + offset, sizeof(id));
        id = be64toh(id);
        if (list->began && id <= list->last) {
            return false;
        }
        list->began = true;
        list->last = id;
        note_ours_below(list, id, found);
        if (list->at < list->our_count && list->ours[list->at] == id) {
            list->at++;
        } else {
            found->note(found->context, id, true);
        }
    }
    return true;
}

void mcpz_id_list_end(struct mcpz_id_list *list, const struct mcpz_id_list_found *found)
{
    while (list->at < list->our_count) {
        found->note(found->context, list->ours[list->at++], false);
    }
}
