/* play.c - plays a whole message through a dialogue.
 *
 * Errors: none; see the verdict. */
#include "session/play.h"

#include <time.h>

static struct snapshot *take_fixed(void *fixed)
{
    return &((struct fixed_host *)fixed)->snapshot;
}

static void release_fixed(struct snapshot *snapshot)
{
    (void)snapshot;
}

static int64_t fixed_now(void *fixed)
{
    int64_t now = ((struct fixed_host *)fixed)->now;
    return now ? now : time(NULL);
}

void fixed_host_init(struct fixed_host *fixed)
{
    *fixed = (struct fixed_host){
        .host = {.context = fixed,
                 .snapshot_take = take_fixed,
                 .snapshot_release = release_fixed,
                 .now = fixed_now},
        .snapshot = {.engines = &engines_own},
    };
}

/* The refusal of the last recipient, if none was taken. */
static const struct verdict *play_recipients(struct dialogue *d, const struct letter *letter)
{
    const struct verdict *refusal = NULL;
    bool taken = false;
    for (size_t i = 0; i < letter->n_recipients; i++) {
        refusal = dialogue_rcpt(d, &letter->recipients[i]);
        taken = taken || !refusal;
    }
    return taken ? NULL : refusal;
}

static void play_body(struct dialogue *d, const struct letter *letter)
{
    size_t step = letter->chunk ? letter->chunk : letter->body.n;
    for (size_t at = 0; at < letter->body.n; at += step) {
        struct str piece = str_sub(letter->body, at, at + step);
        dialogue_body(d, piece.p, piece.n);
    }
}

static const struct verdict *play_content(struct dialogue *d, const struct letter *letter)
{
    for (size_t i = 0; i < letter->headers->n; i++)
        dialogue_header(d, letter->headers->fields[i].name, letter->headers->fields[i].value);
    dialogue_end_of_header(d);
    play_body(d, letter);
    dialogue_end(d);
    const struct verdict *verdict = &d->transaction->verdict;
    return verdict->action >= ACTION_TEMPFAIL ? verdict : NULL;
}

const struct verdict *play_letter(struct dialogue *d, const struct letter *letter)
{
    const struct verdict *refusal = dialogue_connect(d, &letter->client, 1);
    if (refusal)
        return refusal;
    dialogue_helo(d, letter->helo);
    refusal = dialogue_mail(d, &letter->envelope);
    if (!refusal && letter->n_recipients)
        refusal = play_recipients(d, letter);
    if (!refusal)
        refusal = dialogue_data(d);
    return refusal || letter->envelope_only ? refusal : play_content(d, letter);
}
