/* action.h - what can be done with a message, mildest first: combining two means taking the larger.
 */
#ifndef ASSAY_CONF_ACTION_H
#define ASSAY_CONF_ACTION_H

enum action {
    ACTION_ACCEPT,     /* deliver; nothing speaks against it */
    ACTION_TAG,        /* deliver, with the result in the header */
    ACTION_QUARANTINE, /* the MTA's quarantine (hold) queue */
    ACTION_TEMPFAIL,   /* 4yz: come again */
    ACTION_REJECT,     /* 5yz */
    ACTION_COUNT
};

#endif
