/* message.c - whose mail it is.
 *
 * Errors: none. What the MTA did not tell counts as a stranger's. */
#include "core/message.h"

#include "conf/conf.h"
#include "core/entry.h"

static bool listed(const struct conf_strings *names, struct str name)
{
    for (size_t i = 0; i < names->n; i++)
        if (str_eq(names->v[i], name))
            return true;
    return false;
}

static struct str authenticated_as(const struct message *m)
{
    struct str user = str_safe(m->arena, m->auth_user, 128, true);
    return user.n ? str_printf(m->arena, "SMTP AUTH %.*s", STR_ARG(user)) : STR("SMTP AUTH");
}

static bool is_authenticated(const struct message *m)
{
    return m->auth_type.n || m->auth_user.n;
}

static bool has_certificate(const struct conf *conf, const struct message *m)
{
    return conf->trust_tls_certificates && m->tls_verified;
}

/* A daemon's name alone never makes mail ours: Sendmail's default submission port takes mail for
 * local users from strangers. */
static bool by_submission(const struct conf *conf, const struct session *s)
{
    return conf->submission_daemons_trusted && s->daemon_name.n &&
           listed(&conf->submission_daemons, s->daemon_name);
}

/* Why the mail is ours, or STR_NONE. */
static struct str why_ours(const struct conf *conf, const struct session *s,
                           const struct message *m)
{
    char address[NETADDR_TEXT];
    if (is_authenticated(m))
        return authenticated_as(m);
    if (!s->smtp)
        return STR("submitted on this host");
    if (has_certificate(conf, m))
        return str_printf(m->arena, "TLS certificate %.*s",
                          STR_ARG(str_safe(m->arena, m->tls_subject, 128, true)));
    if (netset_has(&conf->trusted_networks, &s->client))
        return str_printf(m->arena, "trusted network %s", netaddr_format(&s->client, address));
    if (by_submission(conf, s))
        return str_printf(m->arena, "submission daemon %.*s",
                          STR_ARG(str_safe(m->arena, s->daemon_name, 64, false)));
    return STR_NONE;
}

bool message_from_this_host(const struct conf *conf, const struct netaddr *address)
{
    static const struct netaddr v6 = {.family = 6, .bytes = {[15] = 1}};
    return (address->family == 4 && address->bytes[0] == 127) || netaddr_eq(address, &v6) ||
           netset_has(&conf->host_addresses, address);
}

/* The client is one that hands mail back which was here before. */
static bool may_be_forwarded(const struct conf *conf, const struct session *s,
                             const struct message *m)
{
    if (is_authenticated(m) || has_certificate(conf, m) || by_submission(conf, s))
        return false;
    return !s->smtp || message_from_this_host(conf, &s->client) ||
           netset_has(&conf->forwarded_networks, &s->client);
}

void message_decide_origin(const struct conf *conf, const struct session *session,
                           struct message *message)
{
    bool known = is_authenticated(message) || !session->smtp;
    if (!known && netset_has(&conf->relay_networks, &session->client)) {
        message->origin = ORIGIN_RELAYED;
        message->origin_why = STR("relay network");
        return;
    }
    message->origin_why = why_ours(conf, session, message);
    message->origin = message->origin_why.n ? ORIGIN_OURS : ORIGIN_INBOUND;
    if (message->origin == ORIGIN_INBOUND)
        message->origin_why = STR("not authenticated, not from a trusted network");
    message->may_be_forwarded = may_be_forwarded(conf, session, message);
}

void message_settle_origin(const struct conf *conf, const struct session *session,
                           struct message *message)
{
    struct entry entry;
    char address[NETADDR_TEXT];
    if (!message->may_be_forwarded)
        return;
    message->may_be_forwarded = false;
    entry_find(conf, session, message, &entry);
    message->entry_fields = entry.fields_since;
    if (!entry.from_outside)
        return;
    message->origin = ORIGIN_FORWARDED;
    message->entry_client = entry.client;
    message->origin_why = str_printf(message->arena, "it had come in from %s",
                                     netaddr_format(&entry.client, address));
}

bool certificate_is_trusted(const struct certificate_macros *m)
{
    if (m->verify.n)
        return str_eq(m->verify, STR("OK"));
    return str_starts(m->version, STR("Postfix ")) && (m->subject.n || m->issuer.n);
}

const char *origin_name(enum origin origin)
{
    static const char *const names[] = {"inbound", "ours", "relayed", "forwarded"};
    return names[origin];
}
