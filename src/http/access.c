#include "http/access.h"

#include <strings.h>

#include "base/attr.h"

#define SCHEME "Bearer "

static struct mcpz_admission refused(unsigned status, const char *text)
{
    return (struct mcpz_admission){.status = status, .text = text};
}

static bool is_open(struct mcpz_bytes path)
{
    static const char *const paths[] = {"/health", "/livez", "/readyz"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(paths); i++) {
        if (mcpz_bytes_equal(path, mcpz_text(paths[i]))) {
            return true;
        }
    }
    return false;
}

/* The word for the scheme is of any case (RFC 9110, 11.1). Empty: another scheme. */
static struct mcpz_bytes shown_by(const struct mcpz_approach *approach)
{
    const size_t length = sizeof(SCHEME) - 1;
    const struct mcpz_bytes header = approach->authorization;

    if (header.length == 0) {
        return approach->api_key;
    }
    if (header.length <= length || strncasecmp((const char *)header.data, SCHEME, length) != 0) {
        return mcpz_bytes(NULL, 0);
    }
    return mcpz_bytes(header.data + length, header.length - length);
}

bool mcpz_access_is_guarded(const struct mcpz_bearer *bearer)
{
    return bearer->key_count > 0 || bearer->signer_count > 0 || bearer->secret_length > 0;
}

static struct mcpz_admission check_shown(const struct mcpz_bearer *bearer,
                                         const struct mcpz_approach *approach)
{
    struct mcpz_admission admission = {.access = MCPZ_ACCESS_NONE};
    const struct mcpz_bytes shown = shown_by(approach);

    if (shown.length == 0) {
        return refused(401, "show an API key or a token: the header Authorization: Bearer KEY, or "
                            "X-API-Key: KEY");
    }
    const enum mcpz_bearer_flaw flaw =
        mcpz_bearer_check(bearer, shown, approach->wall_ms, &admission.who);
    if (flaw != MCPZ_BEARER_FINE) {
        return refused(401, mcpz_bearer_say(flaw));
    }
    admission.access = admission.who.tenant[0] != '\0' ? MCPZ_ACCESS_TENANT : MCPZ_ACCESS_ALL;
    return admission;
}

struct mcpz_admission mcpz_access_decide(const struct mcpz_bearer *bearer,
                                         const struct mcpz_approach *approach)
{
    if (approach->local) {
        return (struct mcpz_admission){.access = MCPZ_ACCESS_ALL};
    }
    if (is_open(approach->path)) {
        return (struct mcpz_admission){.access = MCPZ_ACCESS_LOOK};
    }
    if (mcpz_access_is_guarded(bearer)) {
        return check_shown(bearer, approach);
    }
    return approach->from_here
               ? (struct mcpz_admission){.access = MCPZ_ACCESS_USE}
               : refused(403, "who asks from another machine needs an API key: set MCP_API_KEYS "
                              "at this node");
}
