#include "cli/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/nearest.h"

#define DATA_DEFAULT "./var"

/* The command line as far as it was read. */
struct walk {
    int argc;
    char **argv;
    int next;
    const char *words[MCPZ_WORDS_MAX];
    size_t word_count;
    bool literal; /* after "--" */
    struct mcpz_invocation *invocation;
    struct mcpz_trouble *trouble;
};

#define HINT_BYTES 64

/* What may have been meant, between `before` and `after`; nothing if nothing is near. */
static const char *hint(const struct mcpz_nearest *nearest, const char *before, const char *after,
                        char *text)
{
    (void)snprintf(text, HINT_BYTES, ";");
    if (nearest->word != NULL) {
        (void)snprintf(text, HINT_BYTES, ": did you mean %s%s%s", before, nearest->word, after);
    }
    return text;
}

static const struct mcpz_verb *verb_so_far(const struct walk *walk)
{
    return walk->word_count == 0
               ? NULL
               : mcpz_verb_find(walk->words[0], walk->word_count > 1 ? walk->words[1] : NULL);
}

/* Any verb's option of that name: its arity is the same everywhere. */
static const struct mcpz_option *option_anywhere(const char *name, char letter)
{
    const struct mcpz_verb *verb = NULL;

    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        const struct mcpz_option *option =
            name != NULL ? mcpz_verb_option(verb, name) : mcpz_verb_letter(verb, letter);
        if (option != NULL) {
            return option;
        }
    }
    return NULL;
}

static void offer_options(struct mcpz_nearest *nearest, const struct mcpz_verb *verb)
{
    for (size_t i = 0; i < MCPZ_COMMON_OPTION_COUNT; i++) {
        mcpz_nearest_offer(nearest, mcpz_common_options[i].name);
    }
    for (size_t i = 0; i < verb->option_count; i++) {
        mcpz_nearest_offer(nearest, verb->options[i].name);
    }
}

static mcpz_error refuse_option(const struct walk *walk, const char *name)
{
    const struct mcpz_verb *verb = verb_so_far(walk);
    const struct mcpz_verb *other = NULL;
    char text[HINT_BYTES];
    struct mcpz_nearest nearest;

    mcpz_nearest_init(&nearest, name);
    for (size_t i = 0; (other = mcpz_verb_at(i)) != NULL; i++) {
        if (verb == NULL || verb == other) {
            offer_options(&nearest, other);
        }
    }
    mcpz_trouble_say(walk->trouble, "unknown option --%s%s \"mcpz help%s%s\" lists what there is",
                     name, hint(&nearest, "--", "?", text), verb != NULL ? " " : "",
                     verb != NULL ? verb->name : "");
    return MCPZ_EPROTO;
}

static mcpz_error keep_option(struct walk *walk, const struct mcpz_option *option,
                              const char *value)
{
    struct mcpz_invocation *invocation = walk->invocation;

    if (strcmp(option->name, "json") == 0) {
        invocation->json = true;
    } else if (strcmp(option->name, "help") == 0) {
        invocation->help = true;
    } else if (strcmp(option->name, "data") == 0) {
        invocation->data = value;
    }
    if (invocation->given_count == MCPZ_GIVEN_MAX) {
        mcpz_trouble_say(walk->trouble, "more than %d options: use a configuration file",
                         MCPZ_GIVEN_MAX);
        return MCPZ_EFULL;
    }
    invocation->given[invocation->given_count++] =
        (struct mcpz_given){.option = option, .value = value};
    return MCPZ_OK;
}

/* `attached` is what stood behind '=', or NULL. */
static mcpz_error take_option(struct walk *walk, const struct mcpz_option *option,
                              const char *attached)
{
    if (option->value == NULL) {
        if (attached != NULL) {
            mcpz_trouble_say(walk->trouble, "--%s takes no value", option->name);
            return MCPZ_EPROTO;
        }
        return keep_option(walk, option, NULL);
    }
    if (attached == NULL) {
        if (walk->next == walk->argc) {
            mcpz_trouble_say(walk->trouble, "--%s needs a value: --%s %s", option->name,
                             option->name, option->value);
            return MCPZ_EPROTO;
        }
        attached = walk->argv[walk->next++];
    }
    return keep_option(walk, option, attached);
}

static mcpz_error keep_word(struct walk *walk, const char *word)
{
    if (walk->word_count == MCPZ_WORDS_MAX) {
        mcpz_trouble_say(walk->trouble, "too many arguments, from \"%s\" on", word);
        return MCPZ_EPROTO;
    }
    walk->words[walk->word_count++] = word;
    return MCPZ_OK;
}

static mcpz_error take_long(struct walk *walk, const char *argument)
{
    char name[MCPZ_NEAREST_CHARS_MAX + 1];
    const char *equals = strchr(argument, '=');
    size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);

    if (strcmp(argument, "version") == 0 && walk->word_count == 0) {
        return keep_word(walk, argument);
    }
    if (length >= sizeof(name)) {
        mcpz_trouble_say(walk->trouble, "unknown option --%.*s", MCPZ_NEAREST_CHARS_MAX, argument);
        return MCPZ_EPROTO;
    }
    memcpy(name, argument, length);
    name[length] = '\0';
    const struct mcpz_option *option = option_anywhere(name, '\0');
    if (option == NULL) {
        return refuse_option(walk, name);
    }
    return take_option(walk, option, equals != NULL ? equals + 1 : NULL);
}

static mcpz_error take_short(struct walk *walk, char letter, const char *rest)
{
    const struct mcpz_option *option = option_anywhere(NULL, letter);

    if (option == NULL || *rest != '\0') {
        mcpz_trouble_say(walk->trouble,
                         "unknown option -%c%s; options are written out, like --json", letter,
                         rest);
        return MCPZ_EPROTO;
    }
    return take_option(walk, option, NULL);
}

static bool looks_like_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0' && argument[1] != '.' &&
           !isdigit((unsigned char)argument[1]);
}

static mcpz_error take_next(struct walk *walk)
{
    const char *argument = walk->argv[walk->next++];

    if (walk->literal || !looks_like_option(argument)) {
        return keep_word(walk, argument);
    }
    if (strcmp(argument, "--") == 0) {
        walk->literal = true;
        return MCPZ_OK;
    }
    return argument[1] == '-' ? take_long(walk, argument + 2)
                              : take_short(walk, argument[1], argument + 2);
}

/* The nearest is kept in `best`. */
static void offer_first_word(struct mcpz_nearest *nearest, const char *name, size_t length,
                             char *best)
{
    char word[MCPZ_NEAREST_CHARS_MAX + 1];

    memcpy(word, name, length);
    word[length] = '\0';
    mcpz_nearest_offer(nearest, word);
    if (nearest->word == word) {
        memcpy(best, word, length + 1);
        nearest->word = best;
    }
}

static mcpz_error refuse_verb(const struct walk *walk)
{
    const char *first = walk->words[0];
    bool in_family = mcpz_verb_is_family(first);
    const char *typed = in_family ? walk->words[1] : first;
    const struct mcpz_verb *verb = NULL;
    char text[HINT_BYTES];
    char best[MCPZ_NEAREST_CHARS_MAX + 1];
    struct mcpz_nearest nearest;

    mcpz_nearest_init(&nearest, typed);
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        size_t length = strcspn(verb->name, " ");
        if (!in_family) {
            offer_first_word(&nearest, verb->name, length, best);
        } else if (verb->name[length] == ' ' && strncmp(verb->name, first, length) == 0 &&
                   first[length] == '\0') {
            mcpz_nearest_offer(&nearest, verb->name + length + 1);
        }
    }
    mcpz_trouble_say(walk->trouble, "unknown verb \"%s%s%s\"%s \"mcpz help%s%s\" lists them",
                     in_family ? first : "", in_family ? " " : "", typed,
                     hint(&nearest, "\"", "\"?", text), in_family ? " " : "",
                     in_family ? first : "");
    return MCPZ_EPROTO;
}

static mcpz_error check_options(const struct walk *walk)
{
    const struct mcpz_invocation *invocation = walk->invocation;

    for (size_t i = 0; i < invocation->given_count; i++) {
        const char *name = invocation->given[i].option->name;
        if (mcpz_verb_option(invocation->verb, name) == NULL) {
            return refuse_option(walk, name);
        }
    }
    return MCPZ_OK;
}

static mcpz_error check_arguments(const struct walk *walk)
{
    const struct mcpz_invocation *invocation = walk->invocation;
    const struct mcpz_verb *verb = invocation->verb;

    if (invocation->argument_count >= verb->argument_min &&
        invocation->argument_count <= verb->argument_max) {
        return MCPZ_OK;
    }
    mcpz_trouble_say(walk->trouble, "%s arguments: mcpz %s%s%s",
                     invocation->argument_count < verb->argument_min ? "too few" : "too many",
                     verb->name, verb->argument_max > 0 ? " " : "", verb->arguments);
    return MCPZ_EPROTO;
}

/* All is read: find the verb, and see whether the rest goes with it. */
static mcpz_error resolve(struct walk *walk)
{
    struct mcpz_invocation *invocation = walk->invocation;

    if (walk->word_count == 0) {
        return MCPZ_OK;
    }
    invocation->verb = verb_so_far(walk);
    if (invocation->verb == NULL) {
        if (walk->word_count == 1 && mcpz_verb_is_family(walk->words[0])) {
            invocation->family = walk->words[0];
            return MCPZ_OK;
        }
        return refuse_verb(walk);
    }
    size_t verb_words = strchr(invocation->verb->name, ' ') != NULL ? 2 : 1;
    for (size_t i = verb_words; i < walk->word_count; i++) {
        if (invocation->argument_count == MCPZ_VERB_ARGUMENTS_MAX) {
            mcpz_trouble_say(walk->trouble, "too many arguments, from \"%s\" on", walk->words[i]);
            return MCPZ_EPROTO;
        }
        invocation->arguments[invocation->argument_count++] = walk->words[i];
    }
    mcpz_error error = check_options(walk);
    if (error != MCPZ_OK || invocation->help) {
        return error;
    }
    return check_arguments(walk);
}

mcpz_error mcpz_options_read(int argc, char **argv, struct mcpz_invocation *invocation,
                             struct mcpz_trouble *trouble)
{
    struct walk walk = {
        .argc = argc, .argv = argv, .next = 1, .invocation = invocation, .trouble = trouble};

    *invocation = (struct mcpz_invocation){0};
    while (walk.next < argc) {
        mcpz_error error = take_next(&walk);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    if (invocation->data == NULL) {
        const char *data = getenv("MCPZ_DATA");
        invocation->data = data != NULL && *data != '\0' ? data : DATA_DEFAULT;
    }
    return resolve(&walk);
}

const char *mcpz_option_value(const struct mcpz_invocation *invocation, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < invocation->given_count; i++) {
        if (strcmp(invocation->given[i].option->name, name) == 0) {
            value = invocation->given[i].value;
        }
    }
    return value;
}

bool mcpz_option_is_given(const struct mcpz_invocation *invocation, const char *name)
{
    for (size_t i = 0; i < invocation->given_count; i++) {
        if (strcmp(invocation->given[i].option->name, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *mcpz_argument(const struct mcpz_invocation *invocation, size_t index)
{
    return index < invocation->argument_count ? invocation->arguments[index] : NULL;
}
