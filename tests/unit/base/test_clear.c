#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clear.h"
#include "test.h"

#define PAGES 8

TEST(all_of_it_is_zeros_and_nothing_else)
{
    static uint8_t memory[3 * 4096 + 64];

    for (size_t from = 0; from < 70; from += 23) {
        for (size_t size = 0; size <= 2 * 4096 + 1; size += size < 3 ? 1 : 2047) {
            memset(memory, 7, sizeof(memory));
            memset(memory + from, 0, size / 2); /* some of it is already */
            mcpz_clear(memory + from, size);
            for (size_t i = 0; i < sizeof(memory); i++) {
                CHECK_UINT(memory[i], i < from || i >= from + size ? 7 : 0);
            }
        }
    }
}

static size_t in_memory(uint8_t *pages, size_t page)
{
    char line[256];
    size_t written = 0;
    FILE *file = fopen("/proc/self/smaps", "r");

    CHECK(file != NULL);
    for (bool is_it = false; fgets(line, sizeof(line), file) != NULL;) {
        char *end = NULL;
        const uintptr_t start = strtoull(line, &end, 16);
        if (end > line && *end == '-') {
            is_it = start == (uintptr_t)pages;
        } else if (is_it && strncmp(line, "Private_Dirty:", 14) == 0) {
            written = strtoull(line + 14, NULL, 10) * 1024 / page;
        }
    }
    CHECK(fclose(file) == 0);
    return written;
}

TEST(a_page_that_was_never_written_to_is_not_now)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t size = PAGES * page;
    /* Between two that cannot be read, so that it is a mapping of its own. */
    uint8_t *all = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(all != MAP_FAILED);
    CHECK(mprotect(all + page, size, PROT_READ | PROT_WRITE) == 0);
    all[page + 3 * page] = 1;
    mcpz_clear(all + page, size);
    CHECK_UINT(all[page + 3 * page], 0);
    CHECK_UINT(in_memory(all + page, page), 1);
    CHECK(munmap(all, size + 2 * page) == 0);
}

TEST_MAIN(RUN(all_of_it_is_zeros_and_nothing_else),
          RUN(a_page_that_was_never_written_to_is_not_now))
