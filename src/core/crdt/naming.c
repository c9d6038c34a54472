#include "core/crdt/naming.h"

#include <assert.h>

#include "core/crdt/number.h"
#include "core/crdt/paths.h"

#define PARTS 2

static_assert(MCPZ_TENANT_BYTES_MAX <= MCPZ_NUMBER_TEXT_MAX &&
                  MCPZ_AGENT_NAME_BYTES_MAX <= MCPZ_NUMBER_TEXT_MAX,
              "both are texts that the core writes");

bool mcpz_naming_is_valid(const struct mcpz_naming *naming)
{
    return naming->tenant.length <= MCPZ_TENANT_BYTES_MAX && naming->name.length > 0 &&
           naming->name.length <= MCPZ_AGENT_NAME_BYTES_MAX &&
           mcpz_bytes_is_utf8(naming->tenant) && mcpz_bytes_is_utf8(naming->name) &&
           !mcpz_bytes_equal(naming->tenant, mcpz_text(MCPZ_TENANT_DEFAULT));
}

void mcpz_naming_write(const struct mcpz_naming *naming, struct mcpz_parts *parts)
{
    assert(mcpz_naming_is_valid(naming));

    *parts = (struct mcpz_parts){.length = 0};
    if (naming->tenant.length > 0) {
        mcpz_parts_put_array(parts, PARTS);
        mcpz_parts_put_text(parts, naming->tenant);
    }
    mcpz_parts_put_text(parts, naming->name);
    assert(!parts->is_full);
}

bool mcpz_naming_read(struct mcpz_bytes value, struct mcpz_naming *naming)
{
    struct mcpz_naming read = {.tenant = mcpz_bytes(NULL, 0)};
    struct mcpz_bytes rest = value;
    size_t count = 0;

    if (mcpz_parts_take_array(&rest, &count) &&
        (count != PARTS || !mcpz_parts_take_text(&rest, &read.tenant) ||
         read.tenant.length == 0)) {
        return false;
    }
    if (!mcpz_parts_take_text(&rest, &read.name) || rest.length > 0 ||
        !mcpz_naming_is_valid(&read)) {
        return false;
    }
    *naming = read;
    return true;
}

bool mcpz_naming_is_one(const struct mcpz_add *add)
{
    return add->type == MCPZ_ENTRY_REGISTER && mcpz_bytes_equal(add->path, mcpz_paths_id);
}
