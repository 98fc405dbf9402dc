/* check_facts.c - who sent a saved message, from where: what the command line does not say is read
 * from the fields that the MTA put on top of it.
 *
 * Errors: none; what cannot be found stays unknown, and is said. */
#include <string.h>

#include "base/clock.h"
#include "core/intake.h"
#include "milter/check.h"
#include "milter/mailfile.h"

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
    struct arena *a = c->message.arena;
    const struct header_field *field = header_get(&c->message.headers, STR("Received"), 0);
    struct str value = field ? header_unfold(a, field->value) : STR("");
    size_t at = 0;
    if (!str_starts(value, STR("from ")))
        return;
    struct str helo = str_sub(value, 5, str_find(value, 5, ' '));
    struct str client = between(value, &at, '(', ')');
    size_t inside = 0;
    struct str address = between(client, &inside, '[', ']');
    if (!words->helo) {
        c->session.helo = helo;
        assume(c, str_printf(a, "HELO %.*s, from the topmost Received",
                             STR_ARG(str_safe(a, helo, 255, true))));
    }
    if (!words->ip && netaddr_parse(address, &c->session.client)) {
        assume(c, str_printf(a, "client %.*s, from the topmost Received", STR_ARG(address)));
        if (!words->name)
            c->session.client_name = str_sub(client, 0, str_find(client, 0, ' '));
    }
}

static void from_return_path(struct check_case *c)
{
    struct arena *a = c->message.arena;
    const struct header_field *field = header_get(&c->message.headers, STR("Return-Path"), 0);
    if (!field) {
        assume(c, STR("a null sender: there is no --from and no Return-Path"));
        c->message.from_text = STR("<>");
        return;
    }
    c->message.from_text = header_unfold(a, field->value);
    assume(c, str_printf(a, "MAIL FROM %.*s, from Return-Path",
                         STR_ARG(str_safe(a, c->message.from_text, 255, true))));
}

static void split(struct check_case *c)
{
    struct message *m = &c->message;
    struct str body, text = mail_with_crlf(m->arena, c->input.text);
    header_list_init(&m->headers, m->arena);
    header_parse_message(&m->headers, text, &body);
    intake_header(c->whole.conf, m);
    m->body_bytes = body.n;
    c->whole.body = body;
    m->body = (struct kept_body){.whole = true, .n = 1, .pieces = &c->whole.body};
}

void check_facts(const struct check_words *words, int64_t now, struct check_case *c)
{
    struct session *s = &c->session;
    struct message *m = &c->message;
    *s = (struct session){
        .arena = m->arena,
        .smtp = true,
        .client_name = str_of(words->name ? words->name : "unknown"),
        .helo = str_of(words->helo ? words->helo : ""),
        .daemon_name = str_of(words->daemon),
        .mta_name = str_of(words->mta),
    };
    m->now = now;
    m->started_us = clock_us();
    m->auth_user = str_of(words->auth);
    m->auth_type = words->auth ? STR("PLAIN") : STR_NONE;
    m->first_recipient = str_of(words->rcpt);
    m->n_recipients = words->rcpt ? 1 : 0;
    split(c);
    if (words->ip)
        netaddr_parse(str_of(words->ip), &s->client);
    from_received(c, words);
    if (!s->client.family)
        assume(c, STR("no client address: SPF cannot be checked"));
    if (words->from)
        m->from_text = str_of(*words->from ? words->from : "<>");
    else
        from_return_path(c);
    mail_path_parse(m->from_text, &m->from);
}
