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
    bool shadow;  /* evaluated and logged only */
    bool always;  /* done in shadow mode too: it protects the MTA */
    bool storage; /* of basic codes 452 and 552, instead of 451 and 550 (RFC 5321 4.2.3) */
    const char *cause;
    const char *detail; /* of the enhanced code: "7.1" */
    struct str text;
    size_t author; /* of DMARC: the outcome that it is for, and what was done about its policy */
    struct local_policy local;
};

/* What is judged; texts go into the arena. */
struct judging {
    const struct conf *conf;
    enum policy_point point;
    const struct session *session;
    const struct message *message;
    const struct evidence *evidence;
    struct arena *arena;
};

static inline enum action action_milder(enum action a, enum action b)
{
    return a < b ? a : b;
}

/* True if the proposal is done under this configuration, and not only evaluated. */
bool proposal_is_done(const struct proposal *p, const struct conf *conf);

/* The proposal that asks for most, the first of equals; NULL if none asks for anything. With `conf`
 * only among those that are done under it. */
const struct proposal *proposals_gravest(const struct proposal *proposals, size_t n,
                                         const struct conf *conf);

/* --- SPF ---*/

struct proposal propose_spf(const struct judging *j);
/* True if SPF may refuse at this point under this configuration. */
bool spf_may_refuse(const struct conf *conf, enum policy_point point);

/* --- DMARC ---*/

/* Writes a proposal for every author domain, since an exception for one is none for the others; the
 * strictest comes first. Their number is that of the outcomes in the evidence. */
size_t propose_dmarc(const struct judging *j, struct proposal *proposals);
/* Fills in what was done about DMARC: the disposition, the override, and a verdict for each author.
 */
void dmarc_fill_verdict(const struct judging *j, const struct proposal *proposals, size_t n,
                        struct verdict *out);
struct proposal propose_from(const struct judging *j);

/* --- The gate and greylisting ---*/

/* Clients, lists and senders: writes at most GATE_CAUSES proposals, in their order. */
#define GATE_CAUSES 6
size_t propose_gate(const struct judging *j, struct proposal *proposals);
/* True if one of these may refuse before the end of the message under this configuration. */
bool gate_may_refuse(const struct conf *conf);

/* A refusal of this recipient alone. */
struct proposal propose_recipient(const struct judging *j, struct str address);

/* Asks unknown clients to come again. */
struct proposal propose_greylist(const struct judging *j);

#endif
