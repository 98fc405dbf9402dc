/* report_pages.c - opens what pages are made of.
 *
 * Errors: false, and a phrase. */
#include "milter/commands/report_pages.h"

#include <unistd.h>

#include "milter/commands/report.h"
#include "milter/daemon/memory.h"

struct figures_owner report_pages_owner(struct command *c)
{
    return (struct figures_owner){report_domains(c), &c->conf->host_addresses,
                                  &c->conf->trusted_networks};
}

bool report_pages_open(const struct conf *conf, struct arena *a, struct page_stores *out,
                       struct str *problem)
{
    struct str rows = memory_rows_path(conf, a);
    *problem = STR("");
    out->received = received_open_read(memory_received_path(conf, a), a, problem);
    if (!out->received && problem->n)
        return false;
    out->rows = rows_exist(rows) ? rows_reader_open(rows, a, problem) : NULL;
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
