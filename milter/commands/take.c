/* take.c - values of options.
 *
 * Errors: a phrase to stand behind the value. */
#include "base/instant.h"
#include "base/netset.h"
#include "milter/commands/command.h"

const char *take_flag(struct command *c, const char *text, void *to)
{
    (void)c, (void)text;
    *(bool *)to = true;
    return NULL;
}

const char *take_text(struct command *c, const char *text, void *to)
{
    (void)c;
    *(const char **)to = text;
    return NULL;
}

const char *take_texts(struct command *c, const char *text, void *to)
{
    struct command_texts *list = to;
    list->v = arena_extend(c->arena, list->v, list->n, &list->cap, sizeof *list->v);
    list->v[list->n++] = text;
    return NULL;
}

const char *take_time(struct command *c, const char *text, void *to)
{
    (void)c;
    return instant_parse(str_of(text), to) ? NULL : INSTANT_WANTED;
}

const char *take_address(struct command *c, const char *text, void *to)
{
    (void)c;
    return netaddr_parse(str_of(text), to) ? NULL
                                           : "is no address such as 192.0.2.1 or 2001:db8::1";
}

const char *take_domain(struct command *c, const char *text, void *to)
{
    return conf_domain_problem(c->arena, str_of(text), CONF_DOMAIN_NAMED, to);
}

const char *take_selector(struct command *c, const char *text, void *to)
{
    return conf_selector_problem(c->arena, str_of(text), to);
}
