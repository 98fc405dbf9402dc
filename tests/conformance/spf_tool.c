/* spf_tool.c - plays SPF checks that come on standard input, one line each, for spf_suites.
 *
 *   zone HEX                                     the zone text for the cases that follow
 *   case ADDRESS HELO LOCAL DOMAIN RECEIVER      the four texts in hex, "-" for an empty one
 *
 * For each case a line goes out: RESULT EXPLANATION PROBLEM, the latter two in hex; "-" for none.
 *
 * Errors: a line that cannot be understood ends the program with status 1 and a message. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/request.h"

static unsigned long line_number;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "spf_tool: line %lu: %s\n", line_number, what);
    exit(1);
}

static unsigned digit(char c)
{
    const char *hit = c ? strchr("0123456789abcdef", c) : NULL;
    if (!hit)
        die("not hex");
    return (unsigned)(hit - "0123456789abcdef");
}

static struct str from_hex(struct arena *a, struct str hex)
{
    if (str_eq(hex, STR("-")))
        return STR("");
    if (hex.n % 2)
        die("hex of odd length");
    char *bytes = arena_alloc(a, hex.n / 2);
    for (size_t i = 0; i < hex.n; i += 2)
        bytes[i / 2] = (char)(digit(hex.p[i]) << 4 | digit(hex.p[i + 1]));
    return (struct str){bytes, hex.n / 2};
}

static void print_hex(struct str s)
{
    putchar(' ');
    if (!s.n)
        putchar('-');
    for (size_t i = 0; i < s.n; i++)
        printf("%02x", (unsigned char)s.p[i]);
}

static struct str word(struct str *rest)
{
    struct str w;
    if (!str_split(rest, ' ', &w))
        die("too few words");
    return w;
}

static struct dns *open_zone(struct str hex)
{
    struct arena *a = arena_new(0);
    struct str problem;
    struct dns *dns = dns_open_zone(from_hex(a, hex), a, &problem);
    if (!dns) {
        fprintf(stderr, "spf_tool: zone: %.*s\n", STR_ARG(problem));
        die("no zone");
    }
    arena_free(a);
    return dns;
}

/* Those that a message has where nothing is configured. */
static unsigned queries, spare;

static void read_shares(void)
{
    struct arena *a = arena_new(0);
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct conf *conf = conf_parse(STR("authserv-id = \"mx.recv.example\";"), &problems);
    if (!conf)
        die("no configuration");
    struct request_shares shares = request_shares(conf);
    queries = shares.spf;
    spare = shares.spare;
    conf_free(conf);
    arena_free(a);
}

static void play(struct dns *dns, struct str rest)
{
    struct arena *a = arena_new(0);
    struct dns_asker asker = {.dns = dns, .arena = a, .patience_us = 20000000};
    struct spf_request request = {.limits = spf_limits_default, .want_explanation = true};
    request.limits.queries = queries;
    asker.spare = spare;
    struct spf_outcome out;
    if (!netaddr_parse(word(&rest), &request.client))
        die("not an address");
    request.helo = from_hex(a, word(&rest));
    request.local = from_hex(a, word(&rest));
    request.domain = from_hex(a, word(&rest));
    request.receiver = from_hex(a, word(&rest));
    spf_check(&request, &asker, &out);
    fputs(spf_result_name(out.result), stdout);
    print_hex(out.explanation);
    print_hex(out.problem);
    putchar('\n');
    arena_free(a);
}

int main(void)
{
    struct dns *dns = NULL;
    char *line = NULL;
    size_t size = 0;
    read_shares();
    for (ssize_t n; (n = getline(&line, &size, stdin)) > 0;) {
        struct str rest = str_trim((struct str){line, (size_t)n});
        struct str verb = word(&rest);
        line_number++;
        if (str_eq(verb, STR("zone"))) {
            if (dns)
                dns_close(dns);
            dns = open_zone(word(&rest));
        } else if (dns && str_eq(verb, STR("case"))) {
            play(dns, rest);
        } else {
            die("neither zone nor case");
        }
    }
    free(line);
    if (dns)
        dns_close(dns);
    return fflush(stdout) == 0 ? 0 : 1;
}
