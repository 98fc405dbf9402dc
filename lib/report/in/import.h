/* import.h - stores everything that is found in an input, within the open transaction. */
#ifndef ASSAY_REPORT_IN_IMPORT_H
#define ASSAY_REPORT_IN_IMPORT_H

#include "mail/psl.h"
#include "report/in/received.h"

/* What was found, counted. */
struct import_counts {
    size_t reports, known, damaged, failures, tls, refused;
    size_t uncounted; /* of the reports: without the trust that counts */
    uint64_t rows, messages;
};

struct import {
    struct received *store;
    struct import_counts *counts;
    int64_t now;
    enum trust trust;
    struct str author;                 /* that the mail passed DMARC for; empty: none */
    const struct psl *psl;             /* may be NULL */
    uint64_t share;                    /* of a sender and a day, in bytes of XML; 0: no bound */
    struct str origin, from, subject;  /* where the input comes from, for people; as it came */
    unsigned char digest[FIND_DIGEST]; /* of the input: a refusal is stored once */
    bool failed;                       /* the store failed; it says why */
    struct str why;                    /* of the last refusal, as it came; lives in `arena` */
    struct arena *arena;
};

/* Finds all reports of the input and stores them. False if the store failed. */
bool import_input(struct import *i, struct str input);

/* Stores that this input, or a part of it, was refused. */
bool import_refusal(struct import *i, struct str what, struct str why);

#endif
