/* words.c - looks words up.
 *
 * Errors: none. */
#include "report/words.h"

static const struct {
    enum report_words list;
    struct str text;
} words[] = {
#define WORD(list, text) {WORDS_##list, STR_INIT(text)},
#include "report/words.def"
#undef WORD
};

struct str report_word(enum report_words list, struct str word, struct str otherwise)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].list == list && str_eq(words[i].text, word))
            return words[i].text;
    return otherwise;
}
