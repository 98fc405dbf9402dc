/* message.c - whose mail it is.
 *
 * Errors: none. What the MTA did not tell counts as a stranger's. */
#include "core/message.h"

#include "conf/conf.h"

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

/* Why the mail is ours, or STR_NONE. A daemon's name alone never makes it so: Sendmail's default
 * submission port takes mail for local users from strangers. */
static struct str why_ours(const struct conf *conf, const struct session *s,
                           const struct message *m)
{
    char address[NETADDR_TEXT];
    if (m->auth_type.n || m->auth_user.n)
        return authenticated_as(m);
    if (!s->smtp)
        return STR("submitted on this host");
    if (conf->trust_tls_certificates && m->tls_verified)
        return str_printf(m->arena, "TLS certificate %.*s",
                          STR_ARG(str_safe(m->arena, m->tls_subject, 128, true)));
    if (netset_has(&conf->trusted_networks, &s->client))
        return str_printf(m->arena, "trusted network %s", netaddr_format(&s->client, address));
    if (conf->submission_daemons_trusted && s->daemon_name.n &&
        listed(&conf->submission_daemons, s->daemon_name))
        return str_printf(m->arena, "submission daemon %.*s",
                          STR_ARG(str_safe(m->arena, s->daemon_name, 64, false)));
    return STR_NONE;
}

void message_decide_origin(const struct conf *conf, const struct session *session,
                           struct message *message)
{
    bool known = message->auth_type.n || message->auth_user.n || !session->smtp;
    if (!known && netset_has(&conf->relay_networks, &session->client)) {
        message->origin = ORIGIN_RELAYED;
        message->origin_why = STR("relay network");
        return;
    }
    message->origin_why = why_ours(conf, session, message);
    message->origin = message->origin_why.n ? ORIGIN_OURS : ORIGIN_INBOUND;
    if (message->origin == ORIGIN_INBOUND)
        message->origin_why = STR("not authenticated, not from a trusted network");
}

const char *origin_name(enum origin origin)
{
    static const char *const names[] = {"inbound", "ours", "relayed"};
    return names[origin];
}
