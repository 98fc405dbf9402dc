/* assay.conf: what loads is shown in a form that loads again and shows the same. */
#include "fuzz.h"

#include <string.h>

#include "conf/conf.h"

/* libconfig 1.5 loses the text it has just read when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

/* Files that the text names are not the subject here, and may be any. */
static bool names_files(struct str text)
{
    return memmem(text.p, text.n, "@include", 8) || memmem(text.p, text.n, "file:", 5) ||
           memmem(text.p, text.n, "senders-must-match", 18);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    log_set_level(LOG_LEVEL_ERROR);
    struct conf *conf = size && names_files(text) ? NULL : conf_parse(text, &problems);
    require(conf || problems.n || size);
    if (conf) {
        struct str shown = conf_show(conf, a, CONF_SHOWN_PLACES);
        struct conf *again = conf_parse(shown, &problems);
        require(again && problems.n == 0);
        require(str_eq(conf_show(conf, a, 0), conf_show(again, a, 0)));
        conf_free(again);
        conf_free(conf);
    }
    for (size_t i = 0; i < problems.n; i++)
        require(str_starts(problems.v[i], STR("text:")));
    arena_free(a);
    return 0;
}
