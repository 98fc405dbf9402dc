/* What an MTA says, through our own milter door: any bytes, cut anywhere. The events come in the
 * order of the SMTP dialogue, texts are texts, and what is answered is well-formed. */
#include "fuzz.h"

#include <string.h>

#include "base/log.h"
#include "milter/serve/internal.h"
#include "milter/serve/milter_door.h"
#include "milter/serve/milter_packet.h"

struct dialogue {
    struct mta *mta;
    unsigned events;
    bool in_transaction, in_header, in_body, closed;
    unsigned char refuse; /* one event in so many is refused; 0: none */
    size_t bytes;
};

static void touch(struct dialogue *d, const char *text)
{
    d->bytes += strlen(text);
}

static enum mta_answer next(struct dialogue *d)
{
    const char *id = d->mta->calls->macro(d->mta, "i");
    if (id)
        touch(d, id);
    if (!d->refuse || ++d->events % d->refuse)
        return MTA_CONTINUE;
    require(d->mta->calls->reply(d->mta, "451", "4.7.1", "100% no"));
    return MTA_TEMPFAIL;
}

static void *opened(void *context, struct mta *mta)
{
    struct dialogue *d = context;
    d->mta = mta;
    return d;
}

static bool negotiate(void *state, const struct mta_offer *offered, struct mta_offer *wanted,
                      const char *macros[MTA_MACRO_POINTS])
{
    (void)state;
    *wanted = *offered;
    macros[MTA_AT_MAIL] = "i {auth_type}";
    return offered->actions & MTA_ADD_HEADERS;
}

static enum mta_answer connected(void *state, const struct mta_client *client)
{
    struct dialogue *d = state;
    require(!d->in_transaction);
    touch(d, client->host);
    require(client->family == 'U' || client->address);
    if (client->family != 'U')
        touch(d, client->address);
    return next(d);
}

static enum mta_answer helo(void *state, const char *name)
{
    require(!((struct dialogue *)state)->in_transaction);
    touch(state, name);
    return next(state);
}

static void read_arguments(struct dialogue *d, const char *const *arguments)
{
    require(arguments[0]);
    for (; *arguments; arguments++)
        touch(d, *arguments);
}

static enum mta_answer mail(void *state, const char *const *arguments)
{
    struct dialogue *d = state;
    read_arguments(d, arguments);
    require(!d->in_transaction);
    enum mta_answer answer = next(d);
    d->in_transaction = answer == MTA_CONTINUE;
    d->in_header = d->in_body = false;
    return answer;
}

static enum mta_answer rcpt(void *state, const char *const *arguments)
{
    struct dialogue *d = state;
    require(d->in_transaction && !d->in_header);
    read_arguments(d, arguments);
    return next(d);
}

static enum mta_answer data(void *state)
{
    struct dialogue *d = state;
    require(d->in_transaction && !d->in_header);
    enum mta_answer answer = next(d);
    d->in_transaction = answer == MTA_CONTINUE;
    return answer;
}

static enum mta_answer header(void *state, const char *name, const char *value)
{
    struct dialogue *d = state;
    require(d->in_transaction && !d->in_body);
    d->in_header = true;
    touch(d, name);
    touch(d, value);
    return next(d);
}

static enum mta_answer end_of_header(void *state)
{
    struct dialogue *d = state;
    require(d->in_transaction && !d->in_body);
    d->in_header = d->in_body = true;
    return next(d);
}

static enum mta_answer body(void *state, const void *bytes, size_t n)
{
    struct dialogue *d = state;
    const char *p = bytes;
    require(d->in_body);
    for (size_t i = 0; i < n; i++)
        d->bytes += p[i] == 'x';
    return next(d);
}

static enum mta_answer end_of_message(void *state)
{
    struct dialogue *d = state;
    require(d->in_body);
    d->in_transaction = d->in_header = d->in_body = false;
    d->mta->calls->change_header(d->mta, "Authentication-Results", 2, NULL);
    d->mta->calls->insert_header(d->mta, "Authentication-Results", " mx.example; none");
    d->mta->calls->quarantine(d->mta, "held");
    return next(d);
}

static void aborted(void *state)
{
    struct dialogue *d = state;
    d->in_transaction = d->in_header = d->in_body = false;
}

static void closed(void *state)
{
    struct dialogue *d = state;
    require(!d->closed);
    d->closed = true;
}

static const struct mta_events events = {
    .opened = opened,
    .negotiate = negotiate,
    .connect = connected,
    .helo = helo,
    .mail = mail,
    .rcpt = rcpt,
    .data = data,
    .header = header,
    .end_of_header = end_of_header,
    .body = body,
    .end_of_message = end_of_message,
    .abort = aborted,
    .closed = closed,
};

/* What the MTA gets is packets, and nothing else. */
static void require_packets(const struct bytes *out)
{
    size_t at = 0;
    while (at < out->n) {
        const char *problem;
        ptrdiff_t n = milter_frame(out->p + at, out->n - at, &problem);
        require(n > 0);
        struct milter_packet p = milter_packet(out->p + at, (size_t)n);
        require(strchr("cimpqrtyO", p.command));
        require(p.command != 'y' || (p.n && p.data[p.n - 1] == '\0'));
        at += (size_t)n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct dialogue d = {.refuse = size ? bytes[0] % 8 : 0};
    struct milter_door door = {&events, &d};
    struct worker worker = {0};
    struct serve_connection c = {.fd = -1, .worker = &worker, .peer = "fuzz"};
    log_set_level(LOG_LEVEL_ERROR);
    void *state = milter_protocol.opened(&door, &c);
    const char *problem;
    for (size_t at = size ? 1 : 0; at < size;) {
        ptrdiff_t n = milter_protocol.frame((const char *)bytes + at, size - at, &problem);
        if (n <= 0 ||
            milter_protocol.handle(state, (const char *)bytes + at, (size_t)n) == SERVE_CLOSE)
            break;
        at += (size_t)n;
    }
    require_packets(&worker.out);
    milter_protocol.closed(state);
    require(d.closed);
    bytes_free(&worker.out);
    return 0;
}
