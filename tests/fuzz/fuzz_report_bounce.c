/* A mail that came back, or anything else. What the other server says is kept clean and short, and
 * nobody is spared for a mail that names no report of ours. */
#include "fuzz.h"

#include <unistd.h>

#include "report/out/bounce.h"

#define NOW     1800000000
#define WHY_MAX 200
#define ID      "0123456789abcdef0123456789abcdef"
#define ADDRESS "D@example.com"

static struct sent *store;
static char dir[] = "/tmp/assay-fuzz-XXXXXX", path[64];

static void end_store(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
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
    atexit(end_store);
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

static void note(struct sent_mail *about, const struct bounce *bounce, struct arena *a)
{
    struct sent_suppression spared;
    int64_t until;
    bool found;
    require(str_eq(about->address, STR(ADDRESS)) && about->number == 1);
    require(bounce_note(store, about, bounce, NOW, a, &until) && until > NOW);
    require(sent_suppression(store, STR("d@example.com"), a, &spared, &found));
    require(found && spared.until == until && spared.bounces == 1);
    require(bounce_note(store, about, bounce, NOW, a, &until) && !until); /* twice is once */
    set_done();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str mail = fuzz_text(data, size);
    struct bounce bounce;
    struct sent_mail about;
    bool found;
    if (!store) {
        begin_store(a);
        set_done();
    }
    bounce_read(mail, a, &bounce);
    require_clean(bounce.why);
    require(bounce_find(mail, store, a, &about, &found));
    if (found && bounce.kind == BOUNCE_FAILED)
        note(&about, &bounce, a);
    arena_free(a);
    return 0;
}
