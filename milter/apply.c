/* apply.c - tells the MTA what edits and verdict call for.
 *
 * Errors: what the MTA does not take turns the message away with 451. A change that could not be
 * written fails with the answer (override_io.c), and the connection with it. */
#include "milter/apply.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

#include <libmilter/mfapi.h>

#include "base/log.h"

#define REPLY_MAX 480 /* text; RFC 5321 4.5.3.1.5 allows lines of 512 bytes */

/* A '%' that is not doubled loses the reply under Sendmail, and itself under Postfix. */
static void write_reply(struct str text, char out[REPLY_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < REPLY_MAX - 1; i++) {
        out[n++] = text.p[i];
        if (text.p[i] == '%')
            out[n++] = '%';
    }
    out[n] = '\0';
}

int apply_refusal(struct smfi_str *ctx, const struct verdict *verdict)
{
    char code[8], enhanced[16], text[REPLY_MAX + 1]; /* libmilter wants them writable */
    bool reject = verdict->action == ACTION_REJECT;
    /* An enhanced code of another class makes Postfix answer 451 4.3.5 from then on. */
    assert(verdict->code.n && verdict->code.p[0] == (reject ? '5' : '4'));
    assert(verdict->enhanced.n && verdict->enhanced.p[0] == (reject ? '5' : '4'));
    snprintf(code, sizeof code, "%.*s", STR_ARG(verdict->code));
    snprintf(enhanced, sizeof enhanced, "%.*s", STR_ARG(verdict->enhanced));
    write_reply(verdict->text, text);
    if (smfi_setreply(ctx, code, enhanced, text) != MI_SUCCESS)
        log_warning("libmilter refused the reply \"%s %s %s\"", code, enhanced, text);
    return reject ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static bool apply_edit(struct smfi_str *ctx, const struct edit *e, bool leading_space,
                       struct arena *a)
{
    char *name = str_cstr(a, e->name);
    assert(e->ordinal <= INT_MAX);
    if (e->kind == EDIT_DELETE)
        return smfi_chgheader(ctx, name, (int)e->ordinal, NULL) == MI_SUCCESS;
    struct str value = e->value;
    if (!leading_space && str_starts(value, STR(" ")))
        value = str_sub(value, 1, value.n);
    if (e->kind == EDIT_CHANGE)
        return smfi_chgheader(ctx, name, (int)e->ordinal, str_cstr(a, value)) == MI_SUCCESS;
    return smfi_insheader(ctx, 0, name, str_cstr(a, value)) == MI_SUCCESS;
}

/* What the MTA did not take, or STR_NONE. */
static struct str apply_edits(struct smfi_str *ctx, const struct edit_list *edits,
                              bool leading_space, struct arena *a)
{
    for (size_t i = 0; i < edits->n; i++)
        if (!apply_edit(ctx, &edits->v[i], leading_space, a))
            return edits->v[i].name;
    return STR_NONE;
}

static int turn_away(struct smfi_str *ctx, const struct message *m, struct str untaken,
                     struct verdict *verdict)
{
    struct str id = str_safe(m->arena, m->queue_id, 64, false);
    log_info("%.*s: the MTA did not take the change: %.*s", STR_ARG(id.n ? id : STR("NOQUEUE")),
             STR_ARG(untaken));
    verdict->action = verdict->wanted = ACTION_TEMPFAIL;
    verdict->code = STR("451");
    verdict->enhanced = STR("4.3.0");
    verdict->text = STR("This message could not be handled, try again later");
    verdict->cause = "mta";
    return apply_refusal(ctx, verdict);
}

int apply_end(struct smfi_str *ctx, const struct message *message, const struct edit_list *edits,
              bool leading_space, struct verdict *verdict)
{
    struct arena *a = message->arena;
    if (verdict->action >= ACTION_TEMPFAIL)
        return apply_refusal(ctx, verdict);
    struct str untaken = apply_edits(ctx, edits, leading_space, a);
    if (!untaken.n && verdict->action == ACTION_QUARANTINE &&
        smfi_quarantine(ctx, str_cstr(a, verdict->text)) != MI_SUCCESS)
        untaken = STR("quarantine");
    return untaken.n ? turn_away(ctx, message, untaken, verdict) : SMFIS_CONTINUE;
}
