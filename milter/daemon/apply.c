/* apply.c - tells the MTA what edits and verdict call for.
 *
 * Errors: what the MTA does not take turns the message away with 451. A change that could not be
 * written fails with the answer, and the connection with it. */
#include "milter/daemon/apply.h"

#include <assert.h>
#include <stdio.h>

#include "base/log.h"

#define REPLY_MAX 480 /* text; RFC 5321 4.5.3.1.5 allows lines of 512 bytes */

enum mta_answer apply_refusal(struct mta *mta, const struct verdict *verdict)
{
    char code[8], enhanced[16], text[REPLY_MAX + 1];
    bool reject = verdict->action == ACTION_REJECT;
    /* An enhanced code of another class makes Postfix answer 451 4.3.5 from then on. */
    assert(verdict->code.n && verdict->code.p[0] == (reject ? '5' : '4'));
    assert(verdict->enhanced.n && verdict->enhanced.p[0] == (reject ? '5' : '4'));
    snprintf(code, sizeof code, "%.*s", STR_ARG(verdict->code));
    snprintf(enhanced, sizeof enhanced, "%.*s", STR_ARG(verdict->enhanced));
    snprintf(text, sizeof text, "%.*s", STR_ARG(verdict->text));
    if (!mta->calls->reply(mta, code, enhanced, text))
        log_warning("the door refused the reply \"%s %s %s\"", code, enhanced, text);
    return reject ? MTA_REJECT : MTA_TEMPFAIL;
}

static bool apply_edit(struct mta *mta, const struct edit *e, bool leading_space, struct arena *a)
{
    char *name = str_cstr(a, e->name);
    if (e->kind == EDIT_DELETE)
        return mta->calls->change_header(mta, name, e->ordinal, NULL);
    struct str value = e->value;
    if (!leading_space && str_starts(value, STR(" ")))
        value = str_sub(value, 1, value.n);
    if (e->kind == EDIT_CHANGE)
        return mta->calls->change_header(mta, name, e->ordinal, str_cstr(a, value));
    return mta->calls->insert_header(mta, name, str_cstr(a, value));
}

/* The change that the MTA did not take, or STR_NONE. */
static struct str apply_edits(struct mta *mta, const struct edit_list *edits, bool leading_space,
                              struct arena *a)
{
    for (size_t i = 0; i < edits->n; i++)
        if (!apply_edit(mta, &edits->v[i], leading_space, a))
            return edits->v[i].name;
    return STR_NONE;
}

static enum mta_answer turn_away(struct mta *mta, const struct message *m, struct str untaken,
                                 struct verdict *verdict)
{
    log_info("%.*s: the MTA did not take the change: %.*s", STR_ARG(telling_id(m)),
             STR_ARG(untaken));
    verdict->action = verdict->if_enforced = ACTION_TEMPFAIL;
    verdict->code = STR("451");
    verdict->enhanced = STR("4.3.0");
    verdict->text = STR("This message could not be handled, try again later");
    verdict->cause = "mta";
    return apply_refusal(mta, verdict);
}

enum mta_answer apply_end(struct mta *mta, struct transaction *t, bool leading_space)
{
    struct verdict *verdict = &t->verdict;
    if (verdict->action >= ACTION_TEMPFAIL)
        return apply_refusal(mta, verdict);
    struct str untaken = apply_edits(mta, &t->edits, leading_space, t->arena);
    if (!untaken.n && verdict->action == ACTION_QUARANTINE &&
        !mta->calls->quarantine(mta, str_cstr(t->arena, verdict->text)))
        untaken = STR("quarantine");
    return untaken.n ? turn_away(mta, &t->message, untaken, verdict) : MTA_CONTINUE;
}
