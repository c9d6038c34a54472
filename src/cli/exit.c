#include "cli/exit.h"

#include <stddef.h>
#include <string.h>

#include "base/attr.h"
#include "proto/code.h"

struct row {
    enum mcpz_code code;
    enum mcpz_exit status;
};

static const struct row rows[] = {
    {MCPZ_CODE_OK, MCPZ_EXIT_OK},
    {MCPZ_CODE_BAD_REQUEST, MCPZ_EXIT_USAGE},
    {MCPZ_CODE_TIMEOUT, MCPZ_EXIT_TIMEOUT},
    {MCPZ_CODE_NO_COPY, MCPZ_EXIT_TIMEOUT},
    {MCPZ_CODE_NOT_FOUND, MCPZ_EXIT_NOT_FOUND},
    {MCPZ_CODE_SHREDDED, MCPZ_EXIT_NOT_FOUND},
    {MCPZ_CODE_HISTORY_FOLDED, MCPZ_EXIT_NOT_FOUND},
    {MCPZ_CODE_NO_PROVIDER, MCPZ_EXIT_NOT_FOUND},
    {MCPZ_CODE_DENIED, MCPZ_EXIT_DENIED},
    {MCPZ_CODE_TOKEN_UNKNOWN, MCPZ_EXIT_DENIED},
    {MCPZ_CODE_TOKEN_EXPIRED, MCPZ_EXIT_DENIED},
    {MCPZ_CODE_TOKEN_USED, MCPZ_EXIT_DENIED},
    {MCPZ_CODE_TOKEN_WRONG, MCPZ_EXIT_DENIED},
    {MCPZ_CODE_WRONG_MESH, MCPZ_EXIT_DENIED},
    {MCPZ_CODE_REVOKED, MCPZ_EXIT_DENIED},
    {MCPZ_CODE_CONFLICT, MCPZ_EXIT_CONFLICT},
};

enum mcpz_exit mcpz_exit_from_word(const char *word)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        if (strcmp(mcpz_code_word(rows[i].code), word) == 0) {
            return rows[i].status;
        }
    }
    return MCPZ_EXIT_FAILED;
}
