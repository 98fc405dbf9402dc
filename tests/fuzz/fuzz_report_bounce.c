/* A mail that came back, or anything else. What the other server says is kept clean and short. A
 * mail that names no report of ours, or has not failed, changes nothing in the store: a second
 * connection would see it. */
#include "fuzz.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "report/in/mime.h"
#include "report/out/bounce.h"

#define NOW     1800000000
#define WHY_MAX 200
#define ID      "0123456789abcdef0123456789abcdef"
#define ADDRESS "D@example.com"

static struct sent *store;
static sqlite3 *onlooker;
static sqlite3_stmt *version;
static char dir[] = "/tmp/assay-fuzz-XXXXXX", path[64];

static void end_store(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    sqlite3_finalize(version);
    sqlite3_close(onlooker);
    sent_close(store);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(path, sizeof path, "%s/rows.db%s", dir, suffixes[i]);
        unlink(path);
    }
    rmdir(dir);
}

static bool keep_mail(void *mail, const struct sent_report *r, const struct sent_mail *m)
{
    require(r->domain.n && m);
    *(struct sent_mail *)mail = *m;
    return true;
}

/* A report that was sent, and its one mail. */
static void begin_store(struct arena *a)
{
    const struct sent_report report = {.day = NOW / 86400 - 1,
                                       .policy_id = 1,
                                       .part = 1,
                                       .report_id = STR(ID),
                                       .domain = STR("example.com"),
                                       .sender = STR("dmarc@recv.example")};
    const struct str uri = STR("mailto:" ADDRESS);
    struct str problem;
    require(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/rows.db", dir);
    store = sent_open(str_of(path), true, a, &problem);
    require(store != NULL && sent_note(store, &report, &uri, 1));
    require(sqlite3_open(path, &onlooker) == SQLITE_OK);
    require(sqlite3_prepare_v2(onlooker, "PRAGMA data_version", -1, &version, NULL) == SQLITE_OK);
    atexit(end_store);
}

/* Another number whenever somebody else has written. */
static int store_version(void)
{
    sqlite3_reset(version);
    require(sqlite3_step(version) == SQLITE_ROW);
    int found = sqlite3_column_int(version, 0);
    sqlite3_reset(version);
    return found;
}

static void set_done(void)
{
    struct sent_mail mail = {0};
    bool was;
    require(sent_read(store, false, 0, keep_mail, &mail));
    require(mail.id);
    mail.uri = STR("mailto:" ADDRESS);
    mail.address = STR(ADDRESS);
    mail.state = SENT_DONE;
    mail.note = STR("");
    require(sent_update(store, &mail));
    require(sent_unsuppress(store, STR("d@example.com"), &was));
}

static void require_clean(struct str why)
{
    require(why.n <= WHY_MAX);
    for (size_t i = 0; i < why.n; i++)
        require((unsigned char)why.p[i] >= 0x20 && why.p[i] != 0x7F);
}

static bool holds(struct str text, struct str words)
{
    return memmem(text.p, text.n, words.p, words.n) != NULL;
}

static bool look_into_part(void *named, const struct mime_part *part)
{
    *(bool *)named = holds(part->bytes, STR(ID "."));
    return !*(bool *)named;
}

static bool names_report(struct str mail)
{
    bool named = holds(mail, STR(ID "."));
    if (!named)
        mime_walk(mail, look_into_part, &named);
    return named;
}

/* It came back, and is about ours. */
static void require_suppressed(struct str mail, const struct bounce_taken *taken, struct arena *a)
{
    struct sent_suppression kept;
    struct bounce_taken again;
    bool found;
    require(str_eq(taken->about.address, STR(ADDRESS)) && taken->about.number == 1);
    require(taken->suppressed > NOW);
    require(sent_suppression(store, STR("d@example.com"), a, &kept, &found));
    require(found && kept.until == taken->suppressed && kept.bounces == 1);
    int before = store_version(); /* twice is once */
    require(bounce_take(mail, STR_NONE, store, NOW, a, &again) && !again.suppressed);
    require(store_version() == before);
    set_done();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str mail = fuzz_text(data, size);
    struct bounce_taken taken;
    if (!store) {
        begin_store(a);
        set_done();
    }
    int before = store_version();
    require(bounce_take(mail, STR_NONE, store, NOW, a, &taken));
    require_clean(taken.bounce.why);
    if (taken.bounce.kind != BOUNCE_NONE && holds(mail, STR(ID ".1@")))
        require(taken.ours);
    if (!names_report(mail))
        require(!taken.ours);
    if (taken.ours && taken.bounce.kind == BOUNCE_FAILED)
        require_suppressed(mail, &taken, a);
    else
        require(!taken.suppressed && store_version() == before);
    arena_free(a);
    return 0;
}
