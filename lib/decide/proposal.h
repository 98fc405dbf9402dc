/* proposal.h - what one cause asks for, among the files of policy. */
#ifndef ASSAY_DECIDE_PROPOSAL_H
#define ASSAY_DECIDE_PROPOSAL_H

#include "conf/conf.h"
#include "core/evidence.h"
#include "core/message.h"
#include "core/verdict.h"

#define EXPLANATION_MAX 200 /* of a text from elsewhere, in a reply */

/* What local rules make of a published DMARC policy. */
struct local_policy {
    enum action action;
    enum override_reason reason;
    struct str comment;
    bool unsure; /* something that would be milder cannot be known now */
};

struct proposal {
    enum action action;
    bool shadow; /* evaluated and logged only */
    bool always; /* done in shadow mode too: it protects the MTA */
    const char *cause;
    const char *detail;   /* of the enhanced code: "7.1" */
    const char *codes[2]; /* basic codes for tempfail and reject; NULL: 451, 550 */
    struct str text;
    size_t author; /* of DMARC: the outcome that it is for, and what was done about its policy */
    struct local_policy local;
};

/* What is judged, and where the texts go. */
struct judging {
    const struct conf *conf;
    enum policy_point point;
    const struct session *session;
    const struct message *message;
    const struct evidence *evidence;
    struct arena *arena;
};

/* Clients, lists and senders: writes at most GATE_CAUSES proposals, in their order. */
#define GATE_CAUSES 6
size_t gate_judge(const struct judging *j, struct proposal *proposals);
/* True if one of these may refuse before the end of the message under this configuration. */
bool gate_may_refuse(const struct conf *conf);

/* What this recipient alone is refused for. */
struct proposal judge_recipient(const struct judging *j, struct str address);

/* Asks unknown clients to come again. */
struct proposal judge_greylist(const struct judging *j);

#endif
