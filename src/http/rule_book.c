#include "http/rule_book.h"

#include <jansson.h>
#include <string.h>

#include "base/clear.h"
#include "base/hash.h"
#include "host/rule_text.h"
#include "http/system_document.h"

void mcpz_rule_book_init(struct mcpz_rule_book *book)
{
    mcpz_clear(book, sizeof(*book));
    book->stale = true;
}

bool mcpz_rule_book_hear(struct mcpz_rule_book *book, const struct mcpz_fact *fact)
{
    bool is_news = mcpz_system_document_is_news(MCPZ_RULE_BOOK, fact);

    book->stale |= is_news;
    return is_news;
}

void mcpz_rule_book_changed(struct mcpz_rule_book *book)
{
    book->stale = true;
}

bool mcpz_rule_book_is_due(const struct mcpz_rule_book *book, mcpz_time now)
{
    return book->stale || now >= book->look_us;
}

size_t mcpz_rule_book_find(const struct mcpz_rule_book *book, struct mcpz_bytes pattern)
{
    for (size_t i = 0; i < book->count; i++) {
        if (mcpz_bytes_equal(mcpz_text(book->rows[i].pattern), pattern)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void add(struct mcpz_rule_book *book, const struct mcpz_rule *rule, bool is_meshs)
{
    if (book->count < MCPZ_RULES_MAX &&
        mcpz_rule_book_find(book, mcpz_text(rule->pattern)) == SIZE_MAX) {
        book->is_meshs[book->count] = is_meshs;
        book->rows[book->count++] = *rule;
    }
}

static void add_meshs(struct mcpz_rule_book *book, json_t *state)
{
    const char *pattern;
    json_t *text;
    struct mcpz_rule rule;

    json_object_foreach(state, pattern, text)
    {
        if (json_is_string(text) &&
            mcpz_rule_read(mcpz_text(pattern),
                           mcpz_bytes(json_string_value(text), json_string_length(text)),
                           &rule) == NULL) {
            add(book, &rule, true);
        }
    }
}

static uint64_t hash_of(const struct mcpz_rule_book *book)
{
    char text[MCPZ_RULE_TEXT_BYTES];
    uint64_t hash = book->count;

    for (size_t i = 0; i < book->count; i++) {
        mcpz_rule_show(&book->rows[i], text);
        hash = mcpz_hash_bytes(mcpz_text(book->rows[i].pattern), hash);
        hash = mcpz_hash_bytes(mcpz_text(text), hash);
    }
    return hash;
}

static void tell(struct mcpz_rule_book *book, struct mcpz_engine *engine)
{
    const uint64_t hash = hash_of(book);
    struct mcpz_event event = {.kind = MCPZ_EVENT_RULES,
                               .rules = {.rows = book->rows, .count = book->count}};

    if (book->told ? hash == book->told_hash : book->count == 0) {
        return;
    }
    book->told = true;
    book->told_hash = hash;
    mcpz_engine_event(engine, &event);
}

void mcpz_rule_book_read(struct mcpz_rule_book *book, mcpz_time now, const struct mcpz_rule *rows,
                         size_t count, struct mcpz_engine *engine)
{
    json_t *state = NULL;

    book->stale = false;
    book->look_us = now + MCPZ_RULE_BOOK_US;
    if (mcpz_system_document_read(engine, MCPZ_RULE_BOOK, &state) != MCPZ_OK) {
        return;
    }
    book->count = 0;
    add_meshs(book, state);
    for (size_t i = 0; i < count; i++) {
        add(book, &rows[i], false);
    }
    json_decref(state);
    tell(book, engine);
}
