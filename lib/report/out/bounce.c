/* bounce.c - reads bounces.
 *
 * Errors: false if the store fails. */
#include "report/out/bounce.h"

#include "report/in/mime.h"
#include "report/out/mail.h"

#define DAY_S            86400
#define SUPPRESSED_FIRST (2 * DAY_S)
#define SUPPRESSED_LAST  (64 * DAY_S)
#define FORGOTTEN        (90 * DAY_S)
#define WHY_MAX          200

/* --- What it is --------------------------------------------------------------------------------*/

struct reading {
    struct arena *arena;
    bool status_part, action, failed;
    bool permanent; /* according to the status code */
    struct str why;
};

/* The text behind "Name:" at the beginning of a line, or STR_NONE. */
static struct str value_behind(struct str line, struct str name)
{
    if (!str_starts_nocase(line, name))
        return STR_NONE;
    return str_trim(str_sub(line, name.n, line.n));
}

/* The first word: some write a comment behind it. */
static struct str first_word(struct str text)
{
    size_t end = 0;
    while (end < text.n && ascii_is_alnum(text.p[end]))
        end++;
    return str_sub(text, 0, end);
}

static void read_status_line(struct reading *r, struct str line)
{
    struct str action = value_behind(line, STR("Action:"));
    struct str code = value_behind(line, STR("Diagnostic-Code:"));
    struct str status = value_behind(line, STR("Status:"));
    if (!code.p)
        code = status;
    r->action = r->action || action.p;
    if (action.p && str_eq_nocase(first_word(action), STR("failed")))
        r->failed = true;
    if (str_starts(status, STR("5.")))
        r->permanent = true;
    if (code.n > r->why.n)
        r->why = str_safe(r->arena, code, WHY_MAX, true);
}

/* RFC 3464, and RFC 6533 for addresses in UTF-8. */
static bool is_status(struct str type)
{
    return str_eq(type, STR("message/delivery-status")) ||
           str_eq(type, STR("message/global-delivery-status"));
}

static bool read_part(void *reading, const struct mime_part *part)
{
    struct reading *r = reading;
    struct str rest = part->bytes, line;
    if (!is_status(part->type))
        return true;
    r->status_part = true;
    while (str_split(&rest, '\n', &line))
        read_status_line(r, line);
    return false;
}

static struct str field_text(struct arena *a, const struct header_list *headers, const char *name)
{
    const struct header_field *f = header_get(headers, str_of(name), 0);
    return f ? str_trim(header_unfold(a, f->value)) : STR("");
}

static bool holds_words(struct str text, const char *const *words)
{
    for (; *words; words++)
        if (str_find_nocase(text, 0, str_of(*words)) < text.n)
            return true;
    return false;
}

/* Without a status only a mail server's own words say that it returns mail: its name, a field that
 * Exim and others write, or the subject of a postmaster, who may also have automatic replies. */
static enum bounce_kind kind_of_text(struct str mail, struct arena *a)
{
    static const char *const mailer[] = {"mailer-daemon", NULL};
    static const char *const postmaster[] = {"postmaster", NULL};
    static const char *const delayed[] = {"delayed", "warning: could not send", NULL};
    static const char *const undelivered[] = {"undeliver",
                                              "delivery fail",
                                              "failure notice",
                                              "returned mail:",
                                              "not delivered",
                                              "not be delivered",
                                              NULL};
    struct header_list headers;
    struct str body;
    mime_split(a, mail, &headers, &body);
    struct str from = field_text(a, &headers, "From"), subject = field_text(a, &headers, "Subject");
    if (field_text(a, &headers, "X-Failed-Recipients").n)
        return BOUNCE_FAILED;
    bool is_mailer = holds_words(from, mailer);
    if (is_mailer && holds_words(subject, delayed))
        return BOUNCE_LATER;
    return is_mailer || (holds_words(from, postmaster) && holds_words(subject, undelivered))
               ? BOUNCE_FAILED
               : BOUNCE_NONE;
}

void bounce_read(struct str mail, struct arena *a, struct bounce *out)
{
    struct reading r = {.arena = a, .why = STR("")};
    mime_walk(mail, read_part, &r);
    *out = (struct bounce){.why = r.why};
    if (!r.status_part)
        out->kind = kind_of_text(mail, a);
    else
        out->kind = r.failed || (!r.action && r.permanent) ? BOUNCE_FAILED : BOUNCE_LATER;
}

/* --- What it is about --------------------------------------------------------------------------*/

struct finding {
    struct sent *sent;
    struct arena *arena;
    struct sent_mail *about;
    bool found, failed;
};

static void find_in_text(struct finding *f, struct str text)
{
    struct str report_id;
    int64_t number;
    size_t at = 0;
    while (!f->found && !f->failed && report_mail_find_id(text, &at, &report_id, &number))
        f->failed = !sent_find(f->sent, report_id, number, f->arena, f->about, &f->found);
}

static bool find_in_part(void *finding, const struct mime_part *part)
{
    struct finding *f = finding;
    find_in_text(f, part->bytes);
    return !f->found && !f->failed;
}

/* Searches the mail as it came, and then decoded. */
bool bounce_find(struct str mail, struct sent *sent, struct arena *a, struct sent_mail *about,
                 bool *found)
{
    struct finding f = {.sent = sent, .arena = a, .about = about};
    find_in_text(&f, mail);
    if (!f.found && !f.failed)
        mime_walk(mail, find_in_part, &f);
    *found = f.found;
    return !f.failed;
}

/* --- What follows ------------------------------------------------------------------------------*/

static int64_t suppressed_for(int64_t bounces)
{
    int64_t s = SUPPRESSED_FIRST;
    for (int64_t i = 1; i < bounces && s < SUPPRESSED_LAST; i++)
        s *= 2;
    return s;
}

static bool suppress_destination(struct sent *sent, struct str address, struct str why, int64_t now,
                                 struct arena *a, int64_t *suppressed)
{
    struct sent_suppression old;
    struct str destination = str_lower(a, address);
    bool was;
    if (!sent_suppression(sent, destination, a, &old, &was))
        return false;
    if (was && (!old.until || old.until > now))
        return true;
    struct sent_suppression v = {.destination = destination, .since = now, .why = why};
    v.bounces = (was && now - old.until < FORGOTTEN ? old.bounces : 0) + 1;
    v.until = *suppressed = now + suppressed_for(v.bounces);
    return sent_suppress(sent, &v);
}

bool bounce_note(struct sent *sent, struct sent_mail *about, const struct bounce *bounce,
                 int64_t now, struct arena *a, int64_t *suppressed)
{
    *suppressed = 0;
    if (about->state == SENT_FAILED)
        return true;
    about->state = SENT_FAILED;
    about->changed = now;
    about->note = bounce->why.n ? str_printf(a, "it came back: %.*s", STR_ARG(bounce->why))
                                : STR("it came back");
    return sent_update(sent, about) &&
           suppress_destination(sent, about->address, about->note, now, a, suppressed);
}

/* --- All of it ---------------------------------------------------------------------------------*/

/* By the address that the mail came to, according to the mail server, or else by its contents. */
static bool find_subject(struct str mail, struct str recipient, struct sent *sent, struct arena *a,
                         struct bounce_taken *out)
{
    struct str named = str_printf(a, "%.*s@", STR_ARG(recipient));
    if (recipient.n && !bounce_find(named, sent, a, &out->about, &out->ours))
        return false;
    return out->ours || bounce_find(mail, sent, a, &out->about, &out->ours);
}

bool bounce_take(struct str mail, struct str recipient, struct sent *sent, int64_t now,
                 struct arena *a, struct bounce_taken *out)
{
    *out = (struct bounce_taken){0};
    bounce_read(mail, a, &out->bounce);
    if (out->bounce.kind == BOUNCE_NONE)
        return true;
    if (!find_subject(mail, recipient, sent, a, out))
        return false;
    return !out->ours || out->bounce.kind != BOUNCE_FAILED ||
           bounce_note(sent, &out->about, &out->bounce, now, a, &out->suppressed);
}
