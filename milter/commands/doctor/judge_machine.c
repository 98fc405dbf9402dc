/* judge_machine.c - judges configuration, rights, daemon, clock and resolver.
 *
 * Errors: none. */
#include "milter/commands/doctor/judge.h"

#define READ_AGAIN "assay config check && systemctl reload assay"
#define NOTHING    STR_NONE /* the subject of findings about the machine */

void judge_configuration(const struct doctor_facts *facts, struct findings *out)
{
    const struct machine_facts *m = &facts->machine;
    if (!m->conf_path) {
        find(out, CHECK_CONFIGURATION, LEVEL_NOTE, NOTHING,
             "there is no configuration file: everything has its default, and no mail is signed")
            ->mend = STR("assay.conf(5) describes all options");
        return;
    }
    for (size_t i = 0; i < m->warnings.n; i++) {
        struct finding *f = find(out, CHECK_CONFIGURATION, LEVEL_WARNING, NOTHING, "%.*s",
                                 STR_ARG(m->warnings.v[i]));
        f->why = STR("assay does something else than the configuration seems to say");
        f->mend = STR("change it, then let assay read it");
        f->command = STR(READ_AGAIN);
    }
    if (!m->warnings.n)
        find(out, CHECK_CONFIGURATION, LEVEL_GOOD, NOTHING, "%s is good", m->conf_path);
}

void judge_rights(const struct doctor_facts *facts, struct findings *out)
{
    const struct machine_facts *m = &facts->machine;
    const char *title = m->user ? "user " : "", *user = m->user ? m->user : "whoever starts assay";
    if (!m->conf_path)
        return;
    if (m->rights == UNSEEN) {
        find(out, CHECK_RIGHTS, LEVEL_UNSEEN, NOTHING,
             "what %s%s may read and write was not looked at: the files are those of another "
             "machine",
             title, user);
        return;
    }
    if (m->rights == SEEN_NO) {
        find(out, CHECK_RIGHTS, LEVEL_UNSEEN, NOTHING,
             "what %s%s may read and write was not looked at: only root can", title, user)
            ->mend = STR("run this as root");
        return;
    }
    for (size_t i = 0; i < m->problems.n; i++) {
        struct finding *f =
            find(out, CHECK_RIGHTS, LEVEL_GRAVE, NOTHING, "%.*s", STR_ARG(m->problems.v[i]));
        f->why = STR("assay does not start, or does not sign with that key");
        f->mend = STR("correct it, then let assay read it");
        f->command = STR(READ_AGAIN);
    }
    if (!m->problems.n)
        find(out, CHECK_RIGHTS, LEVEL_GOOD, NOTHING, "%s%s can read and write what it has to",
             title, user);
}

void judge_daemon(const struct doctor_facts *facts, struct findings *out)
{
    const struct machine_facts *m = &facts->machine;
    struct finding *f;
    switch (m->daemon) {
    case SEEN_YES:
        find(out, CHECK_DAEMON, LEVEL_GOOD, NOTHING, "assay runs");
        return;
    case SEEN_NO:
        f = find(out, CHECK_DAEMON, LEVEL_WARNING, NOTHING, "assay does not run: %.*s",
                 STR_ARG(m->daemon_problem));
        f->why = STR("the mail server refuses mail for the time being, or accepts it unchecked");
        f->mend = STR("start it; if that fails, systemctl status assay says why");
        f->command = STR("systemctl start assay");
        return;
    case UNSEEN:
        find(out, CHECK_DAEMON, LEVEL_UNSEEN, NOTHING, "the running daemon was not asked: %.*s",
             STR_ARG(m->daemon_problem));
    }
}

void judge_clock(const struct doctor_facts *facts, struct findings *out)
{
    struct finding *f;
    switch (facts->machine.clock) {
    case SEEN_YES:
        find(out, CHECK_CLOCK, LEVEL_GOOD, NOTHING, "the clock is synchronised");
        return;
    case SEEN_NO:
        f = find(out, CHECK_CLOCK, LEVEL_WARNING, NOTHING, "nothing synchronises the clock");
        f->why = STR("signatures have a time: with a wrong clock ours may fail at receivers, and "
                     "those of others here");
        f->mend = STR("let systemd-timesyncd, chrony or another time service do it");
        f->command = STR("timedatectl set-ntp true");
        return;
    case UNSEEN:
        find(out, CHECK_CLOCK, LEVEL_UNSEEN, NOTHING, "the clock was not looked at");
    }
}

/* --- The resolver ------------------------------------------------------------------------------*/

#define OWN_RESOLVER                                                                               \
    "apt-get install unbound, and in assay.conf dns = { servers = [ \"127.0.0.1\" ]; }; or "       \
    "servers = [ ]: then assay asks the authoritative servers itself"

static bool asks_lists(const struct conf *conf)
{
    return conf->dnsbl_mode != CHECK_OFF && conf->n_lists > 0;
}

static void judge_public(const struct doctor_facts *facts, const struct resolver_facts *r,
                         struct findings *out)
{
    bool lists = asks_lists(facts->conf);
    struct finding *f =
        find(out, CHECK_RESOLVER, lists ? LEVEL_WARNING : LEVEL_NOTE, r->text,
             "%s%.*s%s is %s public resolver%s", r->asks.n ? "it passes questions on to " : "",
             STR_ARG(r->asks), r->asks.n ? ", which" : "this", r->service,
             lists ? ", and dnsbl.lists has lists to ask" : "");
    f->why = lists ? STR("DNS lists do not answer public resolvers, or answer with errors: their "
                         "listings do not count here")
                   : STR("DNS lists do not answer public resolvers, and assay does not believe its "
                         "DNSSEC results, because others can change answers on the way");
    f->mend = STR(OWN_RESOLVER);
}

static bool judge_answers(const struct resolver_facts *r, struct findings *out)
{
    struct finding *f;
    if (r->udp == SEEN_NO) {
        f = find(out, CHECK_RESOLVER, LEVEL_WARNING, r->text, "it does not answer");
        f->why = STR("each look-up that begins with it is late, and mail waits");
        f->mend = STR("start it, or take it out of dns.servers or /etc/resolv.conf");
        return false;
    }
    if (r->udp == SEEN_YES && r->edns == SEEN_NO) {
        f = find(out, CHECK_RESOLVER, LEVEL_WARNING, r->text,
                 "it does not support EDNS (RFC 6891)");
        f->why = STR("long answers, such as those with keys, take two look-ups, and DNSSEC is not "
                     "possible");
        f->mend = STR(OWN_RESOLVER);
    }
    if (r->udp == SEEN_YES && r->tcp == SEEN_NO) {
        f = find(out, CHECK_RESOLVER, LEVEL_WARNING, r->text, "it does not answer over TCP");
        f->why = STR("answers that are too long for UDP, such as those with keys, do not come "
                     "(RFC 7766)");
        f->mend = STR("allow TCP port 53 to it, or use another resolver");
    }
    return r->udp != SEEN_YES || (r->edns != SEEN_NO && r->tcp != SEEN_NO);
}

static void judge_resolver_at(const struct doctor_facts *facts, const struct resolver_facts *r,
                              struct findings *out)
{
    bool well = judge_answers(r, out);
    if (r->service)
        judge_public(facts, r, out);
    else if (well && r->udp == UNSEEN)
        find(out, CHECK_RESOLVER, LEVEL_UNSEEN, r->text, "it was not asked");
    else if (well)
        find(out, CHECK_RESOLVER, LEVEL_GOOD, r->text, "it answers, over TCP too%s",
             r->valid == SEEN_YES ? ", and validates (DNSSEC)" : "; it does not validate (DNSSEC)");
}

void judge_resolver(const struct doctor_facts *facts, struct findings *out)
{
    const struct machine_facts *m = &facts->machine;
    bool silent = m->n_resolvers > 0;
    if (m->recurses) {
        find(out, CHECK_RESOLVER, LEVEL_GOOD, NOTHING,
             "assay asks the authoritative servers itself (dns.servers = [ ])");
        return;
    }
    if (m->resolver_problem.n)
        find(out, CHECK_RESOLVER, LEVEL_GRAVE, NOTHING, "%.*s", STR_ARG(m->resolver_problem));
    for (size_t i = 0; i < m->n_resolvers; i++) {
        judge_resolver_at(facts, &m->resolvers[i], out);
        silent = silent && m->resolvers[i].udp == SEEN_NO;
    }
    if (!silent)
        return;
    struct finding *f = find(out, CHECK_RESOLVER, LEVEL_GRAVE, NOTHING, "no resolver answers");
    f->why =
        STR("nothing can be checked, and mail whose DMARC policy is not known is asked to come "
            "again");
    f->mend = STR(OWN_RESOLVER);
}
