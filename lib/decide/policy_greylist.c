/* policy_greylist.c - asks unknown clients to come again.
 *
 * Errors: none; what is not known asks for nothing. */
#include "decide/proposal.h"

/* Said where it was found; a message that reaches its end all the same did so in shadow mode. */
static bool is_due(const struct evidence_greylist *g, enum policy_point point)
{
    return (g->result == GREYLIST_NEW || g->result == GREYLIST_WAIT) &&
           (point == POINT_EOM || (point == POINT_DATA && !g->at_end));
}

struct proposal propose_greylist(const struct judging *j)
{
    const struct evidence_greylist *g = &j->evidence->greylist;
    struct proposal p = {
        .cause = "greylist", .detail = "7.1", .shadow = j->conf->greylist_mode == CHECK_SHADOW};
    if (!is_due(g, j->point))
        return p;
    p.action = ACTION_TEMPFAIL;
    p.text = str_printf(j->arena, "Greylisted, please try again in %lld second%s",
                        (long long)g->wait_s, g->wait_s == 1 ? "" : "s");
    return p;
}
