/* report_room.c - reports of others come from anybody, and a small mail may hold a large one.
 * Before they fill the disk, no more is stored, and the mail server keeps the mail for later, as it
 * does with its own queue (queue_minfree, MinFreeBlocks).
 *
 * Errors: a line on standard error. A file system that tells nothing counts as empty. */
#include <sys/statvfs.h>
#include <time.h>

#include "milter/commands/report.h"
#include "milter/daemon/memory.h"

#define KB (UINT64_C(1) << 10)
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

struct room {
    uint64_t left, wanted; /* bytes */
};

/* A small file system may never have the default free: a tenth of it is enough. */
static uint64_t wanted_of(const struct conf *conf, const struct statvfs *fs)
{
    uint64_t tenth = (uint64_t)fs->f_blocks * fs->f_frsize / 10;
    bool chosen = conf_place_of(conf, "reports.min-free").file;
    return chosen || conf->reports_min_free < tenth ? conf->reports_min_free : tenth;
}

static struct room look_for_room(struct command *c, struct received *store)
{
    struct statvfs fs;
    struct room room = {0};
    struct arena *a = arena_new(0);
    bool bounded = !memory_store_is_shared(c->conf);
    if (bounded && statvfs(str_cstr(a, c->conf->state_dir), &fs) == 0) {
        room.left = (uint64_t)fs.f_bavail * fs.f_frsize + received_unused(store);
        room.wanted = wanted_of(c->conf, &fs);
    }
    arena_free(a);
    return room;
}

bool report_is_full(struct command *c, struct received *store)
{
    struct room room = look_for_room(c, store);
    return room.left < room.wanted;
}

static struct str amount(struct arena *a, uint64_t bytes)
{
    bool few = bytes < 100 * MB;
    return str_printf(a, "%llu %s", (unsigned long long)(bytes / (few ? KB : MB)),
                      few ? "KB" : "MB");
}

bool report_make_room(struct command *c, struct received *store)
{
    report_drop_old(c, store);
    received_shrink(store);
    struct room room = look_for_room(c, store);
    if (room.left >= room.wanted)
        return true;
    command_fail(c, 0,
                 "%.*s: %.*s are free, and reports are stored only while there are %.*s "
                 "(reports.min-free)",
                 STR_ARG(c->conf->state_dir), STR_ARG(amount(c->arena, room.left)),
                 STR_ARG(amount(c->arena, room.wanted)));
    return false;
}
