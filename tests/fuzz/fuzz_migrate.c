/* Configurations of other filters: whatever they hold, a configuration of ours comes out, and an
 * account that a terminal can show. The first byte says which kind; 'a' is the first one. */
#include "fuzz.h"

#include <string.h>

#include "conf/conf.h"
#include "migrate/migrate.h"

/* libconfig 1.5 loses the text it has just read when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct migration *m = migration_new(a);
    struct str text = fuzz_text(data, size), problem = STR_NONE;
    size_t kind = size && *data >= 'a' ? (size_t)(*data - 'a') : migrate_kinds();
    const char *name = kind < migrate_kinds() ? migrate_kind_at(kind).name : NULL;
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    log_set_level(LOG_LEVEL_ERROR);
    bool read = migration_read_text(m, "text", str_sub(text, 1, text.n), name, &problem);
    require(read || (problem.n && !name));
    if (read) {
        struct json j;
        migration_finish(m);
        struct str shown = migration_conf(m), account = migration_account(m);
        struct conf *conf = conf_parse(shown, &problems);
        require(conf != NULL);
        conf_free(conf);
        for (size_t i = 0; i < account.n; i++)
            require((unsigned char)account.p[i] >= 0x20 || account.p[i] == '\n');
        json_begin(&j, a);
        migration_json(m, &j);
        json_end(&j, '}');
        require(json_str(&j).n > 0);
    }
    arena_free(a);
    return 0;
}
