/* report_digest_command.c - `assay report digest`: the weekly mail.
 *
 * Errors: exit status 1 if the mailer does not take it now, 75 if the store is not to be had, 78 if
 * the configuration does not say who sends it. */
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "milter/commands/commands.h"
#include "milter/commands/owner.h"
#include "milter/commands/report_pages.h"
#include "report/out/handover.h"
#include "report/page/digest.h"

#define DAYS_MAX 92

struct digest_words {
    struct command_texts to;
    const char *days;
};

static struct str host_name(struct command *c)
{
    char name[256] = "";
    if (gethostname(name, sizeof name - 1))
        name[0] = 0;
    return str_copy(c->arena,
                    name[0] ? str_safe(c->arena, str_of(name), 200, false) : STR("localhost"));
}

/* Fit for a field To and for an envelope. */
static bool is_address(struct str s)
{
    size_t at = str_find_last(s, '@');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || strchr("<>()[],;:\\\"", s.p[i]))
            return false;
    return at > 0 && at + 1 < s.n && s.p[0] != '-' && s.n <= 254;
}

static int take_words(struct command *c, struct digest_mail *m)
{
    const struct digest_words *w = c->own;
    unsigned long long days = 7;
    if (w->days && (!str_to_u64(str_of(w->days), DAYS_MAX, &days) || !days))
        return command_fail(c, EX_USAGE, "--days: \"%s\" is no number from 1 to %d", w->days,
                            DAYS_MAX);
    for (size_t i = 0; i < w->to.n; i++)
        if (!is_address(str_of(w->to.v[i])))
            return command_fail(c, EX_USAGE, "--to: \"%s\" is no address", w->to.v[i]);
    if (w->to.n && !c->conf->reports_from.n)
        return command_fail(c, EX_CONFIG, "set reports.from, the address that the mail comes from");
    m->host = host_name(c);
    m->from = c->conf->reports_from.n ? c->conf->reports_from
                                      : str_printf(c->arena, "assay@%.*s", STR_ARG(m->host));
    m->n_to = w->to.n;
    m->to = w->to.v;
    m->days = (int64_t)days;
    m->now = c->now;
    return EX_OK;
}

static int compose_digest(struct command *c, const struct digest_mail *m, struct str *text)
{
    struct str problem;
    struct page_stores stores = {.owner = report_pages_owner(c)};
    if (!report_pages_open(c->conf, c->arena, &stores, &problem))
        return command_no_store(c, problem);
    bool good = digest_compose(&stores, m, c->arena, text, &problem);
    report_pages_close(&stores);
    return good ? EX_OK : command_no_store(c, problem);
}

static int send_to(struct command *c, const struct digest_mail *m, struct str text, const char *to)
{
    struct str why = STR("");
    const struct letter_out letter = {.sender = m->from, .recipient = str_of(to), .text = text};
    if (hand_over(c->conf->reports_mailer, &letter, c->arena, &why) == HANDED_OVER)
        return EX_OK;
    return command_fail(c, 1, "%s: %.*s", to, STR_ARG(why));
}

static int digest_run(struct command *c)
{
    struct digest_mail m = {0};
    struct str text;
    int status = command_load_conf(c);
    if (status == EX_OK)
        status = take_words(c, &m);
    if (status == EX_OK)
        status = m.n_to ? command_become_owner_mailing(c) : command_become_owner(c);
    if (status == EX_OK)
        status = compose_digest(c, &m, &text);
    if (status != EX_OK)
        return status;
    if (!m.n_to)
        fwrite(text.p, 1, text.n, stdout);
    for (size_t i = 0; i < m.n_to; i++) {
        int sent = send_to(c, &m, text, m.to[i]);
        status = status ? status : sent;
    }
    return status;
}

static const struct command_option digest_options[] = {
    OPTION("to", "ADDRESS", take_texts, struct digest_words, to,
           "hand the mail over to reports.mailer for this address; may be given again; default: "
           "print it"),
    OPTION("days", "N", take_text, struct digest_words, days,
           "number of days, up to yesterday; default: 7"),
    {0},
};

const struct command_row report_digest_command = {
    .name = "digest",
    .brief = "the weekly mail: what the reports say",
    .options = digest_options,
    .common = COMMON_CONF | COMMON_AT,
    .size = sizeof(struct digest_words),
    .run = digest_run,
    .about = "Makes a mail that says what the reports of the last week say: alarms first, then "
             "domains, what failed and who is silent, with the overview as a page in it. It is "
             "also made when no report came.",
    .status = "0; 1 the mailer did not take it; 75 the store cannot be opened now; 78 the "
              "configuration is wrong, or reports.from is missing.",
};
