/* message_answers.h - what one message has asked for: one answer to one question, however short its
 * TTL, and all of them within a bound of memory. A message's asker and the errands that run ahead
 * of it share one; the calls may come from any thread. */
#ifndef ASSAY_DNS_MESSAGE_ANSWERS_H
#define ASSAY_DNS_MESSAGE_ANSWERS_H

#include "dns/cache.h"

struct message_answers;

/* With one reference; max_bytes, set_aside and spare as those of struct dns_asker. Never NULL. */
struct message_answers *message_answers_new(size_t max_bytes, size_t set_aside, unsigned spare);
struct message_answers *message_answers_share(struct message_answers *answers);
void message_answers_release(struct message_answers *answers);

/* The message is over: nothing is held any more, once what works ahead of it has stopped. */
void message_answers_end(struct message_answers *answers);

/* Work ahead of the message: between these two what is held stays. False: the message is over. */
bool message_answers_use(struct message_answers *answers);
void message_answers_leave(struct message_answers *answers);

/* Why a question is asked. */
enum dns_need {
    DNS_NEEDED,         /* for its answer; what failed is asked for once more, as soon as the cache
                           lets go of it and while there are spare queries */
    DNS_NEEDED_ONCE,    /* the same, but not once more */
    DNS_NOT_NEEDED_YET, /* ahead of need, while there are spare queries */
};

/* The entry for this question, with a reference for the caller; NULL if it is not needed and there
 * are no spare queries. *sent: its query went out just here; *queries: how many did by now. */
struct dns_entry *message_answers_ask(struct message_answers *answers, struct dns *dns,
                                      const struct dns_question *q, enum dns_need need,
                                      bool favoured, bool *sent, unsigned *queries);

/* The answer of an answered entry, which lives as long as `answers`; NULL if it went beyond the
 * bound: then it is not held any more, and its question has failed for this message. */
const struct dns_answer *message_answers_answer(struct message_answers *answers,
                                                struct dns_entry *e);

/* dns_entry_wake() for an entry that was held, and may have been let go since: then false. */
bool message_answers_wake(struct message_answers *answers, struct dns *dns, struct dns_entry *e,
                          struct dns_waker *w);

#endif
