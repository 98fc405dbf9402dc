/* country.c - a search in sorted lines.
 *
 * Errors: if a file cannot be read or has another form, addresses have no country. */
#include "report/in/country.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct countries {
    struct str files[2]; /* IPv4, IPv6 */
};

static void unmap(void *file)
{
    const struct str *f = file;
    munmap((void *)(uintptr_t)f->p, f->n);
}

static void map(struct str *file, const char *path, struct arena *a)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p != MAP_FAILED) {
            *file = (struct str){p, (size_t)st.st_size};
            arena_defer(a, unmap, file);
        }
    }
    if (fd >= 0)
        close(fd);
}

struct countries *countries_open(struct str path, struct arena *a)
{
    struct countries *c = arena_make(a, struct countries);
    if (!path.n)
        return NULL;
    map(&c->files[0], str_cstr(a, path), a);
    map(&c->files[1], str_cstr(a, str_printf(a, "%.*s6", STR_ARG(path))), a);
    return c->files[0].p || c->files[1].p ? c : NULL;
}

/* Reads a number, or an address, as 16 bytes. */
static bool read_bound(struct str text, struct netaddr *out)
{
    unsigned long long number;
    if (!str_to_u64(text, UINT32_MAX, &number))
        return netaddr_parse(text, out);
    *out = (struct netaddr){.family = 4};
    for (int i = 0; i < 4; i++)
        out->bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    return true;
}

static int compare_addresses(const struct netaddr *a, const struct netaddr *b)
{
    return a->family != b->family ? a->family - b->family
                                  : memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16);
}

struct line {
    struct netaddr first, last;
    struct str country;
};

/* The line that contains the position `at`. */
static bool read_line(struct str file, size_t at, struct line *out, size_t *begin, size_t *end)
{
    struct str before = str_sub(file, 0, at);
    size_t newline = str_find_last(before, '\n');
    *begin = newline < before.n ? newline + 1 : 0;
    *end = str_find(file, *begin, '\n');
    struct str rest = str_sub(file, *begin, *end), first, last;
    if (rest.n > 200 || !str_split(&rest, ',', &first) || !str_split(&rest, ',', &last))
        return false;
    out->country = str_trim(rest);
    return out->country.n == 2 && read_bound(first, &out->first) && read_bound(last, &out->last);
}

/* Comments come before the sorted lines, so a line that cannot be read counts as earlier. */
static struct str search(struct str file, const struct netaddr *address)
{
    size_t low = 0, high = file.n, begin, end;
    struct line line;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (!read_line(file, middle, &line, &begin, &end) ||
            compare_addresses(&line.last, address) < 0)
            low = end + 1;
        else if (compare_addresses(&line.first, address) > 0)
            high = begin;
        else
            return line.country;
    }
    return STR("");
}

struct str country_of(const struct countries *c, const struct netaddr *address, struct arena *a)
{
    struct str file = c && address->family ? c->files[address->family == 6] : STR_NONE;
    struct str found = file.p ? search(file, address) : STR("");
    return str_eq(found, STR("??")) ? STR("") : str_copy(a, found);
}
