/* check_facts.c - who sent a saved message, from where: what the command line does not say is read
 * from the fields that the MTA put on top of it.
 *
 * Errors: none; what cannot be found stays unknown, and is said. */
#include <string.h>

#include "milter/commands/check.h"
#include "milter/commands/mailfile.h"

static void assume(struct check_case *c, struct str text)
{
    if (c->n_assumed < sizeof c->assumed / sizeof *c->assumed)
        c->assumed[c->n_assumed++] = text;
}

/* What stands between two marks at or after *from, which moves behind it. */
static struct str between(struct str text, size_t *from, char open, char close)
{
    size_t begin = str_find(text, *from, open);
    size_t end = str_find(text, begin, close);
    if (end >= text.n)
        return STR_NONE;
    *from = end + 1;
    return str_sub(text, begin + 1, end);
}

/* Postfix and Sendmail both write "from HELO (NAME [ADDRESS])"; Sendmail leaves out HELO's
 * repetition. */
static void from_received(struct check_case *c, const struct check_words *words)
{
    struct arena *a = c->arena;
    const struct header_field *field = header_get(&c->headers, STR("Received"), 0);
    struct str value = field ? header_unfold(a, field->value) : STR("");
    size_t at = 0;
    if (!str_starts(value, STR("from ")))
        return;
    struct str helo = str_sub(value, 5, str_find(value, 5, ' '));
    struct str client = between(value, &at, '(', ')');
    size_t inside = 0;
    struct str address = between(client, &inside, '[', ']');
    if (!words->helo) {
        c->letter.helo = helo;
        assume(c, str_printf(a, "HELO %.*s, from the topmost Received",
                             STR_ARG(str_safe(a, helo, 255, true))));
    }
    if (!words->ip.family && netaddr_parse(address, &c->letter.client.address)) {
        assume(c, str_printf(a, "client %.*s, from the topmost Received", STR_ARG(address)));
        if (!words->name)
            c->letter.client.name = str_sub(client, 0, str_find(client, 0, ' '));
    }
}

static void from_return_path(struct check_case *c)
{
    struct arena *a = c->arena;
    const struct header_field *field = header_get(&c->headers, STR("Return-Path"), 0);
    if (!field) {
        assume(c, STR("a null sender: there is no --from and no Return-Path"));
        c->letter.envelope.from = STR("<>");
        return;
    }
    c->letter.envelope.from = header_unfold(a, field->value);
    assume(c, str_printf(a, "MAIL FROM %.*s, from Return-Path",
                         STR_ARG(str_safe(a, c->letter.envelope.from, 255, true))));
}

static void split(struct check_case *c)
{
    struct str text = mail_with_crlf(c->arena, c->input.text);
    header_list_init(&c->headers, c->arena);
    header_parse_message(&c->headers, text, &c->letter.body);
    c->letter.headers = &c->headers;
}

void check_facts(const struct check_words *words, struct check_case *c)
{
    struct letter *l = &c->letter;
    *l = (struct letter){
        .client = {.name = str_of(words->name ? words->name : "unknown"),
                   .address = words->ip,
                   .smtp = true,
                   .daemon_name = str_of(words->daemon),
                   .mta_name = str_of(words->mta)},
        .helo = str_of(words->helo ? words->helo : ""),
        .envelope = {.auth_user = str_of(words->auth),
                     .auth_type = words->auth ? STR("PLAIN") : STR_NONE},
        .n_recipients = 1,
        .recipients = &c->recipient,
    };
    c->recipient.path = str_of(words->rcpt ? words->rcpt : "");
    split(c);
    from_received(c, words);
    if (!l->client.address.family)
        assume(c, STR("no client address: SPF cannot be checked"));
    if (words->from)
        l->envelope.from = str_of(*words->from ? words->from : "<>");
    else
        from_return_path(c);
}
