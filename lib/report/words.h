/* words.h - which words aggregate reports have for what (words.def). */
#ifndef ASSAY_REPORT_WORDS_H
#define ASSAY_REPORT_WORDS_H

#include "base/str.h"

enum report_words {
    WORDS_POLICY,
    WORDS_ALIGNMENT,
    WORDS_DISCOVERY,
    WORDS_TESTING,
    WORDS_DISPOSITION,
    WORDS_REASON,
    WORDS_DKIM,
    WORDS_SPF,
};

/* The word, if it is one of this list, else `otherwise`. */
struct str report_word(enum report_words list, struct str word, struct str otherwise);

#endif
