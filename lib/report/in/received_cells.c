/* received_cells.c - daily sums: a domain, a day and a reporter have one packed list of sums by
 * source and outcome. So ten million messages are a few thousand rows of SQLite, which are read
 * quickly.
 *
 * Errors: false, and the store has the reason. */
#include <stdlib.h>
#include <string.h>

#include "report/in/received_store.h"

/* Beyond so many sums, further ones go to one source that stands for all others, which bounds
 * memory. */
#define CELLS_MAX 65536

static void put_number(unsigned char *to, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static int order_of(const struct received_cell *a, const struct received_cell *b)
{
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return (a->outcome > b->outcome) - (a->outcome < b->outcome);
}

static int compare_cells(const void *a, const void *b)
{
    return order_of(a, b);
}

/* --- A list in memory --------------------------------------------------------------------------*/

struct cells {
    struct arena *arena;
    struct received_cell *v;
    size_t n, cap;
};

static void add_cell(struct cells *c, struct received_cell cell)
{
    c->v = arena_extend(c->arena, c->v, c->n, &c->cap, sizeof *c->v);
    c->v[c->n++] = cell;
}

static void unpack(struct str bytes, struct cells *c)
{
    for (size_t at = 0; at + RECEIVED_CELL <= bytes.n; at += RECEIVED_CELL)
        add_cell(c, received_cell_at(bytes.p + at));
}

/* Joins sums of the same kind, and removes those that are zero. */
static void settle(struct cells *c)
{
    size_t kept = 0;
    if (c->n)
        qsort(c->v, c->n, sizeof *c->v, compare_cells);
    for (size_t i = 0; i < c->n; i++)
        if (kept && order_of(&c->v[kept - 1], &c->v[i]) == 0)
            c->v[kept - 1].messages += c->v[i].messages;
        else if (kept && c->v[kept - 1].messages <= 0)
            c->v[kept - 1] = c->v[i];
        else
            c->v[kept++] = c->v[i];
    c->n = kept && c->v[kept - 1].messages <= 0 ? kept - 1 : kept;
}

static void bound(struct received *r, struct cells *c)
{
    if (c->n <= CELLS_MAX)
        return;
    int64_t others = received_source(r, SOURCE_NETWORK, STR("others"));
    for (size_t i = CELLS_MAX / 2; others && i < c->n; i++)
        c->v[i].source = (uint32_t)others;
    settle(c);
}

static struct str packed(const struct cells *c)
{
    unsigned char *out = arena_alloc(c->arena, c->n * RECEIVED_CELL + 1);
    for (size_t i = 0; i < c->n; i++) {
        unsigned char *to = out + i * RECEIVED_CELL;
        put_number(to, c->v[i].source, 4);
        put_number(to + 4, c->v[i].outcome, 4);
        put_number(to + 8, (uint64_t)c->v[i].messages, 8);
    }
    return (struct str){(const char *)out, c->n * RECEIVED_CELL};
}

/* --- Its row -----------------------------------------------------------------------------------*/

struct place {
    int64_t domain, day, reporter;
};

static void bind_place(struct sql *s, const struct place *p)
{
    sql_bind_number(s, 1, p->domain);
    sql_bind_number(s, 2, p->day);
    sql_bind_number(s, 3, p->reporter);
}

/* Adds the sums in `c` to those of the place. */
static bool add_at(struct received *r, const struct place *p, struct cells *c)
{
    struct sql *get = received_sql(r, SQL_GET_DAILY), *put = received_sql(r, SQL_PUT_DAILY);
    bind_place(get, p);
    enum sql_step found = sql_step(get);
    if (found == SQL_ROW)
        unpack(sql_text(get, 0), c);
    sql_reset(get);
    if (found == SQL_FAILED)
        return false;
    settle(c);
    bound(r, c);
    struct str bytes = packed(c);
    bind_place(put, p);
    sql_bind_bytes(put, 4, bytes.p, bytes.n);
    return sql_push(put);
}

static uint32_t with_trust(int64_t outcome, int64_t trust)
{
    return (uint32_t)(outcome | trust << 16);
}

bool received_count_report(struct received *r, int64_t report, int sign)
{
    struct cells c = {.arena = arena_new(0)};
    struct place place = {0};
    enum sql_step last;
    struct sql *s = received_sql(r, SQL_SUM_REPORT);
    sql_bind_number(s, 1, report);
    while ((last = sql_step(s)) == SQL_ROW) {
        place = (struct place){sql_number(s, 0), sql_number(s, 1), sql_number(s, 2)};
        add_cell(&c, (struct received_cell){(uint32_t)sql_number(s, 3),
                                            with_trust(sql_number(s, 4), sql_number(s, 5)),
                                            sign * sql_number(s, 6)});
    }
    sql_reset(s);
    bool good = last == SQL_DONE && (!c.n || add_at(r, &place, &c));
    arena_free(c.arena);
    return good;
}

/* The sums of an address that move, in the order of places. */
struct moved {
    struct place place;
    uint32_t outcome;
    int64_t messages;
};

static bool move_at(struct received *r, const struct moved *v, size_t n, int64_t before,
                    int64_t after)
{
    struct cells c = {.arena = arena_new(0)};
    for (size_t i = 0; i < n; i++) {
        add_cell(&c, (struct received_cell){(uint32_t)before, v[i].outcome, -v[i].messages});
        add_cell(&c, (struct received_cell){(uint32_t)after, v[i].outcome, v[i].messages});
    }
    bool good = add_at(r, &v[0].place, &c);
    arena_free(c.arena);
    return good;
}

static struct moved *read_moved(struct received *r, int64_t address, struct arena *a, size_t *n)
{
    size_t cap = 0;
    struct moved *v = NULL;
    struct sql *s = received_sql(r, SQL_SUM_ADDRESS);
    *n = 0;
    sql_bind_number(s, 1, address);
    while (sql_step(s) == SQL_ROW) {
        v = arena_extend(a, v, *n, &cap, sizeof *v);
        v[(*n)++] = (struct moved){{sql_number(s, 0), sql_number(s, 1), sql_number(s, 2)},
                                   with_trust(sql_number(s, 3), sql_number(s, 4)),
                                   sql_number(s, 5)};
    }
    sql_reset(s);
    return v;
}

bool received_move_address(struct received *r, int64_t address, int64_t before, int64_t after)
{
    struct arena *a = arena_new(0);
    size_t n, from = 0;
    bool good = true;
    struct moved *v = read_moved(r, address, a, &n);
    for (size_t i = 1; good && i <= n; i++) {
        if (i < n && memcmp(&v[i].place, &v[from].place, sizeof v[i].place) == 0)
            continue;
        good = move_at(r, v + from, i - from, before, after);
        from = i;
    }
    arena_free(a);
    return good;
}
