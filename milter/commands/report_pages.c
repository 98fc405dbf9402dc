/* report_pages.c - opens what pages are made of.
 *
 * Errors: false, and a phrase. */
#include "milter/commands/report_pages.h"

#include <unistd.h>

#include "milter/commands/report.h"

struct figures_owner report_pages_owner(struct command *c)
{
    return (struct figures_owner){report_domains(c), &c->conf->host_addresses,
                                  &c->conf->trusted_networks};
}

bool report_pages_open(const struct conf *conf, struct arena *a, struct page_stores *out,
                       struct str *problem)
{
    struct str received = str_printf(a, "%.*s/received.db", STR_ARG(conf->state_dir));
    struct str rows = str_printf(a, "%.*s/rows.db", STR_ARG(conf->state_dir));
    *problem = STR("");
    out->received = received_open_read(received, a, problem);
    if (!out->received && problem->n)
        return false;
    bool there = access(rows.p, F_OK) == 0;
    out->rows = there ? rows_reader_open(rows, a, problem) : NULL;
    out->sent = out->rows ? sent_open(rows, false, a, problem) : NULL;
    if (problem->n) {
        report_pages_close(out);
        return false;
    }
    out->has_countries =
        conf->reports_country_file.n && access(str_cstr(a, conf->reports_country_file), R_OK) == 0;
    return true;
}

void report_pages_close(struct page_stores *stores)
{
    received_close(stores->received);
    rows_reader_close(stores->rows);
    sent_close(stores->sent);
    stores->received = NULL;
    stores->rows = NULL;
    stores->sent = NULL;
}
