#include "host/offers.h"

#include <string.h>

static size_t find(const struct mcpz_offers *offers, struct mcpz_bytes name)
{
    size_t i = 0;

    while (i < offers->count && !mcpz_bytes_equal(mcpz_text(offers->rows[i].name), name)) {
        i++;
    }
    return i;
}

mcpz_error mcpz_offers_claim(struct mcpz_offers *offers, struct mcpz_bytes name, const void *edge)
{
    if (name.length == 0 || name.length > MCPZ_CAPABILITY_BYTES_MAX ||
        memchr(name.data, '\0', name.length) != NULL || !mcpz_bytes_is_utf8(name)) {
        return MCPZ_EPROTO;
    }
    size_t at = find(offers, name);
    if (at < offers->count) {
        return offers->rows[at].edge == edge ? MCPZ_OK : MCPZ_ECONFLICT;
    }
    if (offers->count == MCPZ_CAPABILITIES_PER_NODE_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_bytes_to_text(name, offers->rows[at].name, sizeof(offers->rows[at].name));
    offers->rows[at].edge = edge;
    offers->count++;
    return MCPZ_OK;
}

void mcpz_offers_release(struct mcpz_offers *offers, struct mcpz_bytes name, const void *edge)
{
    size_t at = find(offers, name);

    if (at < offers->count && offers->rows[at].edge == edge) {
        offers->rows[at] = offers->rows[--offers->count];
    }
}

const void *mcpz_offers_edge(const struct mcpz_offers *offers, struct mcpz_bytes name)
{
    size_t at = find(offers, name);

    return at < offers->count ? offers->rows[at].edge : NULL;
}
