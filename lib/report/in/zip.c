/* zip.c - finds the members of a zip archive.
 *
 * Errors: a damaged archive gives fewer members or none; a member that cannot be read has a reason.
 */
#include "report/in/zip.h"

#include <stdint.h>
#include <string.h>

#define LOCAL      0x04034B50U
#define DIRECTORY  0x02014B50U
#define END        0x06054B50U
#define LOCAL_SIZE 30U
#define ENTRY_SIZE 46U
#define END_SIZE   22U
#define COMMENT    65535U
#define SCANNED    1000U /* entries that are read, folders included */

static unsigned two(struct str s, size_t at)
{
    return (unsigned)(unsigned char)s.p[at] | (unsigned)(unsigned char)s.p[at + 1] << 8;
}

static uint32_t four(struct str s, size_t at)
{
    return two(s, at) | (uint32_t)two(s, at + 2) << 16;
}

static bool has_bytes(struct str s, size_t at, size_t n)
{
    return at <= s.n && n <= s.n - at;
}

static bool stands_at(struct str s, size_t at, uint32_t mark, size_t size)
{
    return has_bytes(s, at, size) && four(s, at) == mark;
}

bool zip_is(struct str bytes)
{
    return stands_at(bytes, 0, LOCAL, 4) || stands_at(bytes, 0, END, 4);
}

/* Fields that a directory entry and a local header both have. */
struct header {
    unsigned flags, method;
    uint32_t packed;
    struct str name;
    size_t data; /* where the member's bytes begin */
};

static bool is_wanted(struct str name)
{
    bool folder = name.n && (name.p[name.n - 1] == '/' || name.p[name.n - 1] == '\\');
    return !folder && !str_starts(name, STR("__MACOSX/"));
}

static bool read_local(struct str zip, size_t at, struct header *h)
{
    if (!stands_at(zip, at, LOCAL, LOCAL_SIZE))
        return false;
    size_t name = two(zip, at + 26), extra = two(zip, at + 28);
    if (!has_bytes(zip, at + LOCAL_SIZE, name + extra))
        return false;
    *h = (struct header){
        .flags = two(zip, at + 6),
        .method = two(zip, at + 8),
        .packed = four(zip, at + 18),
        .name = str_sub(zip, at + LOCAL_SIZE, at + LOCAL_SIZE + name),
        .data = at + LOCAL_SIZE + name + extra,
    };
    return true;
}

static void take_member(struct str zip, const struct header *h, struct zip_member *out)
{
    *out = (struct zip_member){.name = h->name, .deflated = h->method == 8};
    out->bytes = str_sub(zip, h->data, zip.n);
    if (!out->deflated && h->packed < out->bytes.n)
        out->bytes.n = h->packed;
    if (h->flags & 1)
        out->refused = "is encrypted";
    else if (h->method != 0 && h->method != 8)
        out->refused = "is packed in a way that is neither stored nor deflated";
}

struct found {
    struct zip_member *out;
    size_t n, max;
    bool *more;
};

static void list_member(struct found *f, struct str zip, const struct header *h)
{
    if (!is_wanted(h->name))
        return;
    if (f->n == f->max)
        *f->more = true;
    else
        take_member(zip, h, &f->out[f->n++]);
}

/* Where the directory begins; zip.n: there is none. */
static size_t find_directory(struct str zip, unsigned *entries)
{
    size_t first = zip.n > END_SIZE + COMMENT ? zip.n - END_SIZE - COMMENT : 0;
    for (size_t at = zip.n < END_SIZE ? 0 : zip.n - END_SIZE + 1; at-- > first;)
        if (stands_at(zip, at, END, END_SIZE)) {
            *entries = two(zip, at + 10);
            return four(zip, at + 16);
        }
    return zip.n;
}

/* Takes flags, method and size from the directory, because the local header may lack sizes. */
static void by_directory(struct str zip, struct found *f)
{
    unsigned entries = 0;
    size_t at = find_directory(zip, &entries);
    for (unsigned i = 0; i < entries && i < SCANNED; i++) {
        struct header local;
        if (!stands_at(zip, at, DIRECTORY, ENTRY_SIZE))
            return;
        size_t name = two(zip, at + 28), extra = two(zip, at + 30), comment = two(zip, at + 32);
        if (read_local(zip, four(zip, at + 42), &local)) {
            local.flags = two(zip, at + 8);
            local.method = two(zip, at + 10);
            local.packed = four(zip, at + 20);
            list_member(f, zip, &local);
        }
        at += ENTRY_SIZE + name + extra + comment;
    }
}

/* The next place from `from` on where a local header begins. */
static size_t next_local(struct str zip, size_t from)
{
    for (size_t at = from; has_bytes(zip, at, LOCAL_SIZE); at++) {
        const char *p = memchr(zip.p + at, 'P', zip.n - at);
        if (!p)
            break;
        at = (size_t)(p - zip.p);
        if (stands_at(zip, at, LOCAL, LOCAL_SIZE))
            return at;
    }
    return zip.n;
}

static void one_by_one(struct str zip, struct found *f)
{
    struct header h;
    size_t at = next_local(zip, 0);
    for (unsigned i = 0; i < SCANNED && read_local(zip, at, &h); i++) {
        list_member(f, zip, &h);
        at = next_local(zip, h.data);
    }
}

size_t zip_members(struct str bytes, struct zip_member *out, size_t max, bool *more)
{
    struct found f = {.out = out, .max = max, .more = more};
    *more = false;
    by_directory(bytes, &f);
    if (!f.n)
        one_by_one(bytes, &f);
    return f.n;
}
