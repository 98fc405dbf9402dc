/* entry.c - where mail that passes this host again had come in before.
 *
 * Our own server puts its Received field on top of whatever a sender wrote, so that what lies above
 * the field that tells of an outsider was written on this host, and all below it by anybody.
 *
 * Errors: none; what cannot be understood is no reason to pass over a field, or to vouch for one.
 */
#include "core/entry.h"

#include "mail/authres.h"
#include "mail/claim.h"
#include "mail/domain.h"
#include "mail/received.h"

static struct str normal_form(struct arena *a, struct str name)
{
    struct str normal;
    return domain_normalize(a, name, &normal) ? normal : name;
}

static void add_name(struct entry_names *names, struct arena *a, struct str name)
{
    if (name.n)
        names->v[names->n++] = normal_form(a, name);
}

/* With room for one more. */
static void our_names(const struct conf *conf, struct arena *a, struct entry_names *out)
{
    const struct conf_strings *aliases = &conf->authserv_id_aliases;
    *out = (struct entry_names){.v = arena_array(a, struct str, aliases->n + 2)};
    add_name(out, a, conf->authserv_id);
    for (size_t i = 0; i < aliases->n; i++)
        add_name(out, a, aliases->v[i]);
}

void entry_authserv_ids(const struct conf *conf, struct arena *a, struct entry_names *out)
{
    our_names(conf, a, out);
}

static bool has_name(const struct entry_names *names, struct arena *a, struct str name)
{
    struct str normal = name.n ? normal_form(a, name) : STR_NONE;
    for (size_t i = 0; normal.n && i < names->n; i++)
        if (str_eq_nocase(normal, names->v[i]))
            return true;
    return false;
}

static bool is_localhost(struct str name)
{
    static const struct str names[] = {STR_INIT("localhost"), STR_INIT("localhost.localdomain"),
                                       STR_INIT("[127.0.0.1]"), STR_INIT("[IPv6:::1]")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(name, names[i]))
            return true;
    return false;
}

/* --- Received ----------------------------------------------------------------------------------*/

/* What the fields are compared with. */
struct place {
    const struct conf *conf;
    struct arena *arena;
    struct entry_names names;
};

static bool is_ours(const struct place *here, struct str name)
{
    return has_name(&here->names, here->arena, name);
}

/* Between programs of this host. */
static bool is_internal(const struct place *here, const struct received *r)
{
    if (!is_ours(here, r->by) && !is_localhost(r->by))
        return false;
    switch (r->source) {
    case RECEIVED_ADDRESS:
        return message_from_this_host(here->conf, &r->client) ||
               netset_has(&here->conf->forwarded_networks, &r->client);
    case RECEIVED_NAMED:
        return is_ours(here, r->from) || is_localhost(r->from);
    case RECEIVED_LOCAL:
        return true;
    default:
        return false;
    }
}

/* A user of this host who had authenticated: what lies above was written here, too. */
static bool is_authenticated(const struct place *here, const struct received *r)
{
    bool authenticated;
    return received_with_smtp(r->with, &authenticated) && authenticated && is_ours(here, r->by);
}

/* The field that decides: how the message came in to this host, if it tells. */
static void decide_entry(const struct place *here, const struct received *r, size_t index,
                         struct entry *out)
{
    bool authenticated, smtp = received_with_smtp(r->with, &authenticated);
    /* It holds somebody else's words, which an authenticated user does not send. */
    bool garbled = r->last_by.n > 0;
    bool unclear = r->source == RECEIVED_UNCLEAR && is_localhost(r->by);
    if (!is_ours(here, r->by) && !is_ours(here, r->last_by) && !unclear)
        return;
    if (!garbled && (!smtp || (!authenticated && r->source == RECEIVED_ADDRESS &&
                               netset_has(&here->conf->trusted_networks, &r->client))))
        return;
    out->fields_since = index;
    out->from_outside = garbled || !authenticated;
    out->client = r->client;
}

void entry_find(const struct conf *conf, const struct session *session,
                const struct message *message, struct entry *out)
{
    const struct header_list *headers = &message->headers;
    struct place here = {.conf = conf, .arena = message->arena};
    *out = (struct entry){0};
    for (size_t i = 0; i < headers->n; i++) {
        struct received r;
        if (!str_eq_nocase(headers->fields[i].name, STR("Received")))
            continue;
        if (!here.names.v) {
            our_names(conf, message->arena, &here.names);
            add_name(&here.names, message->arena, session->mta_name);
        }
        received_parse(headers->fields[i].value, &r);
        if (!is_internal(&here, &r)) {
            decide_entry(&here, &r, i, out);
            return;
        }
        if (is_authenticated(&here, &r))
            out->fields_since = i;
    }
}

/* --- Authentication-Results --------------------------------------------------------------------*/

static bool says_ours(const struct entry_names *ids, struct arena *a, struct str value)
{
    struct authres_head head;
    authres_parse_head(a, value, &head);
    return head.parsed && head.version_ok && !head.encoded &&
           claim_of(a, head.id, ids->v, ids->n) == CLAIM_OURS;
}

/* What one field says for this author; false if it speaks against. */
static bool field_vouches(struct arena *a, struct str value, struct str author, struct str *why)
{
    struct authres_said said;
    struct str from;
    if (!authres_read(a, value, STR("dmarc"), "header.from", &said) ||
        !domain_normalize(a, said.property, &from)) {
        *why = STR("our Authentication-Results tells no DMARC result");
        return false;
    }
    if (!str_eq(from, author)) {
        *why = str_printf(a, "From was rewritten here, it was %.*s", STR_ARG(from));
        return true;
    }
    *why = str_printf(a, "dmarc=%.*s when it came in",
                      STR_ARG(str_safe(a, str_lower(a, said.result), 32, false)));
    return str_eq_nocase(said.result, STR("pass"));
}

bool entry_vouches(const struct conf *conf, const struct message *message, struct str author_domain,
                   struct str *why)
{
    struct arena *a = message->arena;
    struct entry_names ids;
    bool vouched = false;
    *why = STR("no Authentication-Results of ours since it came in");
    entry_authserv_ids(conf, a, &ids);
    for (size_t i = 0; i < message->entry_fields; i++) {
        const struct header_field *f = &message->headers.fields[i];
        if (!str_eq_nocase(f->name, STR("Authentication-Results")) || !says_ours(&ids, a, f->value))
            continue;
        vouched = field_vouches(a, f->value, author_domain, why);
        if (!vouched)
            break; /* of several, all have to */
    }
    return vouched;
}

void entry_results(const struct conf *conf, const struct message *message,
                   struct authres_results *out)
{
    struct arena *a = message->arena;
    struct entry_names ids;
    struct authres_resinfo *all = NULL;
    size_t cap = 0;
    *out = (struct authres_results){0};
    entry_authserv_ids(conf, a, &ids);
    for (size_t i = 0; i < message->entry_fields; i++) {
        const struct header_field *f = &message->headers.fields[i];
        struct authres_results one;
        if (!str_eq_nocase(f->name, STR("Authentication-Results")) ||
            !says_ours(&ids, a, f->value) || !authres_parse(a, f->value, &one))
            continue;
        for (size_t k = 0; k < one.n; k++) {
            all = arena_extend(a, all, out->n, &cap, sizeof *all);
            all[out->n++] = one.v[k];
        }
    }
    out->v = all;
}
