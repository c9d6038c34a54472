#include "embed/trouble.h"

#include <stdarg.h>
#include <stdio.h>

void mcpz_trouble_say(struct mcpz_trouble *trouble, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(trouble->text, sizeof(trouble->text), format, arguments);
    va_end(arguments);
}
