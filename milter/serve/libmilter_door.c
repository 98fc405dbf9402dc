/* libmilter_door.c - libmilter's callbacks as events of an MTA.
 *
 * The library is taken as it is. What it does otherwise than our own door, for an administrator to
 * know, stands in assay(8).
 *
 * Errors: a callback out of order (no connection), or after the end, is answered with a temporary
 * failure. */
#include "milter/serve/libmilter_door.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "base/log.h"
#include "base/thread.h"
#include "milter/serve/reply_text.h"

#define SIGNAL_THREAD_MS 2000

struct door {
    struct mta mta; /* first */
    SMFICTX *ctx;
    void *state; /* of the events */
    uint32_t steps;
    struct door *before, *next; /* in doors */
};

/* libmilter has no room for a pointer of ours before a connection exists. */
static struct libmilter_door the_door;
static const struct mta_events *events;

/* Held for reading within every callback; taken for writing by the end, for good. */
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
static atomic_bool closed; /* looked at first: readers would keep the end waiting */

/* All connections: the library forgets those that are open at the end. */
static struct door *doors;
static pthread_mutex_t doors_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- What the program may ask and say ----------------------------------------------------------*/

static SMFICTX *ctx_of(struct mta *mta)
{
    return ((struct door *)mta)->ctx;
}

static const char *find_macro(struct mta *mta, const char *name)
{
    char symbol[64]; /* libmilter asks for a char *, and only reads it */
    snprintf(symbol, sizeof symbol, name[0] && name[1] ? "{%s}" : "%s", name);
    return smfi_getsymval(ctx_of(mta), symbol);
}

static bool set_reply(struct mta *mta, const char *code, const char *enhanced, const char *text)
{
    char c[8], e[16], t[REPLY_LINE_MAX]; /* libmilter wants them writable */
    snprintf(c, sizeof c, "%s", code);
    snprintf(e, sizeof e, "%s", enhanced);
    reply_text(t, sizeof t, text);
    return smfi_setreply(ctx_of(mta), c, e, t) == MI_SUCCESS;
}

/* libmilter takes no const, and changes nothing. */
static bool insert_header(struct mta *mta, const char *name, const char *value)
{
    char *copies[] = {strdup(name), strdup(value)};
    bool done = copies[0] && copies[1] &&
                smfi_insheader(ctx_of(mta), 0, copies[0], copies[1]) == MI_SUCCESS;
    free(copies[0]);
    free(copies[1]);
    return done;
}

static bool change_header(struct mta *mta, const char *name, unsigned ordinal, const char *value)
{
    char *copies[] = {strdup(name), value ? strdup(value) : NULL};
    bool done = copies[0] && ordinal <= INT_MAX &&
                smfi_chgheader(ctx_of(mta), copies[0], (int)ordinal, copies[1]) == MI_SUCCESS;
    free(copies[0]);
    free(copies[1]);
    return done;
}

static bool libmilter_quarantine(struct mta *mta, const char *reason)
{
    char *copy = strdup(reason);
    bool done = copy && smfi_quarantine(ctx_of(mta), copy) == MI_SUCCESS;
    free(copy);
    return done;
}

static void libmilter_progress(struct mta *mta)
{
    smfi_progress(ctx_of(mta));
}

static void libmilter_waits(struct mta *mta, bool begins)
{
    (void)mta, (void)begins; /* the library counts its threads itself */
}

static const struct mta_calls calls = {
    .macro = find_macro,
    .reply = set_reply,
    .insert_header = insert_header,
    .change_header = change_header,
    .quarantine = libmilter_quarantine,
    .progress = libmilter_progress,
    .waits = libmilter_waits,
};

/* --- Callbacks ---------------------------------------------------------------------------------*/

static struct door *door_of(SMFICTX *ctx)
{
    return smfi_getpriv(ctx);
}

/* Through the gate, if it is open. */
static bool pass_gate(void)
{
    if (atomic_load(&closed))
        return false;
    pthread_rwlock_rdlock(&gate);
    if (!atomic_load(&closed))
        return true;
    pthread_rwlock_unlock(&gate);
    return false;
}

static void list_door(struct door *d)
{
    pthread_mutex_lock(&doors_lock);
    d->next = doors;
    if (doors)
        doors->before = d;
    doors = d;
    pthread_mutex_unlock(&doors_lock);
}

static void unlist_door(struct door *d)
{
    pthread_mutex_lock(&doors_lock);
    if (d->before)
        d->before->next = d->next;
    else
        doors = d->next;
    if (d->next)
        d->next->before = d->before;
    pthread_mutex_unlock(&doors_lock);
}

/* The connection, for one event; NULL: there are no events any more. Steps may come without a
 * negotiation: after SMFIC_QUIT_NC, and from an MTA that does not keep to the protocol. */
static struct door *enter_callback(SMFICTX *ctx)
{
    if (!pass_gate())
        return NULL;
    struct door *d = door_of(ctx);
    if (d)
        return d;
    d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->mta.calls = &calls;
    d->ctx = ctx;
    d->state = events->opened(the_door.context, &d->mta);
    smfi_setpriv(ctx, d);
    list_door(d);
    return d;
}

/* `entered`: what enter() gave. */
static sfsistat leave(SMFICTX *ctx, const struct door *entered, uint32_t no_reply,
                      enum mta_answer answer)
{
    static const sfsistat statuses[] = {
        [MTA_CONTINUE] = SMFIS_CONTINUE,
        [MTA_TEMPFAIL] = SMFIS_TEMPFAIL,
        [MTA_REJECT] = SMFIS_REJECT,
    };
    const struct door *d = door_of(ctx);
    bool silent = d && d->steps & no_reply;
    if (entered)
        pthread_rwlock_unlock(&gate);
    return silent ? SMFIS_NOREPLY : statuses[answer];
}

static bool negotiate(struct door *d, const struct mta_offer *offered, struct mta_offer *wanted)
{
    const char *macros[MTA_MACRO_POINTS] = {0};
    if (!events->negotiate(d->state, offered, wanted, macros))
        return false;
    d->steps = wanted->steps;
    for (int i = 0; wanted->actions & MTA_CHOOSE_MACROS && i < MTA_MACRO_POINTS; i++) {
        char *names = macros[i] ? strdup(macros[i]) : NULL;
        if (names && smfi_setsymlist(d->ctx, i, names) != MI_SUCCESS)
            log_warning("libmilter refused the list of macros \"%s\"", names);
        free(names);
    }
    return true;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                             unsigned long f2, unsigned long f3, unsigned long *our_actions,
                             unsigned long *our_steps, unsigned long *our_f2, unsigned long *our_f3)
{
    (void)f2, (void)f3;
    struct door *d = enter_callback(ctx);
    const struct mta_offer offered = {(uint32_t)actions, (uint32_t)steps};
    struct mta_offer wanted = {0};
    bool good = d && negotiate(d, &offered, &wanted);
    *our_actions = wanted.actions;
    *our_steps = wanted.steps;
    *our_f2 = *our_f3 = 0;
    return leave(ctx, d, 0, good ? MTA_CONTINUE : MTA_REJECT);
}

/* The client's address; `text` is where its text goes. libmilter tells no more of one that is none.
 */
static struct mta_client client_at(const char *host, const struct sockaddr *address,
                                   char text[INET6_ADDRSTRLEN])
{
    const char *name = host ? host : "";
    if (!address)
        return (struct mta_client){.host = name, .family = 'U'};
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
        return (struct mta_client){name, '4', text, ntohs(v4->sin_port)};
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
        return (struct mta_client){name, '6', text, ntohs(v6->sin6_port)};
    }
    return (struct mta_client){.host = name, .family = 'L'};
}

static sfsistat on_connect(SMFICTX *ctx, char *host, struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct mta_client client = client_at(host, address, text);
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_CONNECT, d ? events->connect(d->state, &client) : MTA_TEMPFAIL);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_HELO, d ? events->helo(d->state, name) : MTA_TEMPFAIL);
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_MAIL,
                 d ? events->mail(d->state, (const char *const *)arguments) : MTA_TEMPFAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_RCPT,
                 d ? events->rcpt(d->state, (const char *const *)arguments) : MTA_TEMPFAIL);
}

static sfsistat on_data(SMFICTX *ctx)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_DATA, d ? events->data(d->state) : MTA_TEMPFAIL);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_HEADER, d ? events->header(d->state, name, value) : MTA_TEMPFAIL);
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_EOH, d ? events->end_of_header(d->state) : MTA_TEMPFAIL);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, MTA_NR_BODY, d ? events->body(d->state, data, n) : MTA_TEMPFAIL);
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    struct door *d = enter_callback(ctx);
    return leave(ctx, d, 0, d ? events->end_of_message(d->state) : MTA_TEMPFAIL);
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct door *d = door_of(ctx) ? enter_callback(ctx) : NULL;
    if (d)
        events->abort(d->state);
    leave(ctx, d, 0, MTA_CONTINUE);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct door *d = door_of(ctx);
    smfi_setpriv(ctx, NULL); /* else the library writes of it to the log */
    if (!d || !pass_gate())
        return SMFIS_CONTINUE;
    unlist_door(d);
    events->closed(d->state);
    free(d);
    pthread_rwlock_unlock(&gate);
    return SMFIS_CONTINUE;
}

/* --- The library -------------------------------------------------------------------------------*/

static bool register_callbacks(void)
{
    static char name[] = "assay";
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_data = on_data,
        .xxfi_header = on_header,
        .xxfi_eoh = on_end_of_header,
        .xxfi_body = on_body,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
    return smfi_register(description) == MI_SUCCESS;
}

bool libmilter_door_open(const struct libmilter_door *door, const char *socket)
{
    the_door = *door;
    events = door->events;
    if (door->ident)
        openlog(door->ident, LOG_PID, LOG_MAIL);
    char *name = strdup(socket); /* the library takes no const */
    bool opened = name && register_callbacks() && smfi_setconn(name) == MI_SUCCESS &&
                  smfi_settimeout((int)door->silence_seconds) == MI_SUCCESS &&
                  smfi_setbacklog(door->backlog) == MI_SUCCESS &&
                  smfi_opensocket(false) == MI_SUCCESS;
    free(name);
    return opened;
}

static void *run_library(void *unused)
{
    smfi_main();
    if (pass_gate()) {
        the_door.ended(the_door.context);
        pthread_rwlock_unlock(&gate);
    }
    return unused;
}

/* Is a thread of ours, by its number, in sigwait()? All but the main thread have SIGHUP blocked,
 * and one that waits for it has not. */
static bool waits_for_signals(const char *number)
{
    char path[64], line[128];
    unsigned long long blocked = ~0ULL;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/status", number);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "SigBlk: %llx", &blocked) != 1)
        continue;
    if (f)
        fclose(f);
    return !(blocked >> (SIGHUP - 1) & 1) && strtol(number, NULL, 10) != getpid();
}

static bool some_thread_waits_for_signals(void)
{
    DIR *threads = opendir("/proc/self/task");
    const struct dirent *entry;
    bool found = false;
    while (threads && !found && (entry = readdir(threads)))
        found = entry->d_name[0] != '.' && waits_for_signals(entry->d_name);
    if (threads)
        closedir(threads);
    return found;
}

/* The library's thread for signals would take one that came before it waits, and end the filter.
 * Once it waits, the kernel prefers the main thread, which has them unblocked. */
static void let_signal_thread_start(void)
{
    for (int ms = 0; ms < SIGNAL_THREAD_MS && !some_thread_waits_for_signals(); ms++)
        usleep(1000);
}

bool libmilter_door_start(void)
{
    pthread_t thread;
    if (!thread_start(&thread, run_library, NULL))
        return false;
    pthread_detach(thread);
    let_signal_thread_start();
    return true;
}

/* The doors stay in memory: callbacks that are on their way out look at theirs. */
void libmilter_door_stop(void)
{
    atomic_store(&closed, true);
    pthread_rwlock_wrlock(&gate);
    for (struct door *d = doors; d; d = d->next)
        events->closed(d->state);
    pthread_rwlock_unlock(&gate);
}
