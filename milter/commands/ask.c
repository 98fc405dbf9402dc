/* ask.c - what the commands that ask the DNS a question have in common.
 *
 * Errors: a line on standard error and an exit status: 64 for a wrong call, 66 for a file that
 * cannot be read, 78 for the configuration. */
#include "milter/commands/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "mail/domain.h"
#include "milter/commands/commands.h"
#include "milter/daemon/resolver.h"

bool ask_option(struct ask *ask, int option, const char *argument)
{
    switch (option) {
    case 'c':
        ask->conf_path = argument;
        return true;
    case 'd':
        ask->zone_path = argument;
        return true;
    case 'e':
        ask->explain = true;
        return true;
    case 'j':
        ask->json = true;
        return true;
    default:
        return false;
    }
}

bool ask_read_file(struct ask *ask, const char *path, struct str *text)
{
    char chunk[16384];
    struct strbuf b;
    size_t n;
    bool standard_input = strcmp(path, "-") == 0;
    FILE *f = standard_input ? stdin : fopen(path, "rb");
    sb_init(&b, ask->arena);
    while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        sb_add(&b, (struct str){chunk, n});
    bool good = f && !ferror(f);
    if (!good)
        fprintf(stderr, "%s: %s: %s\n", ask->command, path, strerror(errno));
    if (f && !standard_input)
        fclose(f);
    *text = sb_str(&b);
    return good;
}

int ask_load_conf(struct ask *ask)
{
    struct conf_problems problems;
    const char *path = ask->conf_path;
    log_set_level(LOG_LEVEL_ERROR); /* warnings are for who starts the daemon */
    if (!path && access(DEFAULT_CONF, R_OK) == 0)
        path = DEFAULT_CONF;
    conf_problems_init(&problems, ask->arena);
    ask->conf = conf_load(path, &problems);
    for (size_t i = 0; i < problems.n; i++)
        fprintf(stderr, "%.*s\n", STR_ARG(problems.v[i]));
    return ask->conf ? EX_OK : EX_CONFIG;
}

static int open_dns(struct ask *ask)
{
    struct str text, problem;
    if (!ask->zone_path) {
        ask->dns = resolver_open(ask->conf, ask->arena, &problem);
    } else {
        if (!ask_read_file(ask, ask->zone_path, &text))
            return EX_NOINPUT;
        ask->dns = dns_open_zone(text, ask->arena, &problem);
    }
    if (ask->dns)
        return EX_OK;
    fprintf(stderr, "%s: %s: %.*s\n", ask->command, ask->zone_path ? ask->zone_path : "DNS",
            STR_ARG(problem));
    return ask->zone_path ? EX_DATAERR : EX_UNAVAILABLE;
}

int ask_open(struct ask *ask)
{
    int status = ask_load_conf(ask);
    if (status == EX_OK)
        status = open_dns(ask);
    if (status == EX_OK)
        ask->asker = (struct dns_asker){
            .dns = ask->dns,
            .arena = ask->arena,
            .patience_us = ask->conf->dns_deadline * 1000,
        };
    return status;
}

void ask_close(struct ask *ask)
{
    struct dns *dns = ask->dns;
    conf_free(ask->conf);
    arena_free(ask->arena); /* holds answers of dns */
    dns_close(dns);
}

#define RECORD_SHOWN_MAX 2000

static void print_event(void *context, const struct dns_event *event)
{
    struct ask *ask = context;
    printf("  %s of %.*s: %s\n", dns_type_name(event->type),
           STR_ARG(str_safe(ask->arena, event->name, DOMAIN_MAX, false)),
           dns_status_name(event->answer->status));
    for (size_t i = 0; i < event->answer->n; i++)
        printf("    %.*s\n",
               STR_ARG(str_safe(ask->arena, event->answer->rr[i].text, RECORD_SHOWN_MAX, true)));
}

void ask_trace(struct ask *ask)
{
    if (!ask->explain || ask->json)
        return;
    ask->asker.trace = print_event;
    ask->asker.trace_context = ask;
}

void ask_print_step(void *context, unsigned depth, struct str text)
{
    (void)context;
    printf("  %*s%.*s\n", (int)(depth < 20 ? depth : 20) * 2, "", STR_ARG(text));
}
