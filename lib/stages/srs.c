/* srs.c - is mail to an SRS address of ours the bounce that such an address is for?
 *
 * The address is looked at alone: whether its hash holds is asked by the MTA (socketmap), before
 * the recipient comes here.
 *
 * Errors: none. */
#include "srs/srs.h"
#include "core/stage.h"

static void count_recipients(struct stage_run *run)
{
    const struct message *m = run->message;
    struct evidence_srs *e = &run->evidence->srs;
    if (!run->conf->srs_domain.n || m->from.null || m->checks)
        return;
    *e = (struct evidence_srs){0};
    for (size_t i = 0; i < m->recipients_kept; i++) {
        if (m->recipients[i].refused)
            continue;
        e->others += !srs_is_of(run->conf->srs_domain, m->recipients[i].address);
        e->no_bounce += srs_is_of(run->conf->srs_domain, m->recipients[i].address);
    }
}

const struct stage stage_srs = {
    .name = "srs", .data = count_recipients, .eom = count_recipients, .telling = &telling_srs};
