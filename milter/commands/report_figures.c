/* report_figures.c - the filter of the commands that print figures, and their forms.
 *
 * Errors: an exit status after a complaint: 64 for a word that is none, 75 for the store. */
#include "milter/commands/report_figures.h"

#include <string.h>
#include <time.h>

#include "milter/commands/terminal.h"

#define DAY 86400

static int take_words(struct command *c, struct figures_words *w, int days)
{
    struct figures_filter *f = &w->filter;
    int64_t now = time(NULL);
    f->owner = (struct figures_owner){report_domains(c), &c->conf->host_addresses,
                                      &c->conf->trusted_networks};
    f->today = now / DAY;
    f->to_day = w->until ? w->until / DAY : f->today;
    f->from_day = w->since ? w->since / DAY : f->to_day - days + 1;
    f->all_trust = w->all_trust;
    f->source = str_of(w->source);
    f->reporter = str_of(w->reporter);
    if (w->domain) {
        const char *why =
            conf_domain_problem(c->arena, str_of(w->domain), CONF_DOMAIN_NAMED, &f->domain);
        if (why)
            return command_fail(c, EX_USAGE, "--domain: \"%s\" %s", w->domain, why);
    }
    if (w->result && !figures_result_of_word(str_of(w->result), &f->result))
        return command_fail(c, EX_USAGE,
                            "--result: \"%s\" is none of pass, fail, both, dkim, spf, quarantine, "
                            "reject",
                            w->result);
    return EX_OK;
}

int figures_begin(struct command *c, int days)
{
    struct figures_words *w = c->own;
    w->command = c;
    w->scratch = c->arena;
    int status = report_open_read(c, &w->store);
    if (status == EX_OK)
        status = take_words(c, w, days);
    if (status != EX_OK) {
        received_close(w->store);
        return status;
    }
    if (!w->store && !c->json)
        command_fail(c, 0, "no report was received yet: assay report receive stores them");
    if (c->json)
        json_begin_array(&w->json, c->arena);
    csv_begin(&w->table, stdout);
    return EX_OK;
}

/* The last day before the period that a report counts for; 0: none. */
static int64_t last_day_before(const struct figures_words *w)
{
    struct figures_filter earlier = w->filter;
    struct figures f = {0};
    int64_t last = 0;
    earlier.to_day = earlier.from_day - 1;
    earlier.from_day = 0;
    if (!figures_read(w->store, &earlier, w->command->arena, &f))
        return 0;
    for (size_t i = 0; i < f.n_reporters; i++)
        if (f.reporters[i].last_day > last)
            last = f.reporters[i].last_day;
    return last;
}

void figures_tell_of_none(struct figures_words *w, const struct figures *f)
{
    char from[16], to[16], last[16];
    bool filtered = w->source || w->reporter || w->result;
    if (!w->store || w->command->json || w->csv || filtered || figures_all(&f->counts))
        return;
    int64_t before = last_day_before(w);
    figures_day_text(w->filter.from_day, from);
    figures_day_text(w->filter.to_day, to);
    figures_day_text(before, last);
    if (before)
        command_fail(w->command, 0,
                     "no report counts from %s to %s; the newest before is of %s: --since %s takes "
                     "it in",
                     from, to, last, last);
    else if (!w->all_trust)
        command_fail(w->command, 0,
                     "no report counts from %s to %s; --all-trust counts those whose mail did not "
                     "pass DMARC, too",
                     from, to);
}

int figures_finish(struct figures_words *w, bool good, int status)
{
    if (!good)
        status = report_store_failed(w->command, w->store);
    if (w->command->json) {
        command_print_json_list(&w->json);
    }
    received_close(w->store);
    return status;
}

struct str figures_clean(const struct figures_words *w, struct str text, size_t max)
{
    return str_safe(w->scratch, text.p ? text : STR(""), max, true);
}

struct str figures_column(const struct figures_words *w, struct str text, size_t width)
{
    return terminal_column(w->scratch, text, width);
}

const char *figures_day_text(int64_t day, char out[16])
{
    time_t t = (time_t)(day * DAY);
    struct tm tm;
    if (!day || !gmtime_r(&t, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        strcpy(out, "-");
    return out;
}

const char *figures_percent(uint64_t part, uint64_t all, char out[16])
{
    unsigned tenths = all ? (unsigned)((double)part * 1000.0 / (double)all) % 10000 : 0;
    snprintf(out, 16, "%u.%u", tenths / 10, tenths % 10);
    return out;
}
