/* answer.c - the answer to a request: a page, JSON, or what the daemon has counted.
 *
 * Stores are opened for each answer, because they may not exist yet, or be replaced. Without the
 * right to write beside it, a file of SQLite can be read only while nobody writes
 * (store/database.h); if one was written meanwhile, the answer is made again.
 *
 * Errors: status 400 for an address that cannot be understood, 404 for an unknown one, 503 if a
 * store or the daemon cannot be reached; each says why. */
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "conf/listen.h"
#include "milter/commands/control_ask.h"
#include "milter/commands/report_pages.h"
#include "milter/web/web.h"

#define HTML "text/html; charset=utf-8"
#define JSON "application/json"
#define TEXT "text/plain; charset=utf-8"

#define TRIES 3

static struct web_answer plain(unsigned status, struct str text)
{
    return (struct web_answer){status, TEXT, text};
}

/* --- Trouble -----------------------------------------------------------------------------------*/

static struct web_answer say_problem(unsigned status, bool api, const char *title, struct str text,
                                     struct arena *a)
{
    struct json j;
    if (!api)
        return (struct web_answer){status, HTML, page_problem(a, title, text)};
    json_begin(&j, a);
    json_text(&j, "error", text);
    json_end(&j, '}');
    return (struct web_answer){status, JSON, json_str(&j)};
}

static struct web_answer not_understood(const struct page_query *q, bool found, const char *problem,
                                        struct arena *a)
{
    return found ? say_problem(400, q->api, "This cannot be shown", str_of(problem), a)
                 : say_problem(404, q->api, "No such page", str_of(problem), a);
}

/* --- Pages -------------------------------------------------------------------------------------*/

/* When the stores were last written, according to their files. */
struct stamps {
    struct {
        dev_t device;
        ino_t inode;
        struct timespec time;
        off_t size;
    } files[2];
};

static struct stamps stamps_of(const struct conf *conf, struct arena *a)
{
    static const char *const names[] = {"received.db", "rows.db"};
    struct stamps s;
    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < 2; i++) {
        struct stat st;
        struct str path = str_printf(a, "%.*s/%s", STR_ARG(conf->state_dir), names[i]);
        if (stat(path.p, &st))
            continue;
        s.files[i].device = st.st_dev;
        s.files[i].inode = st.st_ino;
        s.files[i].time = st.st_mtim;
        s.files[i].size = st.st_size;
    }
    return s;
}

static bool make_page(struct page_stores *stores, const struct page_query *q, int64_t now,
                      struct arena *a, struct web_answer *out, struct str *problem)
{
    struct page_site site;
    bool found = true;
    bool good = q->api ? page_make_json(stores, q, a, &out->body, &found, problem)
                       : page_site_read(stores, now, true, a, &site, problem) &&
                             page_make(stores, &site, q, 0, a, &out->body, &found, problem);
    out->status = found ? 200 : 404;
    out->type = q->api ? JSON : HTML;
    return good;
}

static bool try_page(const struct web *web, const struct page_query *q, int64_t now,
                     struct arena *a, struct web_answer *out, struct str *problem)
{
    struct page_stores stores = {.owner = web->owner};
    if (!report_pages_open(web->conf, a, &stores, problem))
        return false;
    bool good = make_page(&stores, q, now, a, out, problem);
    report_pages_close(&stores);
    return good;
}

static struct web_answer answer_page(const struct web *web, const struct page_query *q, int64_t now,
                                     struct arena *a)
{
    struct web_answer out = {0};
    struct str problem = STR("");
    bool good = false, steady = false;
    for (int i = 0; i < TRIES && !(good && steady); i++) {
        struct stamps before = stamps_of(web->conf, a);
        good = try_page(web, q, now, a, &out, &problem);
        struct stamps after = stamps_of(web->conf, a);
        steady = memcmp(&before, &after, sizeof before) == 0;
    }
    return good ? out : say_problem(503, q->api, "The store cannot be read now", problem, a);
}

/* --- Metrics -----------------------------------------------------------------------------------*/

static struct web_answer answer_metrics(const struct web *web, struct arena *a)
{
    struct listen_address address;
    struct str problem, text;
    if (!web->conf->control.n || !listen_parse(web->conf->control, a, &address, &problem))
        return plain(503, STR("the configuration names no control socket (control)\n"));
    int reason = control_ask(address.path, "metrics\n", a, &text);
    if (reason)
        return plain(503, str_printf(a, "no daemon answers at %.*s: %s\n", STR_ARG(address.path),
                                     strerror(reason)));
    return (struct web_answer){200, "text/plain; version=0.0.4; charset=utf-8", text};
}

/* --- All ---------------------------------------------------------------------------------------*/

struct web_answer web_answer(const struct web *web, struct str uri, struct arena *a)
{
    struct page_query q;
    bool found;
    int64_t now = time(NULL);
    if (str_eq(uri, STR("/metrics")))
        return answer_metrics(web, a);
    if (str_eq(uri, STR("/favicon.ico")) || str_eq(uri, STR("/robots.txt")))
        return plain(404, STR("there is none\n"));
    const char *problem = page_query_read(uri, now / 86400, a, &q, &found);
    return problem ? not_understood(&q, found, problem, a) : answer_page(web, &q, now, a);
}
