/*
 * Ctrl-C while the command waits for something. Blocking calls then come back with EINTR and ask
 * here whether to go on; so what they made (half a file) is cleaned up on the way out.
 */

#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/** From now on the first SIGINT only sets the mark. */
void mcpz_interrupt_catch(void);

/** Has SIGINT come? */
bool mcpz_interrupt_came(void);

#endif
