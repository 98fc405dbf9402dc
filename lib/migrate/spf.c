/* spf.c - the settings that only policyd-spf, pyspf-milter and smf-spf have.
 *
 * Errors: lines of the account. */
#include "migrate/migration.h"
#include "migrate/notes.h"

#define AT_END                                                                                     \
    "; at the end of the message, where a DMARC pass cancels it: spf.reject-at = "                 \
    "\"rcpt\" "                                                                                    \
    "does as before"

static bool set_action(struct migration *m, const struct migrate_setting *s, const char *option,
                       struct str action)
{
    return set_or_tell(m, option, action, s);
}

void carry_spf_mail_from(struct migration *m, const struct migrate_row *row,
                         const struct migrate_setting *s)
{
    static const struct str reject = STR_INIT("reject");
    bool soft = str_eq_nocase(s->value, STR("Softfail"));
    bool all = str_eq_nocase(s->value, STR("SPF_Not_Pass"));
    (void)row;
    if (str_eq_nocase(s->value, STR("No_Check"))) {
        if (set_action(m, s, "spf.mode", STR("off")))
            tell(m, s, MIGRATE_CHANGED, "spf.mode = off: assay does not check HELO alone, either");
        return;
    }
    if (!soft && !all && !str_eq_nocase(s->value, STR("Fail"))) {
        tell(m, s, MIGRATE_CARRIED, "spf.on-fail stays tag: nothing is refused, the header tells");
        return;
    }
    if (!set_action(m, s, "spf.on-fail", reject) ||
        ((soft || all) && !set_action(m, s, "spf.on-softfail", reject)) ||
        (all && (!set_action(m, s, "spf.on-neutral", reject) ||
                 !set_action(m, s, "spf.on-permerror", reject))))
        return;
    tell(m, s, MIGRATE_CHANGED, "%s = reject" AT_END,
         all    ? "spf.on-fail, on-softfail, on-neutral, on-permerror"
         : soft ? "spf.on-fail, spf.on-softfail"
                : "spf.on-fail");
}

void carry_spf_helo(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    (void)row;
    if (str_eq_nocase(s->value, STR("No_Check")) || str_eq_nocase(s->value, STR("Null"))) {
        tell(m, s, MIGRATE_CARRIED, "assay checks HELO only in place of a null sender");
        return;
    }
    if (set_or_tell(m, "spf.check-helo", STR("true"), s))
        tell(m, s, MIGRATE_CHANGED,
             "spf.check-helo = true: the result is in the header of every message, and refuses a "
             "message only in place of a null sender");
}

/* 0 means test operation, according to the manual. */
void carry_test_only(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    if (!str_eq(s->value, STR("0")))
        tell(m, s, MIGRATE_CARRIED, "the default of spf.mode: enforce");
    else if (set_or_tell(m, row->to, STR("shadow"), s))
        tell(m, s, row->fate, "%s = shadow", row->to);
}

/* tumgreyspf: 1 is learning only. */
void carry_seed_only(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    if (!is_true(s->value))
        tell(m, s, MIGRATE_CARRIED, "the default of %s", row->to);
    else if (set_or_tell(m, row->to, STR("shadow"), s))
        tell(m, s, row->fate, "%s = shadow", row->to);
}

void carry_debug_level(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    (void)row;
    bool error = str_eq(s->value, STR("0")) || str_eq(s->value, STR("-1"));
    tell(m, s, MIGRATE_CHANGED, "%s",
         error ? "each message has its log line: log-level = \"error\" leaves them out"
               : N_LOGLINE);
}

void carry_perm_error(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    struct str action = is_true(s->value) ? STR("reject") : STR("tag");
    if (!is_true(s->value))
        tell(m, s, row->fate, "the default of %s: tag", row->to);
    else if (set_or_tell(m, row->to, action, s))
        tell(m, s, row->fate, "%s = reject", row->to);
}

void carry_temp_error(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    if (!is_true(s->value))
        tell(m, s, row->fate, "the default of %s: tag", row->to);
    else if (set_or_tell(m, row->to, STR("tempfail"), s))
        tell(m, s, row->fate, "%s = tempfail", row->to);
}

void carry_header_type(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    if (str_eq_nocase(s->value, STR("SPF")))
        tell(m, s, MIGRATE_CARRIED,
             "the default of received-spf: true; Authentication-Results is above it");
    else if (set_or_tell(m, row->to, STR("false"), s))
        tell(m, s, str_eq_nocase(s->value, STR("AR")) ? MIGRATE_CARRIED : MIGRATE_CHANGED,
             "received-spf = false; assay always writes Authentication-Results");
}

void carry_lookup_time(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    struct str text = str_printf(m->arena, "%.*ss", STR_ARG(s->value));
    if (str_eq(s->value, STR("20")))
        tell(m, s, MIGRATE_CARRIED, "the default of dns.deadline, for all look-ups of a message");
    else if (set_or_tell(m, row->to, text, s))
        tell(m, s, MIGRATE_CHANGED, "dns.deadline = %.*s, for all look-ups of a message",
             STR_ARG(text));
}

/* --- smf-spf -----------------------------------------------------------------------------------*/

static bool is_set(const struct migration *m, const char *option)
{
    return m->values[option_find(str_of(option)) - options].set;
}

void carry_smf_fail(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    if (!is_true(s->value)) {
        tell(m, s, MIGRATE_CARRIED, "spf.on-fail stays tag: the header tells");
        return;
    }
    if (is_set(m, row->to) || set_or_tell(m, row->to, STR("reject"), s))
        tell(m, s, MIGRATE_CHANGED, "%s = reject" AT_END, row->to);
}

/* A refusal with 450 instead of 550. */
void carry_smf_soft(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    if (!is_true(s->value))
        tell(m, s, MIGRATE_CARRIED, "refusals are 550");
    else if (replace_or_tell(m, row->to, STR("tempfail"), s))
        tell(m, s, row->fate, "%s = tempfail", row->to);
}

void carry_smf_temp(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    struct str action = is_true(s->value) ? STR("tag") : STR("tempfail");
    if (set_or_tell(m, row->to, action, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(action));
}

void carry_smf_none(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    if (!is_true(s->value))
        tell(m, s, row->fate, "the default of %s: tag", row->to);
    else if (set_or_tell(m, row->to, STR("reject"), s))
        tell(m, s, row->fate, "%s = reject", row->to);
}

void carry_smf_quarantine(struct migration *m, const struct migrate_row *row,
                          const struct migrate_setting *s)
{
    if (!is_true(s->value))
        tell(m, s, MIGRATE_CARRIED, "the default of %s: tag", row->to);
    else if (set_or_tell(m, row->to, STR("quarantine"), s))
        tell(m, s, MIGRATE_CHANGED, "%s = quarantine: the MTA holds such mail in its queue",
             row->to);
}

void carry_smf_tag(struct migration *m, const struct migrate_row *row,
                   const struct migrate_setting *s)
{
    (void)row;
    bool yes = is_true(s->value);
    tell(m, s, yes ? MIGRATE_LEFT : MIGRATE_CARRIED, "%s",
         yes ? N_SUBJECT : "subjects stay as they are");
}

void carry_smf_skip_auth(struct migration *m, const struct migrate_row *row,
                         const struct migrate_setting *s)
{
    (void)row;
    bool yes = is_true(s->value);
    tell(m, s, yes ? MIGRATE_CARRIED : MIGRATE_CHANGED,
         "mail of clients that have authenticated is ours, and never judged");
}

/* A part of an address; only a whole domain can be carried over. */
void carry_smf_from(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    struct str domain = str_sub(s->value, 1, s->value.n);
    if (!str_starts(s->value, STR("@")))
        tell(m, s, MIGRATE_LEFT,
             "a sender can be forged: put the networks of this one into spf.skip-networks");
    else if (set_or_tell(m, row->to, domain, s))
        tell(m, s, MIGRATE_CHANGED, "%s: %.*s, and the domains below it", row->to, STR_ARG(domain));
}
