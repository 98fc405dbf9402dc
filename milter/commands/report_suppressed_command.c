/* report_suppressed_command.c - `assay report suppressed`: destinations that get no reports.
 *
 * Errors: exit status 64 for a wrong word, 75 if the store cannot be opened, 78 for the
 * configuration. */
#include <string.h>

#include "mail/domain.h"
#include "milter/commands/commands.h"
#include "milter/commands/report_out.h"

struct own {
    int64_t until;
};

struct suppressed_listing {
    struct command *c;
    struct json json;
    size_t n;
};

static void list_json(struct suppressed_listing *l, const struct sent_suppression *v)
{
    json_object(&l->json, NULL);
    json_text(&l->json, "destination", v->destination);
    json_number(&l->json, "since", v->since);
    json_number(&l->json, "until", v->until);
    json_number(&l->json, "bounces", v->bounces);
    json_text_or_null(&l->json, "why", v->why);
    json_end(&l->json, '}');
}

/* The reason is clean since it was noted. */
static void list_text(struct suppressed_listing *l, const struct sent_suppression *v)
{
    char since[REPORT_TIME_TEXT], until[REPORT_TIME_TEXT];
    struct arena *a = l->c->arena;
    printf("%.*s  since %s, until %s, %lld bounce%s%s%.*s\n",
           STR_ARG(str_safe(a, v->destination, 400, true)), report_time_text(v->since, since),
           v->until ? report_time_text(v->until, until) : "it is removed", (long long)v->bounces,
           v->bounces == 1 ? "" : "s", v->why.n ? ": " : "", STR_ARG(v->why));
}

/* What is over is remembered for the next bounce, and is no more than that. */
static bool list_one(void *listing, const struct sent_suppression *v)
{
    struct suppressed_listing *l = listing;
    if (v->until && v->until <= l->c->now)
        return true;
    if (l->c->json)
        list_json(l, v);
    else
        list_text(l, v);
    l->n++;
    return true;
}

static bool list_all(struct command *c, struct sent *sent)
{
    struct suppressed_listing l = {.c = c};
    json_begin_array(&l.json, c->arena);
    if (!sent_read_suppressions(sent, list_one, &l))
        return false;
    if (c->json) {
        command_print_json_list(&l.json);
    } else if (!l.n) {
        printf("no destination is suppressed\n");
    }
    return true;
}

/* An address or a domain, as it stands in the store. */
static bool read_destination(struct command *c, const char *word, struct str *out)
{
    struct str text = str_of(word), domain;
    size_t at = str_find_last(text, '@');
    struct str local = at < text.n ? str_sub(text, 0, at + 1) : STR("");
    if (!domain_normalize(c->arena, str_sub(text, local.n, text.n), &domain) || local.n == 1)
        return false;
    *out = str_printf(c->arena, "%.*s%.*s", STR_ARG(str_lower(c->arena, local)), STR_ARG(domain));
    return true;
}

static bool add_one(struct command *c, struct sent *sent, struct str destination)
{
    const struct own *own = c->own;
    const struct sent_suppression v = {
        .destination = destination, .since = c->now, .until = own->until, .why = STR("by hand")};
    if (!sent_suppress(sent, &v))
        return false;
    printf("%.*s: gets no reports\n", STR_ARG(destination));
    return true;
}

static bool remove_one(struct sent *sent, struct str destination)
{
    bool was;
    if (!sent_unsuppress(sent, destination, &was))
        return false;
    printf("%.*s: %s\n", STR_ARG(destination), was ? "gets reports again" : "was not in the list");
    return true;
}

static int suppressed_run(struct command *c)
{
    struct sent *sent = NULL;
    struct str destination = STR("");
    bool add = c->n_words && strcmp(c->words[0], "add") == 0;
    bool take = c->n_words && strcmp(c->words[0], "remove") == 0;
    if (c->n_words && ((!add && !take) || c->n_words != 2))
        return command_fail(c, EX_USAGE, "write: add DESTINATION, or remove DESTINATION");
    if (c->n_words && !read_destination(c, c->words[1], &destination))
        return command_fail(c, EX_USAGE, "\"%s\" is neither an address nor a domain", c->words[1]);
    int status = report_open_sent(c, add || take, &sent);
    if (status != EX_OK)
        return status;
    bool good = add    ? add_one(c, sent, destination)
                : take ? remove_one(sent, destination)
                       : list_all(c, sent);
    status = good ? EX_OK : report_sent_failed(c, sent);
    sent_close(sent);
    return status;
}

static const struct command_option suppressed_options[] = {
    OPTION("until", "TIME", take_time, struct own, until, "of add: until then; default: for good"),
    {0},
};

const struct command_row report_suppressed_command = {
    .name = "suppressed",
    .brief = "destinations that get no reports: list, add, remove",
    .words = "[add|remove] [DESTINATION]",
    .options = suppressed_options,
    .common = COMMON_CONF | COMMON_JSON | COMMON_AT,
    .size = sizeof(struct own),
    .run = suppressed_run,
    .about = "Lists the addresses and domains that get no reports: because reports came back from "
             "there, or by hand. DESTINATION is an address, or a domain with all its "
             "addresses.",
    .status = "0; 64 a wrong word; 75 the store cannot be opened now; 78 the configuration.",
};
