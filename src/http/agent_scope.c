#include "http/agent_scope.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "blob/keyring.h"
#include "http/bearer.h"

#define RESERVED "mcpz."

static bool is_name(struct mcpz_bytes tenant)
{
    const size_t length = sizeof(RESERVED) - 1;

    return mcpz_bearer_is_tenant(tenant) &&
           (tenant.length < length || memcmp(tenant.data, RESERVED, length) != 0);
}

/* As documents say it. */
static void set_tenant(struct mcpz_exchange *exchange, const char *tenant)
{
    struct mcpz_agent_scope *scope = &exchange->agents;

    scope->is_all = tenant[0] == '\0';
    (void)snprintf(scope->tenant, sizeof(scope->tenant), "%s",
                   strcmp(tenant, MCPZ_TENANT_DEFAULT) != 0 ? tenant : "");
}

bool mcpz_agent_scope_take(struct mcpz_exchange *exchange, struct mcpz_request *request,
                           uint8_t *room)
{
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1] = "";
    const uint8_t *end = query.length > 0 ? query.data + query.length : NULL;
    size_t length = 0;

    assert(query.length <= MCPZ_QUERY_BYTES_MAX);
    for (const uint8_t *at = query.data; mcpz_exchange_parameter(&query, &name, &value);
         at = query.data) {
        if (!mcpz_bytes_equal(name, mcpz_text("tenant"))) {
            const size_t bytes = (size_t)((query.length > 0 ? query.data : end) - at);
            memcpy(room + length, at, bytes);
            length += bytes;
        } else if (is_name(value)) {
            mcpz_bytes_to_text(value, tenant, sizeof(tenant));
        } else {
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "\"tenant\" is 1 to %d bytes of UTF-8 that do not begin with "
                               "\"" RESERVED "\"",
                               MCPZ_TENANT_BYTES_MAX);
            return false;
        }
    }
    if (length > 0 && room[length - 1] == '\0') {
        length--; /* what stood behind it is gone */
    }
    request->query = mcpz_bytes(room, length);
    set_tenant(exchange, tenant[0] != '\0' ? tenant : exchange->tenant);
    return mcpz_exchange_may_name(exchange, tenant);
}

struct mcpz_bytes mcpz_agent_scope_tenant(const struct mcpz_exchange *exchange)
{
    return mcpz_text(exchange->agents.tenant);
}

void mcpz_agent_scope_document(const struct mcpz_exchange *exchange, struct mcpz_bytes id,
                               struct mcpz_id *document)
{
    mcpz_engine_document_id(mcpz_agent_scope_tenant(exchange), id, document);
}

bool mcpz_agent_scope_has(const struct mcpz_exchange *exchange, struct mcpz_bytes tenant)
{
    return exchange->agents.is_all || mcpz_bytes_equal(tenant, mcpz_agent_scope_tenant(exchange));
}

bool mcpz_agent_scope_has_document(struct mcpz_exchange *exchange, const struct mcpz_id *document)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};

    return exchange->agents.is_all || (store->get(store->context, &record) == MCPZ_OK &&
                                       mcpz_agent_scope_has(exchange, record.document.tenant));
}

static struct mcpz_bytes for_people(struct mcpz_bytes tenant)
{
    return tenant.length > 0 ? tenant : mcpz_text(MCPZ_TENANT_DEFAULT);
}

json_t *mcpz_agent_scope_show(struct mcpz_bytes tenant)
{
    return mcpz_exchange_show_text(for_people(tenant));
}

void mcpz_agent_scope_missing(struct mcpz_exchange *exchange, struct mcpz_bytes id)
{
    const struct mcpz_bytes tenant = for_people(mcpz_agent_scope_tenant(exchange));
    struct mcpz_keyring *keyring = exchange->api->ports.keyring;
    const uint64_t ended_ms = keyring != NULL ? mcpz_keyring_end_of(keyring, tenant) : 0;
    char time[MCPZ_ISO_TIME_CHARS];

    if (ended_ms > 0) {
        mcpz_exchange_write_time(ended_ms, time);
        mcpz_exchange_fail(
            exchange, MCPZ_CODE_SHREDDED,
            "there is no agent \"%.*s\": all that the tenant \"%.*s\" kept until %s "
            "was shredded, and nobody can read it any more",
            (int)id.length, (const char *)id.data, (int)tenant.length, (const char *)tenant.data,
            time);
        return;
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                       "there is no agent \"%.*s\" of the tenant \"%.*s\": create it first, or "
                       "look at the list",
                       (int)id.length, (const char *)id.data, (int)tenant.length,
                       (const char *)tenant.data);
}

bool mcpz_agent_scope_hand_on(const struct mcpz_exchange *exchange, char *path, size_t room)
{
    const size_t length = strlen(path);
    const struct mcpz_bytes tenant = for_people(mcpz_agent_scope_tenant(exchange));

    if (exchange->agents.is_all) {
        return true;
    }
    const int more = snprintf(path + length, room - length, "%stenant=%.*s",
                              strchr(path, '?') != NULL ? "\n" : "?", (int)tenant.length,
                              (const char *)tenant.data);
    return more >= 0 && (size_t)more < room - length;
}
