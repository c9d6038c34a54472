/* What the code with which a call ends says of its provider. */

#ifndef CORE_CALLS_OUTCOME_H
#define CORE_CALLS_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/router/router.h"

/** What a failure with this code says of the provider. */
enum mcpz_call_outcome mcpz_outcome_of(uint32_t code);

/** Does trying it again cost providers nothing, since the first is gone, or has not begun? */
bool mcpz_outcome_is_free(uint32_t code);

#endif
