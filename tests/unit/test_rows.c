/* rows: counted by kind and day, read again, bounded, and a database that fails. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/rows.h"
#include "store/rows_pack.h"
#include "store/rows_table.h"

#define DAY0 19675
#define NOW  (INT64_C(86400) * DAY0 + 100)
#define LONG 20000000 /* microseconds: a busy machine */

struct rig {
    char dir[64], path[96];
    struct arena *a;
    struct rows *rows;
};

static void open_rows(struct rig *r, uint64_t queue_bytes)
{
    struct str problem = STR_NONE;
    const struct rows_settings settings = {
        .path = str_of(r->path), .queue_bytes = queue_bytes, .pause_us = 100000};
    r->rows = rows_open(&settings, r->a, &problem);
    assert_non_null(r->rows);
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    strcpy(r->dir, "/tmp/assay-rows-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->path, sizeof r->path, "%s/rows.db", r->dir);
    r->a = arena_new(0);
    open_rows(r, 0);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    char command[128];
    rows_close(r->rows);
    arena_free(r->a);
    snprintf(command, sizeof command, "rm -rf '%s'", r->dir);
    assert_int_equal(system(command), 0);
    free(r);
    return 0;
}

/* --- Rows to play with --- */

static const struct row_signature signatures[] = {
    {STR_INIT("example.com"), STR_INIT("s1"), STR_INIT("pass")},
    {STR_INIT("list.example"), STR_INIT(""), STR_INIT("fail")},
};
static const struct row_reason reasons[] = {
    {STR_INIT("local_policy"), STR_INIT("arc=pass 100% sure")},
    {STR_INIT("other"), STR_INIT("-")},
};

static struct row a_row(const char *source)
{
    struct row row = {
        .policy = {.domain = STR("example.com"),
                   .p = STR("reject"),
                   .adkim = STR("r"),
                   .aspf = STR("s"),
                   .fo = STR("0"),
                   .discovery = STR("treewalk"),
                   .destinations = STR("mailto:a@example.com")},
        .header_from = STR("example.com"),
        .envelope_from = STR("bounce.example.com"),
        .disposition = ROW_REJECT,
        .spf_aligned = true,
        .n_reasons = 2,
        .reasons = reasons,
        .n_signatures = 2,
        .signatures = signatures,
        .spf_domain = STR("bounce.example.com"),
        .spf_scope = STR("mfrom"),
        .spf_result = STR("pass"),
    };
    assert_true(netaddr_parse(str_of(source), &row.source));
    return row;
}

static void add(struct rig *r, const char *source)
{
    struct row row = a_row(source);
    assert_true(rows_add(r->rows, NOW, &row));
}

static struct rows_reader *read_store(struct rig *r)
{
    struct str problem = STR_NONE;
    assert_true(rows_flush(r->rows, LONG));
    struct rows_reader *reader = rows_reader_open(str_of(r->path), r->a, &problem);
    if (!reader)
        print_error("%.*s\n", STR_ARG(problem));
    assert_non_null(reader);
    return reader;
}

/* Everything as text. */
struct listing {
    struct strbuf b;
    struct rows_reader *reader;
    uint64_t messages, rows;
};

static bool note_row(void *context, const struct row *row, uint64_t messages)
{
    struct listing *l = context;
    char address[NETADDR_TEXT];
    l->rows++;
    l->messages += messages;
    sb_printf(&l->b, "  %llu %s from=%.*s/%.*s/%.*s disp=%d dkim=%d spf=%d",
              (unsigned long long)messages, netaddr_format(&row->source, address),
              STR_ARG(row->header_from), STR_ARG(row->envelope_from), STR_ARG(row->envelope_to),
              (int)row->disposition, row->dkim_aligned, row->spf_aligned);
    for (size_t i = 0; i < row->n_reasons; i++)
        sb_printf(&l->b, " %.*s(%.*s)", STR_ARG(row->reasons[i].type),
                  STR_ARG(row->reasons[i].comment));
    for (size_t i = 0; i < row->n_signatures; i++)
        sb_printf(&l->b, " %.*s/%.*s=%.*s", STR_ARG(row->signatures[i].domain),
                  STR_ARG(row->signatures[i].selector), STR_ARG(row->signatures[i].result));
    sb_printf(&l->b, " spf=%.*s/%.*s/%.*s\n", STR_ARG(row->spf_domain), STR_ARG(row->spf_scope),
              STR_ARG(row->spf_result));
    return true;
}

static bool note_period(void *context, const struct rows_period *p)
{
    struct listing *l = context;
    sb_printf(&l->b, "%lld %.*s p=%.*s rua=%.*s rows=%llu messages=%llu\n",
              (long long)(p->day - DAY0), STR_ARG(p->policy.domain), STR_ARG(p->policy.p),
              STR_ARG(p->policy.destinations), (unsigned long long)p->rows,
              (unsigned long long)p->messages);
    return rows_read(l->reader, p, note_row, l);
}

static struct listing list_rows(struct rig *r)
{
    struct listing l = {.reader = read_store(r)};
    sb_init(&l.b, r->a);
    assert_true(rows_read_periods(l.reader, 0, INT64_MAX, note_period, &l));
    rows_reader_close(l.reader);
    return l;
}

/* --- What it is for --- */

static void rows_of_one_kind_are_counted(void **state)
{
    struct rig *r = *state;
    add(r, "192.0.2.1");
    add(r, "192.0.2.1");
    add(r, "2001:db8::1");
    assert_true(rows_flush(r->rows, LONG));
    add(r, "192.0.2.1");
    struct listing l = list_rows(r);
    assert_str(sb_str(&l.b),
               "0 example.com p=reject rua=mailto:a@example.com rows=2 messages=4\n"
               "  1 2001:db8::1 from=example.com/bounce.example.com/ disp=3 dkim=0 spf=1"
               " local_policy(arc=pass 100% sure) other(-) example.com/s1=pass list.example/=fail"
               " spf=bounce.example.com/mfrom/pass\n"
               "  3 192.0.2.1 from=example.com/bounce.example.com/ disp=3 dkim=0 spf=1"
               " local_policy(arc=pass 100% sure) other(-) example.com/s1=pass list.example/=fail"
               " spf=bounce.example.com/mfrom/pass\n");
    assert_int_equal(rows_figures(r->rows).written, 4);
    assert_int_equal(rows_figures(r->rows).lost, 0);
}

/* Each of these makes a row of its own. */
static void whatever_differs_is_another_row(void **state)
{
    struct rig *r = *state;
    struct row rows[12];
    size_t n = 0;
    for (size_t i = 0; i < 12; i++)
        rows[i] = a_row("192.0.2.1");
    n++;
    rows[n++].source.bytes[3]++;
    rows[n++].header_from = STR("Example.com");
    rows[n++].envelope_from = STR("");
    rows[n++].envelope_to = STR("example.org");
    rows[n++].disposition = ROW_PASS;
    rows[n++].dkim_aligned = true;
    rows[n++].spf_aligned = false;
    rows[n++].n_reasons = 1;
    rows[n++].n_signatures = 1;
    rows[n++].spf_result = STR("");
    rows[n++].source.family = 0;
    assert_int_equal(n, 12);
    for (size_t i = 0; i < n; i++) {
        assert_true(rows_add(r->rows, NOW, &rows[i]));
        assert_true(rows_add(r->rows, NOW, &rows[i]));
    }
    struct listing l = list_rows(r);
    assert_int_equal(l.rows, 12);
    assert_int_equal(l.messages, 24);
}

static void days_and_policies_are_periods_of_their_own(void **state)
{
    struct rig *r = *state;
    struct row row = a_row("192.0.2.1");
    row.n_reasons = row.n_signatures = 0;
    rows_add(r->rows, NOW, &row);
    rows_add(r->rows, INT64_C(86400) * (DAY0 + 1) - 1, &row);
    rows_add(r->rows, INT64_C(86400) * (DAY0 + 1), &row);
    row.policy.p = STR("none");
    rows_add(r->rows, NOW, &row);
    struct listing l = {.reader = read_store(r)};
    sb_init(&l.b, r->a);
    assert_true(rows_read_periods(l.reader, DAY0, DAY0, note_period, &l));
    assert_true(rows_read_periods(l.reader, DAY0 + 1, DAY0 + 9, note_period, &l));
    rows_reader_close(l.reader);
#define ROW_TEXT                                                                                   \
    "192.0.2.1 from=example.com/bounce.example.com/ disp=3 dkim=0 spf=1"                           \
    " spf=bounce.example.com/mfrom/pass\n"
    assert_str(sb_str(&l.b),
               "0 example.com p=reject rua=mailto:a@example.com rows=1 messages=2\n  2 " ROW_TEXT
               "0 example.com p=none rua=mailto:a@example.com rows=1 messages=1\n  1 " ROW_TEXT
               "1 example.com p=reject rua=mailto:a@example.com rows=1 messages=1\n  1 " ROW_TEXT);
}

static void days_begin_at_midnight_utc(void **state)
{
    (void)state;
    assert_int_equal(rows_day(0), 0);
    assert_int_equal(rows_day(86399), 0);
    assert_int_equal(rows_day(86400), 1);
    assert_int_equal(rows_day(-1), -1);
    assert_int_equal(rows_day(-86400), -1);
    assert_int_equal(rows_day(-86401), -2);
}

static bool note_tally(void *context, int64_t day, struct str name, uint64_t messages)
{
    sb_printf(context, "%lld %.*s %llu\n", (long long)(day - DAY0), STR_ARG(name),
              (unsigned long long)messages);
    return true;
}

static void what_has_no_row_is_tallied(void **state)
{
    struct rig *r = *state;
    struct strbuf b;
    sb_init(&b, r->a);
    rows_tally(r->rows, NOW, STR("none/accept"));
    rows_tally(r->rows, NOW, STR("none/reject"));
    rows_tally(r->rows, NOW + 5, STR("none/accept"));
    rows_tally(r->rows, NOW + 86400, STR("none/accept"));
    struct rows_reader *reader = read_store(r);
    assert_true(rows_read_tallies(reader, 0, INT64_MAX, note_tally, &b));
    rows_reader_close(reader);
    assert_str(sb_str(&b), "0 none/accept 2\n0 none/reject 1\n1 none/accept 1\n");
}

static int64_t number(struct rig *r, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static void what_is_dropped_takes_its_texts_along(void **state)
{
    struct rig *r = *state;
    struct row row = a_row("192.0.2.1");
    rows_add(r->rows, NOW, &row);
    row.header_from = STR("other.example");
    row.policy.domain = STR("other.example");
    row.n_reasons = 0;
    rows_add(r->rows, NOW + 86400, &row);
    rows_tally(r->rows, NOW, STR("none/accept"));
    rows_tally(r->rows, NOW + 86400, STR("none/accept"));
    rows_drop_before(r->rows, DAY0 + 1);
    row.header_from = STR("third.example"); /* a number that was free again */
    rows_add(r->rows, NOW + 86400, &row);
    struct row first = a_row("192.0.2.1");
    rows_add(r->rows, NOW + 86400, &first);
    struct listing l = list_rows(r);
    assert_int_equal(l.rows, 3);
    assert_int_equal(number(r, "SELECT count(*) FROM policy"), 2);
    assert_int_equal(number(r, "SELECT count(*) FROM sender"), 3);
    assert_int_equal(number(r, "SELECT count(*) FROM results"), 2);
    assert_int_equal(number(r, "SELECT count(*) FROM tally"), 1);
}

/* Texts without a row are found among all of them, of which there may be millions: what SQLite sets
 * aside for that goes into a file, where the sandbox lets the daemon have one. */
static void what_is_set_aside_is_no_memory(void **state)
{
    struct rig *r = *state;
    struct database db;
    assert_true(database_init(&db, str_of(r->path), &rows_schema));
    assert_true(database_open(&db));
    assert_int_equal(database_number(&db, "PRAGMA temp_store", -1), 1);
    assert_non_null(sqlite3_temp_directory);
    assert_memory_equal(sqlite3_temp_directory, "/tmp/assay-rows-", strlen("/tmp/assay-rows-"));
    database_close(&db);
}

static void any_text_comes_back_as_it_went(void **state)
{
    struct rig *r = *state;
    static const struct str odd[] = {
        STR_INIT("%"),    STR_INIT("%41"), STR_INIT(" a  b "),          STR_INIT("-"),
        STR_INIT("--"),   STR_INIT(""),    STR_INIT("line\nspf a b c"), STR_INIT("\x7f\xff\xc3"),
        STR_INIT("x\0y"),
    };
    struct row row = a_row("192.0.2.1"), back = {0};
    struct rows_record record;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        const struct row_signature s = {odd[i], odd[i], odd[i]};
        const struct row_reason why = {odd[i], odd[i]};
        row.n_signatures = row.n_reasons = 1;
        row.signatures = &s;
        row.reasons = &why;
        row.spf_domain = odd[i];
        rows_record_of(DAY0, &row, r->a, &record);
        rows_read_results(record.results, r->a, &back);
        assert_int_equal(back.n_signatures, 1);
        assert_int_equal(back.n_reasons, 1);
        assert_true(str_eq(back.signatures[0].domain, odd[i]));
        assert_true(str_eq(back.signatures[0].selector, odd[i]));
        assert_true(str_eq(back.signatures[0].result, odd[i]));
        assert_true(str_eq(back.reasons[0].comment, odd[i]));
        assert_true(str_eq(back.spf_domain, odd[i]));
        assert_str(back.spf_result, "pass");
    }
}

static void what_is_no_line_of_results_is_passed_over(void **state)
{
    struct rig *r = *state;
    struct row row = {0};
    rows_read_results(STR("dkim a b\n\nkim\ndkim a b c d\nspf\nspf x % %4\nreason t\nreason t u"),
                      r->a, &row);
    assert_int_equal(row.n_signatures, 1);
    assert_str(row.signatures[0].result, "c");
    assert_str(row.spf_scope, "%");
    assert_str(row.spf_result, "%4");
    assert_int_equal(row.n_reasons, 1);
}

/* --- Bounds --- */

static void signatures_reasons_and_texts_are_cut(void **state)
{
    struct rig *r = *state;
    struct row_signature *many = arena_array(r->a, struct row_signature, 300);
    struct row_reason *whys = arena_array(r->a, struct row_reason, 300);
    char *text = arena_alloc(r->a, 100000);
    struct row row = a_row("192.0.2.1"), back = {0};
    struct rows_record record;
    memset(text, 'x', 100000);
    for (size_t i = 0; i < 300; i++)
        many[i] = (struct row_signature){{text, 100000}, {text, i + 1}, STR("pass")};
    row.signatures = many;
    row.reasons = whys;
    row.n_signatures = row.n_reasons = 300;
    row.header_from = row.policy.destinations = (struct str){text, 100000};
    rows_record_of(DAY0, &row, r->a, &record);
    assert_int_equal(record.sender[0].n, ROWS_TEXT_MAX);
    assert_int_equal(record.policy[ROWS_POLICY_FIELDS - 1].n, ROWS_RUA_MAX);
    rows_read_results(record.results, r->a, &back);
    assert_int_equal(back.n_signatures, ROWS_SIGNATURES_MAX);
    assert_int_equal(back.n_reasons, ROWS_REASONS_MAX);
    assert_int_equal(back.signatures[0].domain.n, ROWS_TEXT_MAX);
    assert_int_equal(back.signatures[99].selector.n, 100);
    assert_true(rows_add(r->rows, NOW, &row));
    assert_int_equal(list_rows(r).rows, 1);
}

static void lock_store(struct rig *r, sqlite3 **sql)
{
    assert_true(rows_flush(r->rows, LONG));
    assert_int_equal(sqlite3_open(r->path, sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(*sql, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void unlock_store(sqlite3 *sql)
{
    assert_int_equal(sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
}

static void a_locked_store_loses_nothing_that_fits(void **state)
{
    struct rig *r = *state;
    sqlite3 *sql;
    add(r, "192.0.2.1");
    lock_store(r, &sql);
    for (unsigned i = 0; i < 100; i++)
        add(r, "192.0.2.2");
    assert_false(rows_flush(r->rows, 300000));
    assert_true(rows_figures(r->rows).waiting_bytes > 0);
    unlock_store(sql);
    struct listing l = list_rows(r);
    assert_int_equal(l.messages, 101);
    assert_int_equal(rows_figures(r->rows).lost, 0);
    assert_int_equal(rows_figures(r->rows).waiting_bytes, 0);
}

static void what_does_not_fit_is_counted_and_nobody_waits(void **state)
{
    struct rig *r = *state;
    sqlite3 *sql;
    struct row row = a_row("192.0.2.1");
    rows_close(r->rows);
    open_rows(r, 100000);
    add(r, "192.0.2.1");
    lock_store(r, &sql);
    unsigned added = 0;
    for (unsigned i = 0; i < 2000; i++)
        added += rows_add(r->rows, NOW, &row) ? 1 : 0;
    assert_true(added > 100 && added < 1000);
    assert_true(rows_figures(r->rows).waiting_bytes <= 100000);
    assert_int_equal(rows_figures(r->rows).lost, 2000 - added);
    unlock_store(sql);
    assert_int_equal(list_rows(r).messages, added + 1);
}

/* --- Many at once --- */

static void *add_many(void *rig)
{
    struct rig *r = rig;
    struct row row = a_row("192.0.2.1");
    for (unsigned i = 0; i < 2000; i++) {
        row.source.bytes[3] = (uint8_t)(i % 50);
        assert_true(rows_add(r->rows, NOW, &row));
    }
    return NULL;
}

static void many_threads_add_and_none_is_lost(void **state)
{
    struct rig *r = *state;
    pthread_t ids[8];
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, add_many, r), 0);
    for (unsigned i = 0; i < 8; i++)
        pthread_join(ids[i], NULL);
    struct listing l = list_rows(r);
    assert_int_equal(l.rows, 50);
    assert_int_equal(l.messages, 16000);
}

static void what_lies_beside_the_file_stays_small(void **state)
{
    struct rig *r = *state;
    struct row row = a_row("192.0.2.1");
    char wal[128];
    struct stat st;
    snprintf(wal, sizeof wal, "%s-wal", r->path);
    for (unsigned i = 0; i < 1500; i++) {
        row.source.bytes[2] = (uint8_t)(i >> 8);
        row.source.bytes[3] = (uint8_t)i;
        assert_true(rows_add(r->rows, NOW, &row));
        assert_true(rows_flush(r->rows, LONG));
    }
    assert_int_equal(stat(wal, &st), 0);
    assert_in_range(st.st_size, 1, 5 << 20);
    assert_int_equal(stat(r->path, &st), 0);
    assert_in_range(st.st_size, 50000, 10 << 20);
}

/* --- Trouble --- */

static void a_close_writes_what_waits(void **state)
{
    struct rig *r = *state;
    add(r, "192.0.2.1");
    rows_close(r->rows);
    open_rows(r, 0);
    assert_int_equal(list_rows(r).messages, 1);
}

static void the_group_reads_whatever_the_umask(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct rig *r = *state;
    struct stat st;
    char path[128];
    rows_close(r->rows);
    snprintf(r->path, sizeof r->path, "%s/others.db", r->dir);
    mode_t mask = umask(0077);
    open_rows(r, 0);
    add(r, "192.0.2.1");
    assert_true(rows_flush(r->rows, LONG));
    umask(mask);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", r->path, ends[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
    }
}

static void rows_wait_for_a_directory(void **state)
{
    struct rig *r = *state;
    char later[96];
    rows_close(r->rows);
    snprintf(later, sizeof later, "%s/later", r->dir);
    snprintf(r->path, sizeof r->path, "%s/later/rows.db", r->dir);
    open_rows(r, 0);
    add(r, "192.0.2.1");
    assert_false(rows_flush(r->rows, 100000));
    assert_int_equal(mkdir(later, 0700), 0);
    assert_int_equal(list_rows(r).messages, 1);
}

static void rows_wait_for_room_on_a_full_disk(void **state)
{
    struct rig *r = *state;
    struct rlimit all, none = {0, 0};
    add(r, "192.0.2.1");
    assert_true(rows_flush(r->rows, LONG));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    none.rlim_max = all.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    add(r, "192.0.2.1");
    bool flushed = rows_flush(r->rows, 300000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_false(flushed);
    assert_int_equal(list_rows(r).messages, 2);
}

static void a_damaged_store_is_put_aside(void **state)
{
    struct rig *r = *state;
    char aside[128], junk[4096];
    snprintf(aside, sizeof aside, "%s.damaged", r->path);
    for (unsigned i = 0; i < 200; i++) {
        struct row row = a_row("192.0.2.1");
        row.source.bytes[3] = (uint8_t)i;
        assert_true(rows_add(r->rows, NOW, &row));
    }
    rows_close(r->rows);
    memset(junk, 0xA5, sizeof junk);
    int fd = open(r->path, O_WRONLY);
    for (off_t at = 4096; at < lseek(fd, 0, SEEK_END); at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    close(fd);
    open_rows(r, 0);
    add(r, "192.0.2.1");
    assert_int_equal(list_rows(r).messages, 1);
    assert_int_equal(access(aside, F_OK), 0);
}

static void execute(struct rig *r, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static const char *journal_mode(struct rig *r)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    const char *mode = str_cstr(r->a, str_of((const char *)sqlite3_column_text(s, 0)));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return mode;
}

static void a_store_of_a_later_version_is_left_alone(void **state)
{
    struct rig *r = *state;
    struct str problem = STR_NONE;
    add(r, "192.0.2.1");
    rows_close(r->rows);
    execute(r, "PRAGMA user_version=99");
    open_rows(r, 0);
    add(r, "192.0.2.1");
    assert_false(rows_flush(r->rows, 300000));
    assert_null(rows_reader_open(str_of(r->path), r->a, &problem));
    assert_true(problem.n > 0);
    assert_int_equal(number(r, "SELECT sum(messages) FROM row"), 1);
    execute(r, "PRAGMA user_version=2");
    assert_int_equal(list_rows(r).messages, 2);
}

/* Most programs leave no mark in their databases. */
static void a_database_of_another_program_is_left_alone(void **state)
{
    static const char *const theirs[] = {
        "CREATE TABLE row(x)",        "CREATE TABLE other(x)",       "PRAGMA user_version=1",
        "PRAGMA application_id=1234", "PRAGMA application_id=-1234", "PRAGMA user_version=-1",
    };
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
        struct str problem = STR_NONE;
        rows_close(r->rows);
        unlink(r->path);
        execute(r, theirs[i]);
        open_rows(r, 0);
        add(r, "192.0.2.1");
        assert_false(rows_flush(r->rows, 200000));
        assert_null(rows_reader_open(str_of(r->path), r->a, &problem));
        assert_true(
            str_ends_nocase(problem, STR("/rows.db: is a database of another program: move it "
                                         "away, or name another state-dir")));
        assert_str(str_of(journal_mode(r)), "delete");
    }
}

/* As the version before sent no reports. */
static void a_store_of_an_earlier_version_is_taken_along(void **state)
{
    struct rig *r = *state;
    add(r, "192.0.2.1");
    rows_close(r->rows);
    execute(r, "DROP TABLE secret; DROP TABLE report; DROP TABLE body; DROP TABLE mail;"
               "DROP TABLE suppressed; PRAGMA user_version=1");
    open_rows(r, 0);
    add(r, "192.0.2.1");
    assert_true(rows_flush(r->rows, 10000000));
    assert_int_equal(number(r, "SELECT sum(messages) FROM row"), 2);
    assert_int_equal(number(r, "SELECT length(bytes) FROM secret"), 16);
}

static void a_store_that_was_begun_is_finished(void **state)
{
    struct rig *r = *state;
    rows_close(r->rows);
    unlink(r->path);
    int fd = open(r->path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    open_rows(r, 0);
    add(r, "192.0.2.1");
    assert_int_equal(list_rows(r).messages, 1);
}

static void a_reader_says_why_it_cannot_read(void **state)
{
    struct rig *r = *state;
    struct str problem = STR_NONE;
    assert_null(rows_reader_open(STR("/nonexistent/rows.db"), r->a, &problem));
    assert_str(problem, "/nonexistent/rows.db: No such file or directory");
}

static void *begin_later(void *rig)
{
    struct rig *r = rig;
    struct row row = a_row("192.0.2.1");
    usleep(150000);
    open_rows(r, 0);
    rows_add(r->rows, NOW, &row);
    return NULL;
}

static void a_reader_waits_for_tables_that_are_being_made(void **state)
{
    struct rig *r = *state;
    struct str problem = STR_NONE;
    pthread_t writer;
    rows_close(r->rows);
    r->rows = NULL;
    fclose(fopen(r->path, "w"));
    int64_t began = clock_us();
    assert_null(rows_reader_open(str_of(r->path), r->a, &problem));
    assert_non_null(strstr(str_cstr(r->a, problem), "start the daemon once"));
    assert_in_range(clock_us() - began, 900000, LONG);
    assert_int_equal(pthread_create(&writer, NULL, begin_later, r), 0);
    struct arena *a = arena_new(0); /* the other one is the writer's now */
    struct rows_reader *reader = NULL;
    while (!reader && clock_us() - began < LONG) /* on a busy machine a second is not much */
        reader = rows_reader_open(str_of(r->path), a, &problem);
    pthread_join(writer, NULL);
    arena_free(a);
    assert_non_null(reader);
    rows_reader_close(reader);
}

/* --- kill -9 --- */

static void add_for_ever(struct rig *r, int out)
{
    open_rows(r, 0);
    for (uint32_t n = 1;; n++) {
        struct row row = a_row("192.0.2.1");
        rows_add(r->rows, NOW, &row);
        if (n % 50 == 0 && (!rows_flush(r->rows, LONG) || write(out, &n, sizeof n) != sizeof n))
            _exit(3);
    }
}

static void what_was_flushed_survives_a_kill(void **state)
{
    struct rig *r = *state;
    uint64_t flushed = 0;
    rows_close(r->rows);
    for (unsigned round = 0; round < 8; round++) {
        int ends[2];
        uint32_t n, last = 0;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (!child)
            add_for_ever(r, ends[1]);
        close(ends[1]);
        assert_int_equal(read(ends[0], &n, sizeof n), sizeof n);
        last = n;
        usleep(round * 2300);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(ends[0], &n, sizeof n) == sizeof n)
            last = n;
        close(ends[0]);
        flushed += last;
        assert_true((uint64_t)number(r, "SELECT sum(messages) FROM row") >= flushed);
    }
    open_rows(r, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_one_kind_are_counted),
        TEST(whatever_differs_is_another_row),
        TEST(days_and_policies_are_periods_of_their_own),
        TEST(days_begin_at_midnight_utc),
        TEST(what_has_no_row_is_tallied),
        TEST(what_is_dropped_takes_its_texts_along),
        TEST(what_is_set_aside_is_no_memory),
        TEST(any_text_comes_back_as_it_went),
        TEST(what_is_no_line_of_results_is_passed_over),
        TEST(signatures_reasons_and_texts_are_cut),
        TEST(a_locked_store_loses_nothing_that_fits),
        TEST(what_does_not_fit_is_counted_and_nobody_waits),
        TEST(many_threads_add_and_none_is_lost),
        TEST(what_lies_beside_the_file_stays_small),
        TEST(a_close_writes_what_waits),
        TEST(the_group_reads_whatever_the_umask),
        TEST(rows_wait_for_a_directory),
        TEST(rows_wait_for_room_on_a_full_disk),
        TEST(a_damaged_store_is_put_aside),
        TEST(a_database_of_another_program_is_left_alone),
        TEST(a_store_of_a_later_version_is_left_alone),
        TEST(a_store_of_an_earlier_version_is_taken_along),
        TEST(a_store_that_was_begun_is_finished),
        TEST(a_reader_says_why_it_cannot_read),
        TEST(a_reader_waits_for_tables_that_are_being_made),
        TEST(what_was_flushed_survives_a_kill),
    };
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_INFO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
