/* whole.c - a message played through at once.
 *
 * Errors: none; see the verdict. */
#include "decide/whole.h"

static bool refused(struct whole *w, enum policy_point point)
{
    w->point = point;
    policy_decide(w->conf, point, w->session, w->message, &w->evidence, w->message->arena,
                  &w->verdict);
    return w->verdict.action >= ACTION_TEMPFAIL;
}

static void feed_body(struct whole *w, struct pipeline *p)
{
    size_t step = w->chunk ? w->chunk : w->body.n;
    for (size_t at = 0; at < w->body.n && pipeline_wants_body(p); at += step) {
        struct str piece = str_sub(w->body, at, at + step);
        pipeline_body(p, piece.p, piece.n);
    }
}

void whole_message(struct whole *w)
{
    struct stage_run base = {
        .conf = w->conf,
        .session = w->session,
        .message = w->message,
        .evidence = &w->evidence,
        .asker = &w->asker,
        .keys = w->keys,
        .signing_keys = w->signing_keys,
        .engines = w->engines,
    };
    w->message->body = (struct kept_body){.whole = true, .n = 1, .pieces = &w->body};
    w->asker.arena = w->message->arena;
    w->asker.memory = w->conf->dns_memory;
    w->asker.patience_us = w->conf->dns_deadline * 1000;
    message_decide_origin(w->conf, w->session, w->message);
    struct pipeline *p = pipeline_new(&base);
    pipeline_mail(p);
    if (refused(w, POINT_MAIL))
        return;
    pipeline_rcpt(p);
    if (refused(w, POINT_RCPT))
        return;
    message_settle_origin(w->conf, w->session, w->message);
    pipeline_eoh(p);
    feed_body(w, p);
    pipeline_eom(p);
    refused(w, POINT_EOM);
    edits_plan(w->conf, w->session, w->message, &w->evidence, &w->verdict, w->message->arena,
               &w->edits);
}
