/* story.c - prints a scenario and what was said of it.
 *
 * Errors: exit status 2 if the zone cannot be read, which had been read before. */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>

#include "dns/zone.h"

static void put(struct str value)
{
    putchar(' ');
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c > ' ' && c < 0x7f && c != '\\')
            putchar(c);
        else
            printf("\\x%02x", c);
    }
}

static void put_line(const char *word, size_t n, const struct str *values)
{
    fputs(word, stdout);
    for (size_t i = 0; i < n; i++)
        put(values[i]);
    putchar('\n');
}

#define LINE(word, ...)                                                                            \
    put_line(word, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str),                       \
             (struct str[]){__VA_ARGS__})

static struct str address_text(struct arena *a, const struct netaddr *address)
{
    char text[NETADDR_TEXT];
    return address->family ? str_copy(a, str_of(netaddr_format(address, text))) : STR("-");
}

static void print_record(struct arena *a, struct str name, const struct zone_record *r)
{
    struct str text = r->rr.addr.family ? address_text(a, &r->rr.addr) : r->rr.text;
    if (r->type == DNS_CNAME)
        text = dns_name_text(a, &r->target);
    LINE("record", name, str_of(dns_type_name(r->type)), text,
         str_printf(a, "%u", (unsigned)r->rr.preference));
}

static void print_zone(struct arena *a, struct str text)
{
    struct zone *zone = arena_make(a, struct zone);
    struct str problem;
    zone->arena = a;
    if (!zone_load(zone, text, a, &problem))
        exit(2);
    for (size_t i = 0; i < ZONE_BUCKETS; i++)
        for (const struct zone_node *n = zone->buckets[i]; n; n = n->next) {
            struct str name = dns_name_text(a, &n->name);
            LINE("name", name, str_of(dns_status_name(n->otherwise)),
                 str_printf(a, "%lld", (long long)n->delay_us));
            for (const struct zone_record *r = n->records; r; r = r->next)
                print_record(a, name, r);
        }
}

static void print_letter(struct arena *a, const struct letter *l)
{
    const struct client_words *c = &l->client;
    const struct envelope_words *e = &l->envelope;
    LINE("client", c->name, address_text(a, &c->address), c->smtp ? STR("smtp") : STR("local"),
         c->daemon_name, c->mta_name);
    LINE("helo", l->helo);
    LINE("mail", e->from, e->queue_id, e->auth_type, e->auth_user, e->certificate.verify,
         e->certificate.subject);
    for (size_t i = 0; i < l->n_recipients; i++)
        LINE("rcpt", l->recipients[i].path);
    for (size_t i = 0; i < l->headers->n; i++)
        LINE("header", header_written_name(&l->headers->fields[i]), l->headers->fields[i].value);
    LINE("body", l->body);
}

static void print_outcome(struct arena *a, const struct transaction *t)
{
    static const char *const kinds[] = {
        [EDIT_DELETE] = "delete", [EDIT_CHANGE] = "change", [EDIT_INSERT] = "insert"};
    const struct verdict *v = &t->verdict;
    LINE("answer", str_of(point_name(t->point)), str_of(action_name(v->action)), v->code,
         v->enhanced, v->text);
    for (size_t i = 0; i < t->edits.n; i++) {
        const struct edit *e = &t->edits.v[i];
        LINE("edit", str_of(kinds[e->kind]), str_printf(a, "%u", e->ordinal), e->name, e->value);
    }
}

void story_print(const struct story *s, struct arena *a)
{
    LINE("scenario", s->name, str_printf(a, "%.*s:%u", STR_ARG(s->path), s->line));
    LINE("config", s->config);
    LINE("senders", s->senders);
    LINE("host", s->host);
    print_zone(a, s->zone);
    print_letter(a, s->letter);
    print_outcome(a, s->t);
    LINE("log", s->log);
    LINE("end", STR(""));
}
