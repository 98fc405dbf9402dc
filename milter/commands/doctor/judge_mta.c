/* judge_mta.c - how the mail server asks assay: milter lines, socket, time-outs, order, macros.
 *
 * Errors: none. */
#include <string.h>

#include "mail/domain.h"
#include "milter/commands/doctor/judge.h"

static const char *mta_name(const struct mta_facts *mta)
{
    return mta->kind == MTA_POSTFIX ? "Postfix" : "Sendmail";
}

static struct str lines_of(const struct mta_facts *mta)
{
    return mta->kind == MTA_POSTFIX
               ? STR("put the lines of " ASSAY_DOCDIR
                     "/postfix-main.cf into main.cf, then: postfix "
                     "check && postfix reload")
               : STR("put the lines of " ASSAY_DOCDIR "/sendmail.mc into "
                     "/etc/mail/sendmail.mc, then: make -C /etc/mail && systemctl restart "
                     "sendmail");
}

static bool signs(const struct doctor_facts *facts)
{
    return facts->conf->n_signing > 0 || facts->conf->key_table.p;
}

static const struct mta_filter *ours_in(const struct mta_service *service)
{
    for (size_t i = 0; i < service->n_filters; i++)
        if (service->filters[i].ours || service->filters[i].by_name)
            return &service->filters[i];
    return NULL;
}

/* Judges a filter of ours in a service. */
typedef void filter_judge(const struct doctor_facts *facts, const struct mta_facts *mta,
                          const struct mta_service *service, const struct mta_filter *filter,
                          struct findings *out);

/* Calls the judge once for each text of a filter. */
static void each_filter(const struct doctor_facts *facts, struct findings *out, filter_judge *judge)
{
    for (size_t m = 0; m < facts->n_mtas; m++) {
        const struct mta_facts *mta = &facts->mtas[m];
        struct str before = STR_NONE;
        for (size_t i = 0; i < mta->n_services; i++) {
            const struct mta_filter *filter = ours_in(&mta->services[i]);
            if (!filter || str_eq(filter->text, before))
                continue;
            before = filter->text;
            judge(facts, mta, &mta->services[i], filter, out);
        }
    }
}

/* --- The lines ---------------------------------------------------------------------------------*/

static bool anybody_asks(const struct mta_facts *mta)
{
    for (size_t i = 0; i < mta->n_services; i++)
        if (!mta->services[i].from_programs && ours_in(&mta->services[i]))
            return true;
    return false;
}

static void judge_programs(const struct doctor_facts *facts, const struct mta_facts *mta,
                           const struct mta_service *service, struct findings *out)
{
    if (!signs(facts))
        return;
    struct finding *f = find(out, CHECK_MILTER, LEVEL_WARNING, mta->file,
                             "%.*s does not name assay", STR_ARG(service->name));
    f->why = STR("mail that programs of this machine send with sendmail(1) is not signed");
    f->mend = STR("let them ask assay too: non_smtpd_milters = $smtpd_milters");
    if (!service->n_filters)
        f->command = STR("postconf -e 'non_smtpd_milters = $smtpd_milters' && postfix reload");
}

static void judge_service(const struct doctor_facts *facts, const struct mta_facts *mta,
                          const struct mta_service *service, struct findings *out)
{
    if (ours_in(service) || service->takes_back || service->proxied)
        return;
    if (service->from_programs) {
        judge_programs(facts, mta, service, out);
        return;
    }
    struct finding *f =
        find(out, CHECK_MILTER, LEVEL_WARNING, mta->file, "%.*s does not ask assay, and others do",
             STR_ARG(clean(out, service->name)));
    f->why = STR("mail that comes in there is neither checked nor signed");
    f->mend = lines_of(mta);
}

static void judge_lines(const struct doctor_facts *facts, const struct mta_facts *mta,
                        struct findings *out)
{
    size_t before = out->n;
    if (!anybody_asks(mta)) {
        struct finding *f = find(out, CHECK_MILTER, LEVEL_GRAVE, mta->file,
                                 "%s does not ask assay: no filter of it is at %.*s", mta_name(mta),
                                 STR_ARG(conf_join(&facts->conf->listen, out->arena)));
        f->why = STR("no mail is checked, and none is signed");
        f->mend = lines_of(mta);
        return;
    }
    for (size_t i = 0; i < mta->n_services; i++)
        judge_service(facts, mta, &mta->services[i], out);
    if (out->n == before)
        find(out, CHECK_MILTER, LEVEL_GOOD, mta->file, "%s asks assay", mta_name(mta));
}

void judge_milter(const struct doctor_facts *facts, struct findings *out)
{
    if (!facts->n_mtas)
        find(out, CHECK_MILTER, LEVEL_UNSEEN, STR_NONE, "%.*s", STR_ARG(facts->mta_problem));
    for (size_t i = 0; i < facts->n_mtas; i++)
        judge_lines(facts, &facts->mtas[i], out);
}

/* --- The socket --------------------------------------------------------------------------------*/

static void judge_path(const struct doctor_facts *facts, const struct mta_facts *mta,
                       const struct mta_service *service, const struct mta_filter *filter,
                       struct findings *out)
{
    (void)facts;
    if (!filter->by_name)
        return;
    struct finding *f =
        find(out, CHECK_SOCKET, LEVEL_GRAVE, mta->file,
             "%.*s runs in a chroot: %.*s is %.*s for it, and assay listens elsewhere",
             STR_ARG(clean(out, service->name)), STR_ARG(clean(out, filter->text)),
             STR_ARG(clean(out, filter->path)));
    f->why = STR("Postfix does not find the socket, and refuses mail for the time being");
    f->mend =
        STR("use listen = \"inet:8892@127.0.0.1\" and the line of postfix-main.cf; or a socket "
            "below /var/spool/postfix, as " ASSAY_DOCDIR "/postfix-socket.conf has it");
}

static bool has_path_problem(const struct mta_facts *mta)
{
    for (size_t i = 0; i < mta->n_services; i++) {
        const struct mta_filter *filter = ours_in(&mta->services[i]);
        if (filter && filter->by_name)
            return true;
    }
    return false;
}

static void judge_reached(const struct mta_facts *mta, struct findings *out)
{
    struct str at = clean(out, mta->reached_at);
    struct finding *f;
    switch (mta->reached) {
    case SEEN_YES:
        find(out, CHECK_SOCKET, LEVEL_GOOD, at, "it answers user %.*s of %s",
             STR_ARG(clean(out, str_of(mta->user))), mta_name(mta));
        return;
    case SEEN_NO:
        f = find(out, CHECK_SOCKET, LEVEL_GRAVE, at, "user %.*s of %s cannot reach assay: %.*s",
                 STR_ARG(clean(out, str_of(mta->user))), mta_name(mta),
                 STR_ARG(mta->reached_problem));
        f->why = STR("mail is refused for the time being, or accepted unchecked");
        f->mend = STR("see whether assay runs; for a Unix socket look at its directory, "
                      "socket-group and socket-mode");
        f->command = STR("assay config check; systemctl status assay");
        return;
    case UNSEEN:
        find(out, CHECK_SOCKET, LEVEL_UNSEEN, at,
             "whether %s reaches assay was not looked at%s%.*s", mta_name(mta),
             mta->reached_problem.n ? ": " : "", STR_ARG(mta->reached_problem));
    }
}

void judge_socket(const struct doctor_facts *facts, struct findings *out)
{
    each_filter(facts, out, judge_path);
    for (size_t i = 0; i < facts->n_mtas; i++)
        if (anybody_asks(&facts->mtas[i]) && !has_path_problem(&facts->mtas[i]))
            judge_reached(&facts->mtas[i], out);
}

/* --- Time-outs ---------------------------------------------------------------------------------*/

static void say_short(const struct mta_facts *mta, const struct mta_filter *filter,
                      const char *name, int64_t has, const char *option, int64_t needs,
                      struct findings *out)
{
    struct finding *f =
        find(out, CHECK_TIMEOUTS, LEVEL_WARNING, mta->file,
             "%s is %lld s for %.*s, and assay may take %lld s (%s)", name, (long long)(has / 1000),
             STR_ARG(clean(out, filter->text)), (long long)((needs + 999) / 1000), option);
    f->why =
        STR("the mail server gives up on assay while it waits for DNS: mail is refused for the "
            "time being, or goes on unchecked");
    f->mend = lines_of(mta);
}

static void judge_times(const struct doctor_facts *facts, const struct mta_facts *mta,
                        const struct mta_service *service, const struct mta_filter *filter,
                        struct findings *out)
{
    bool postfix = mta->kind == MTA_POSTFIX;
    int64_t deadline = facts->conf->dns_deadline, early = facts->conf->dns_early_wait;
    size_t before = out->n;
    (void)service;
    early = early < deadline ? early : deadline;
    if (filter->content_ms && filter->content_ms <= deadline)
        say_short(mta, filter,
                  postfix ? "milter_content_timeout" : "the time-out R:", filter->content_ms,
                  "dns.deadline", deadline, out);
    if (filter->command_ms && filter->command_ms <= early)
        say_short(mta, filter, "milter_command_timeout", filter->command_ms, "dns.early-wait",
                  early, out);
    if (filter->whole_ms && filter->whole_ms <= deadline)
        say_short(mta, filter, "the time-out E:", filter->whole_ms, "dns.deadline", deadline, out);
    if (out->n == before)
        find(out, CHECK_TIMEOUTS, LEVEL_GOOD, mta->file, "%s waits longer than assay does",
             mta_name(mta));
}

void judge_timeouts(const struct doctor_facts *facts, struct findings *out)
{
    each_filter(facts, out, judge_times);
}

/* --- While assay is down -----------------------------------------------------------------------*/

static void judge_default(const struct doctor_facts *facts, const struct mta_facts *mta,
                          const struct mta_service *service, const struct mta_filter *filter,
                          struct findings *out)
{
    static const struct {
        enum doctor_level level;
        const char *what, *why;
    } cases[] = {
        [AWAY_TRY_AGAIN] = {LEVEL_GOOD, "clients are asked to try again", ""},
        [AWAY_PASSES] = {LEVEL_WARNING, "mail is accepted all the same",
                         "during a restart mail comes in unchecked and leaves unsigned"},
        [AWAY_REFUSED] = {LEVEL_WARNING, "mail is refused for good",
                          "during a restart good mail goes back to its senders"},
        [AWAY_HELD] = {LEVEL_NOTE, "mail is held", "somebody has to release it by hand"},
    };
    (void)facts, (void)service;
    struct finding *f = find(out, CHECK_ABSENCE, cases[filter->away].level, mta->file,
                             "while assay is down, %s", cases[filter->away].what);
    if (f->level == LEVEL_GOOD)
        return;
    f->why = str_of(cases[filter->away].why);
    f->mend = mta->kind == MTA_POSTFIX ? STR("default_action=tempfail in the filter's braces, or "
                                             "milter_default_action = tempfail")
                                       : STR("F=T in the line of the filter");
}

void judge_absence(const struct doctor_facts *facts, struct findings *out)
{
    each_filter(facts, out, judge_default);
}

/* --- Order -------------------------------------------------------------------------------------*/

static bool names_peer(struct findings *out, struct str text)
{
    const char *name = str_cstr(out->arena, str_lower(out->arena, text));
    return strstr(name, "opendkim") || strstr(name, "opendmarc") || strstr(name, "dkim-filter") ||
           strstr(name, "openarc");
}

static void judge_peer(const struct mta_facts *mta, const struct mta_filter *other,
                       struct findings *out)
{
    struct finding *f = find(out, CHECK_ORDER, LEVEL_WARNING, mta->file,
                             "%.*s is asked beside assay", STR_ARG(clean(out, other->text)));
    f->why =
        STR("both do the same: mail gets two signatures and two verdicts, and the stricter one "
            "wins");
    f->mend = STR("when assay does what it should, take the other one out (assay-migrate(7))");
}

static void judge_behind(const struct doctor_facts *facts, const struct mta_facts *mta,
                         const struct mta_filter *other, struct findings *out)
{
    if (!signs(facts))
        return;
    struct finding *f = find(out, CHECK_ORDER, LEVEL_WARNING, mta->file,
                             "%.*s is asked after assay", STR_ARG(clean(out, other->text)));
    f->why = STR("what it changes in a message breaks the signature that assay has made");
    f->mend = STR("put assay last, unless that filter changes neither header nor body");
}

static void judge_filters(const struct doctor_facts *facts, const struct mta_facts *mta,
                          const struct mta_service *service, const struct mta_filter *ours,
                          struct findings *out)
{
    size_t before = out->n;
    for (size_t i = 0; i < service->n_filters; i++) {
        const struct mta_filter *other = &service->filters[i];
        if (other == ours)
            continue;
        if (names_peer(out, other->text))
            judge_peer(mta, other, out);
        else if (other > ours)
            judge_behind(facts, mta, other, out);
    }
    if (out->n == before)
        find(out, CHECK_ORDER, LEVEL_GOOD, mta->file,
             "no filter after assay breaks its signatures");
}

static void judge_proxy(const struct mta_facts *mta, struct findings *out)
{
    bool told = !anybody_asks(mta); /* judge_milter() has said so */
    for (size_t i = 0; i < mta->n_services; i++)
        told = told || (mta->services[i].xclient && ours_in(&mta->services[i]));
    for (size_t i = 0; i < mta->n_services && !told; i++) {
        if (!mta->services[i].proxied)
            continue;
        struct finding *f = find(out, CHECK_ORDER, LEVEL_GRAVE, mta->file,
                                 "%.*s has smtpd_proxy_filter, and asks no milter in front of it",
                                 STR_ARG(clean(out, mta->services[i].name)));
        f->why = STR("behind that filter every client is loopback: mail is neither judged nor "
                     "signed");
        f->mend = STR("use content_filter, or let the filter tell the real client by XCLIENT: "
                      "\"Content filters, proxies and forwarding\" in assay.conf(5)");
    }
}

/* assay recognizes such mail, but it is better not to ask it twice. */
static void judge_handed_back(const struct mta_facts *mta, struct findings *out)
{
    for (size_t i = 0; i < mta->n_services; i++) {
        const struct mta_service *service = &mta->services[i];
        if (!service->takes_back || service->xclient || !ours_in(service))
            continue;
        find(out, CHECK_ORDER, LEVEL_NOTE, mta->file,
             "%.*s, on loopback, asks assay too: if a content filter hands mail back there, it is "
             "asked about twice",
             STR_ARG(clean(out, service->name)))
            ->mend = STR("unless the filter changes mail: -o receive_override_options=no_milters "
                         "there; \"Content filters, proxies and forwarding\" in assay.conf(5)");
    }
}

static bool is_masqueraded(const struct mta_facts *mta, struct str domain)
{
    for (size_t i = 0; i < mta->n_unmasqueraded; i++)
        if (domain_is_at_or_below(domain, mta->unmasqueraded[i]))
            return false;
    for (size_t i = 0; i < mta->n_masqueraded; i++)
        if (str_eq(domain, mta->masqueraded[i]))
            return !str_eq(domain, mta->masquerade);
    return false;
}

/* Sendmail does that when it sends, behind its filters. */
static void judge_masquerade(const struct doctor_facts *facts, const struct mta_facts *mta,
                             struct findings *out)
{
    for (size_t i = 0; mta->masquerade.n && i < facts->n_domains; i++) {
        const struct domain_facts *d = &facts->domains[i];
        if (!d->n_keys || !is_masqueraded(mta, d->name))
            continue;
        struct finding *f =
            find(out, CHECK_ORDER, LEVEL_GRAVE, mta->file,
                 "MASQUERADE_AS writes From of %.*s as @%.*s, after assay has signed",
                 STR_ARG(clean(out, d->name)), STR_ARG(clean(out, mta->masquerade)));
        f->why = STR("that breaks the signature, and receivers see another author");
        f->mend = str_printf(out->arena,
                             "in sendmail.mc take MASQUERADE_AS out, or add "
                             "MASQUERADE_EXCEPTION(`%.*s')dnl, then: make -C /etc/mail && "
                             "systemctl restart sendmail",
                             STR_ARG(clean(out, d->name)));
    }
}

void judge_order(const struct doctor_facts *facts, struct findings *out)
{
    for (size_t i = 0; i < facts->n_mtas; i++)
        judge_masquerade(facts, &facts->mtas[i], out);
    for (size_t i = 0; i < facts->n_mtas; i++)
        judge_proxy(&facts->mtas[i], out);
    for (size_t i = 0; i < facts->n_mtas; i++)
        judge_handed_back(&facts->mtas[i], out);
    each_filter(facts, out, judge_filters);
}

/* --- 8BITMIME and macros -----------------------------------------------------------------------*/

void judge_8bitmime(const struct doctor_facts *facts, struct findings *out)
{
    for (size_t i = 0; i < facts->n_mtas; i++) {
        const struct mta_facts *mta = &facts->mtas[i];
        if (!mta->no_8bitmime.n) {
            find(out, CHECK_8BITMIME, LEVEL_GOOD, mta->file, "8-bit mail is accepted as it is");
            continue;
        }
        struct finding *f = find(out, CHECK_8BITMIME, LEVEL_WARNING, mta->file,
                                 "%.*s: 8-bit mail is not accepted as it is",
                                 STR_ARG(clean(out, mta->no_8bitmime)));
        f->why =
            STR("senders rewrite such mail for this server, which breaks their DKIM signatures, "
                "and ours are broken on the way out");
        f->mend = STR("take that setting out, and reload the mail server");
    }
}

#define HOUR            3600
#define MESSAGE_LONGEST 900 /* seconds from the connection to the end of a message */

static const struct {
    const char *name, *use;
    bool of_message; /* the MTA sends it at MAIL or later */
} needed[] = {
    {"daemon_name", "mail on a submission service is not recognised", false},
    {"j", "Received fields of this host are not recognised, nor mail that was forwarded", false},
    {"i", "log lines have no queue id", true},
};

static int64_t last_seen(const struct machine_facts *m, const char *name)
{
    for (size_t i = 0; i < m->n_macros; i++)
        if (strcmp(m->macros[i].name, name) == 0)
            return m->macros[i].last_seen;
    return 0;
}

/* A macro that came with the last connection or message is not missing. */
static void judge_macro(const struct machine_facts *m, size_t i, struct findings *out)
{
    int64_t asked = needed[i].of_message ? m->last_message : m->last_connection;
    if (asked < m->now - HOUR || last_seen(m, needed[i].name) >= asked - MESSAGE_LONGEST)
        return;
    struct finding *f = find(out, CHECK_MACROS, LEVEL_WARNING, STR_NONE,
                             "the mail server does not send the macro {%s}", needed[i].name);
    f->why = str_of(needed[i].use);
    f->mend = STR("take milter_*_macros out of main.cf, or confMILTER_MACROS_* out of sendmail.mc: "
                  "assay asks for what it needs");
}

void judge_macros(const struct doctor_facts *facts, struct findings *out)
{
    const struct machine_facts *m = &facts->machine;
    size_t before = out->n;
    if (!m->n_macros) {
        find(out, CHECK_MACROS, LEVEL_UNSEEN, STR_NONE,
             "only the running daemon knows which macros the mail server sends");
        return;
    }
    if (m->last_message < m->now - HOUR) {
        find(out, CHECK_MACROS, LEVEL_UNSEEN, STR_NONE,
             "which macros the mail server sends is not known: no message in the last hour");
        return;
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        judge_macro(m, i, out);
    if (out->n == before)
        find(out, CHECK_MACROS, LEVEL_GOOD, STR_NONE,
             "the mail server has sent the macros that assay needs");
}
