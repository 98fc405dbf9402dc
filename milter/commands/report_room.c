/* report_room.c - reports of others come from anybody, and a small mail may hold a large one.
 * Before they fill the disk, no more is stored, and the mail server keeps the mail for later, as it
 * does with its own queue (queue_minfree, MinFreeBlocks).
 *
 * Errors: a line on standard error. A file system that tells nothing counts as empty. */
#include <sys/statvfs.h>
#include <time.h>

#include "milter/commands/report.h"
#include "milter/daemon/memory.h"

#define MB (UINT64_C(1) << 20)

void report_drop_old(struct command *c, struct received *store)
{
    const struct conf *conf = c->conf;
    const struct received_keeping keeping = {conf->reports_keep_rows, conf->reports_keep_raw,
                                             conf->reports_keep_failures};
    if (!received_drop_old(store, &keeping, time(NULL)))
        command_fail(c, 0, "%.*s: %.*s", STR_ARG(report_store_name(c)),
                     STR_ARG(received_problem(store)));
}

/* Bytes that may be written; UINT64_MAX: as many as one likes. */
static uint64_t bytes_free(struct command *c, struct received *store)
{
    struct statvfs fs;
    struct arena *a = arena_new(0);
    bool bounded = c->conf->reports_min_free && !memory_store_is_shared(c->conf);
    bool known = bounded && statvfs(str_cstr(a, c->conf->state_dir), &fs) == 0;
    arena_free(a);
    if (!known)
        return UINT64_MAX;
    return (uint64_t)fs.f_bavail * fs.f_frsize + received_unused(store);
}

bool report_is_full(struct command *c, struct received *store)
{
    return bytes_free(c, store) < c->conf->reports_min_free;
}

bool report_make_room(struct command *c, struct received *store)
{
    report_drop_old(c, store);
    received_shrink(store);
    uint64_t left = bytes_free(c, store), wanted = c->conf->reports_min_free;
    if (left >= wanted)
        return true;
    command_fail(c, 0,
                 "%.*s: %llu MB are free, and reports are stored only while there are %llu MB "
                 "(reports.min-free)",
                 STR_ARG(c->conf->state_dir), (unsigned long long)(left / MB),
                 (unsigned long long)(wanted / MB));
    return false;
}
