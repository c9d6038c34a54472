/* What a node finds out about others and about documents, as lines of its log. */

#ifndef EMBED_FACT_LOG_H
#define EMBED_FACT_LOG_H

struct mcpz_fact;

/** Log it, as loud as it is worth. Its texts need to be good for this call only. */
void mcpz_fact_log(const struct mcpz_fact *fact);

#endif
