/* command.c - what several commands need when they run: configuration, DNS, files, JSON.
 *
 * Errors: a line on standard error and an exit status: 65 for a zone file that is wrong, 66 for a
 * file that cannot be read, 69 without DNS, 78 for the configuration. */
#include "milter/commands/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "mail/domain.h"
#include "milter/commands/terminal.h"
#include "milter/daemon/resolver.h"

int command_fail(const struct command *c, int status, const char *format, ...)
{
    struct arena *a = arena_new(0);
    va_list args;
    va_start(args, format);
    struct str text = terminal_harmless(a, str_vprintf(a, format, args));
    va_end(args);
    fprintf(stderr, "%s: %.*s\n", c->name, STR_ARG(text));
    arena_free(a);
    return status;
}

int command_delivered(bool deliver, int status)
{
    return deliver && status != EX_OK ? EX_TEMPFAIL : status;
}

const char *command_help_by_root(struct str problem)
{
    bool denied = str_ends_nocase(problem, str_of(strerror(EACCES)));
    return denied && geteuid() != 0 ? ": run this as root" : "";
}

void command_print_problems(const struct conf_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++) {
        struct str text = terminal_harmless(problems->arena, problems->v[i]);
        fprintf(stderr, "%.*s%s\n", STR_ARG(text), command_help_by_root(problems->v[i]));
    }
}

bool command_read_file(struct command *c, const char *path, struct str *text)
{
    char chunk[16384];
    struct strbuf b;
    size_t n;
    bool standard_input = strcmp(path, "-") == 0;
    FILE *f = standard_input ? stdin : fopen(path, "rb");
    sb_init(&b, c->arena);
    while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        sb_add(&b, (struct str){chunk, n});
    bool good = f && !ferror(f);
    if (!good)
        command_fail(c, EX_NOINPUT, "%s: %s", path, strerror(errno));
    if (f && !standard_input)
        fclose(f);
    *text = sb_str(&b);
    return good;
}

int command_load_control(struct command *c, struct str *control)
{
    struct conf_problems problems;
    const char *path = c->conf_path;
    log_set_level(LOG_LEVEL_ERROR); /* warnings are for the start of the daemon */
    if (!path && access(DEFAULT_CONF, R_OK) == 0)
        path = DEFAULT_CONF;
    conf_problems_init(&problems, c->arena);
    c->conf = conf_load(path, &problems);
    command_print_problems(&problems);
    *control = c->conf ? c->conf->control : problems.control;
    return c->conf ? EX_OK : EX_CONFIG;
}

int command_load_conf(struct command *c)
{
    struct str control;
    return command_load_control(c, &control);
}

static int open_dns(struct command *c)
{
    struct str text, problem;
    if (!c->zone_path) {
        c->dns = resolver_open(c->conf, c->arena, &problem);
    } else {
        if (!command_read_file(c, c->zone_path, &text))
            return EX_NOINPUT;
        c->dns = dns_open_zone(text, c->arena, &problem);
    }
    if (c->dns)
        return EX_OK;
    return command_fail(c, c->zone_path ? EX_DATAERR : EX_UNAVAILABLE, "%s: %.*s",
                        c->zone_path ? c->zone_path : "DNS", STR_ARG(problem));
}

int command_open_dns(struct command *c)
{
    int status = open_dns(c);
    if (status == EX_OK)
        c->asker = (struct dns_asker){
            .dns = c->dns,
            .arena = c->arena,
            .patience_us = c->conf->dns_deadline * 1000,
        };
    return status;
}

int command_open(struct command *c)
{
    int status = command_load_conf(c);
    return status == EX_OK ? command_open_dns(c) : status;
}

#define RECORD_SHOWN_MAX 2000

static void print_event(void *context, const struct dns_event *event)
{
    struct command *c = context;
    printf("  %s of %.*s: %s\n", dns_type_name(event->type),
           STR_ARG(str_safe(c->arena, event->name, DOMAIN_MAX, false)),
           dns_status_name(event->answer->status));
    for (size_t i = 0; i < event->answer->n; i++)
        printf("    %.*s\n",
               STR_ARG(str_safe(c->arena, event->answer->rr[i].text, RECORD_SHOWN_MAX, true)));
}

void command_trace(struct command *c)
{
    if (!c->explain || c->json)
        return;
    c->asker.trace = print_event;
    c->asker.trace_context = c;
}

void command_print_step(void *context, unsigned depth, struct str text)
{
    (void)context;
    printf("  %*s%.*s\n", (int)(depth < 20 ? depth : 20) * 2, "", STR_ARG(text));
}

static void end_and_print(struct json *j, char bracket)
{
    json_end(j, bracket);
    struct str text = json_str(j);
    fwrite(text.p, 1, text.n, stdout);
}

void command_print_json(struct json *j)
{
    end_and_print(j, '}');
}

void command_print_json_list(struct json *j)
{
    end_and_print(j, ']');
}
