/* figures_words.c - the words of figures.
 *
 * Errors: false for a word that is none. */
#include "report/in/figures.h"

static bool find_word(struct str word, const char *const *words, int n, int *which)
{
    for (int i = 0; i < n; i++)
        if (str_eq_nocase(word, str_of(words[i]))) {
            *which = i;
            return true;
        }
    return false;
}

static const char *const results[RESULT_COUNT] = {
    "any", "pass", "fail", "both", "dkim", "spf", "quarantine", "reject",
};

const char *figures_result_word(enum figures_result result)
{
    return results[result];
}

bool figures_result_of_word(struct str word, enum figures_result *result)
{
    int which;
    if (!find_word(word, results, RESULT_COUNT, &which))
        return false;
    *result = (enum figures_result)which;
    return true;
}

static const char *const classes[CLASS_COUNT] = {
    "own", "approved", "forwarder-like", "unknown", "spoof",
};

const char *source_class_word(enum source_class class)
{
    return classes[class];
}

bool source_class_of_word(struct str word, enum source_class *class)
{
    int which;
    if (str_eq_nocase(word, STR("forwarder")))
        which = CLASS_FORWARDER;
    else if (!find_word(word, classes, CLASS_COUNT, &which))
        return false;
    *class = (enum source_class)which;
    return true;
}

const char *figures_cause_word(enum figures_cause cause)
{
    static const char *const words[CAUSE_COUNT] = {
        "no-signature", "broken-signature", "other-signer",
        "spf-fails",    "spf-other-domain", "strict-alignment",
    };
    return words[cause];
}

const char *figures_cause_phrase(enum figures_cause cause)
{
    static const char *const phrases[CAUSE_COUNT] = {
        "is not signed",
        "has a signature of ours that is broken",
        "is signed by another domain",
        "comes from an address that SPF does not allow",
        "has another domain in MAIL FROM",
        "would pass but for strict alignment",
    };
    return phrases[cause];
}
