/* What a provider's messages say: of itself, and of the result. */

#ifndef CORE_CALLS_OUTCOME_H
#define CORE_CALLS_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "core/load.h"
#include "core/router/router.h"
#include "proto/msg.h"

/** What a failure with this code says of the provider. */
enum mcpz_call_outcome mcpz_outcome_of(uint32_t code);

/** Does trying it again cost providers nothing, since the first is gone, or has not begun? */
bool mcpz_outcome_is_free(uint32_t code);

/** What a message brings of the result: that of DATA and END; of others nothing. */
struct mcpz_bytes mcpz_outcome_output(const struct mcpz_msg *msg);

/** What an END or FAIL says of its provider's load, in `report`; NULL: nothing. */
const struct mcpz_load_report *mcpz_outcome_report(const struct mcpz_msg *msg,
                                                   struct mcpz_load_report *report);

#endif
