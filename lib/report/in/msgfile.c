/* msgfile.c - a reader of compound files, for the attachments of .msg.
 *
 * Errors: none; a chain of sectors that has a loop or leads out of the file ends there. */
#include "report/in/msgfile.h"

#include <stdint.h>
#include <string.h>

#include "report/in/limits.h"

#define END_OF_CHAIN 0xFFFFFFFEU
#define ENTRY        128U /* bytes of a directory entry */
#define MINI         64U  /* bytes of a mini sector */

struct compound {
    struct str file;
    struct arena *arena;
    uint32_t sector;  /* bytes of a sector */
    uint32_t cutoff;  /* shorter streams are in mini sectors */
    uint32_t n_fat;   /* sectors that hold the table */
    struct str fat;   /* chains of sectors */
    struct str small; /* chains of mini sectors */
    struct str minis; /* the mini sectors */
};

static uint32_t number(struct str s, size_t at)
{
    unsigned char b[4];
    if (at > s.n || s.n - at < 4)
        return END_OF_CHAIN;
    memcpy(b, s.p + at, 4);
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

bool msgfile_is(struct str bytes)
{
    return bytes.n >= 512 && memcmp(bytes.p, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8) == 0;
}

static struct str sector_at(const struct compound *c, uint32_t index)
{
    uint64_t at = ((uint64_t)index + 1) * c->sector;
    return at < c->file.n ? str_sub(c->file, (size_t)at, (size_t)at + c->sector) : STR("");
}

/* The bytes of a chain, `size` at most. Each step gives some bytes, so the loop ends. */
static struct str chain(const struct compound *c, uint32_t first, size_t size)
{
    struct strbuf b;
    sb_init(&b, c->arena);
    while (first < END_OF_CHAIN && b.n < size) {
        struct str sector = sector_at(c, first);
        if (!sector.n)
            break;
        sb_add(&b, str_sub(sector, 0, size - b.n));
        first = number(c->fat, (size_t)first * 4);
    }
    return sb_str(&b);
}

static struct str mini_chain(const struct compound *c, uint32_t first, size_t size)
{
    struct strbuf b;
    sb_init(&b, c->arena);
    while (first < END_OF_CHAIN && b.n < size) {
        size_t at = (size_t)first * MINI;
        if (at >= c->minis.n)
            break;
        struct str sector = str_sub(c->minis, at, at + MINI);
        sb_add(&b, str_sub(sector, 0, size - b.n));
        first = number(c->small, (size_t)first * 4);
    }
    return sb_str(&b);
}

/* The header has the first 109 sectors of the table; a mail within our limit needs no more. */
static void read_table(struct compound *c)
{
    struct strbuf b;
    sb_init(&b, c->arena);
    for (uint32_t i = 0; i < 109 && i < c->n_fat; i++)
        sb_add(&b, sector_at(c, number(c->file, 76 + 4 * (size_t)i)));
    c->fat = sb_str(&b);
}

static bool is_attachment(struct str entry)
{
    static const char wanted[] = "__substg1.0_37010102";
    for (size_t i = 0; i < sizeof wanted; i++) /* with its NUL */
        if (entry.p[2 * i] != wanted[i] || entry.p[2 * i + 1])
            return false;
    return entry.p[66] == 2;
}

static bool open_compound(struct compound *c, struct str *directory)
{
    unsigned shift = (unsigned)(unsigned char)c->file.p[30];
    if (shift < 9 || shift > 12)
        return false;
    c->sector = 1U << shift;
    c->cutoff = number(c->file, 56);
    c->n_fat = number(c->file, 44);
    read_table(c);
    *directory = chain(c, number(c->file, 48), IN_INNER_MAX / 2);
    if (directory->n < ENTRY)
        return false;
    c->small = chain(c, number(c->file, 60), IN_INNER_MAX / 2);
    c->minis = chain(c, number(*directory, 116), IN_INNER_MAX);
    return true;
}

void msgfile_attachments(struct str bytes,
                         bool (*each)(void *context, struct str bytes, struct str name),
                         void *context)
{
    struct compound c = {.file = str_sub(bytes, 0, IN_INPUT_MAX), .arena = arena_new(0)};
    struct str directory;
    bool go_on = open_compound(&c, &directory);
    unsigned n = 0;
    for (size_t at = 0; go_on && at + ENTRY <= directory.n && n < IN_MEMBERS_MAX; at += ENTRY) {
        struct str entry = str_sub(directory, at, at + ENTRY);
        if (!is_attachment(entry))
            continue;
        uint32_t size = number(entry, 120), first = number(entry, 116);
        size_t most = size < IN_INNER_MAX ? size : IN_INNER_MAX;
        go_on =
            each(context, size < c.cutoff ? mini_chain(&c, first, most) : chain(&c, first, most),
                 STR_NONE);
        n++;
    }
    arena_free(c.arena);
}
