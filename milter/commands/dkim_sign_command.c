/* dkim_sign_command.c - `assay dkim sign`: a message with a signature on top.
 *
 * Errors: exit status 64 for a wrong call, 66 for a file that cannot be read, 77 for a key that
 * cannot be used, 70 if OpenSSL cannot sign. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "dkim/dkim.h"
#include "keys/keyfile.h"
#include "milter/commands/dkim_commands.h"
#include "milter/commands/mailfile.h"

static const char usage[] =
    "usage: assay dkim sign --domain DOMAIN --selector SELECTOR --key FILE [OPTION...] [MESSAGE]\n"
    "\n"
    "Prints the message (default: standard input) with a DKIM-Signature on top.\n"
    "\n"
    "      --domain DOMAIN      d=: the domain that takes responsibility, such as example.org\n"
    "      --selector SELECTOR  s=: the name of the key's record\n"
    "      --key FILE           the private key, PEM\n"
    "      --headers LIST       header fields to sign, such as from:to:subject; default: those of\n"
    "                           RFC 6376 5.4.1 that are there, and From once more\n"
    "      --canonicalization C of header and body: relaxed/relaxed (default), relaxed/simple,\n"
    "                           simple/relaxed, simple/simple\n"
    "      --help               print this\n"
    "\n"
    "A message with Unix line ends is signed as if it had CRLF, and printed as it came.\n";

enum { OPT_DOMAIN, OPT_SELECTOR, OPT_KEY, OPT_HEADERS, OPT_CANON, OPT_COUNT };

#define NAMES_MAX 200

struct job {
    struct ask ask;
    const char *words[OPT_COUNT];
    const char *path;
    struct dkim_sign_settings settings;
    struct dkim_signing_key key;
    struct str names[NAMES_MAX];
};

static bool read_words(struct job *job, int argc, char **argv, bool *help)
{
    static const struct option options[] = {
        {"domain", required_argument, NULL, OPT_DOMAIN},
        {"selector", required_argument, NULL, OPT_SELECTOR},
        {"key", required_argument, NULL, OPT_KEY},
        {"headers", required_argument, NULL, OPT_HEADERS},
        {"canonicalization", required_argument, NULL, OPT_CANON},
        {"help", no_argument, NULL, 'h'},
        {0}};
    int c;
    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h')
            *help = true;
        else if (c >= 0 && c < OPT_COUNT)
            job->words[c] = optarg;
        else
            return false;
    }
    job->path = optind < argc ? argv[optind] : "-";
    return optind >= argc - 1;
}

static bool wrong(const struct job *job, const char *option, int word, const char *what)
{
    const char *text = job->words[word];
    if (!text)
        fprintf(stderr, "%s: --%s is missing\n", job->ask.command, option);
    else
        fprintf(stderr, "%s: --%s: \"%.*s\" %s\n", job->ask.command, option,
                STR_ARG(str_safe(job->ask.arena, str_of(text), 100, true)), what);
    return false;
}

static bool take_canon(struct str word, enum canon *out)
{
    *out = str_eq(word, STR("simple")) ? CANON_SIMPLE : CANON_RELAXED;
    return *out == CANON_SIMPLE || str_eq(word, STR("relaxed"));
}

static bool take_canons(struct job *job)
{
    struct str text = str_of(job->words[OPT_CANON]), header;
    job->settings.header_canon = job->settings.body_canon = CANON_RELAXED;
    if (!text.p)
        return true;
    return str_split(&text, '/', &header) && take_canon(header, &job->settings.header_canon) &&
           take_canon(text, &job->settings.body_canon);
}

/* From is signed in any case (RFC 6376 5.4). */
static bool take_headers(struct job *job)
{
    static const struct str none;
    struct str text = str_of(job->words[OPT_HEADERS]), name;
    if (!text.p)
        return true;
    job->settings.sign_headers = job->names;
    job->settings.oversign_headers = &none; /* what is listed, and nothing else */
    while (str_split(&text, ':', &name)) {
        if (job->settings.n_sign_headers == NAMES_MAX || !str_trim(name).n)
            return false;
        job->names[job->settings.n_sign_headers++] = str_lower(job->ask.arena, str_trim(name));
    }
    return true;
}

static bool check_words(struct job *job)
{
    struct arena *a = job->ask.arena;
    const char *const *w = job->words;
    struct str domain = str_of(w[OPT_DOMAIN]), selector = str_of(w[OPT_SELECTOR]);
    const char *problem = conf_domain_problem(a, domain, CONF_DOMAIN_NAMED, &job->key.domain);
    if (problem)
        return wrong(job, "domain", OPT_DOMAIN, problem);
    problem = conf_selector_problem(a, selector, &job->key.selector);
    if (problem)
        return wrong(job, "selector", OPT_SELECTOR, problem);
    if (!w[OPT_KEY])
        return wrong(job, "key", OPT_KEY, "");
    if (!take_canons(job))
        return wrong(job, "canonicalization", OPT_CANON, "is no pair such as relaxed/simple");
    if (!take_headers(job))
        return wrong(job, "headers", OPT_HEADERS, "is no list of names such as from:to:subject");
    return true;
}

static bool load_key(struct job *job)
{
    struct key_reader reader;
    struct str problem;
    key_reader_self(&reader, job->ask.arena);
    job->key.key = key_file_load(job->words[OPT_KEY], &reader, job->ask.arena, &problem);
    if (!job->key.key)
        fprintf(stderr, "%s: %.*s\n", job->ask.command, STR_ARG(problem));
    return job->key.key != NULL;
}

/* A value that we folded with LF, with the line ends of the message. */
static void print_signature(const struct mail_file *m, struct str value)
{
    const char *end = m->crlf ? "\r\n" : "\n", *between = "";
    struct str line;
    printf("DKIM-Signature:");
    while (str_split(&value, '\n', &line)) {
        printf("%s%.*s", between, STR_ARG(line));
        between = end;
    }
    printf("%s", end);
}

static int sign(struct job *job)
{
    struct mail_file m;
    struct str value, problem;
    if (!mail_file_read(&job->ask, job->path, &m))
        return EX_NOINPUT;
    job->settings.now = time(NULL);
    struct dkim_signer *signer = dkim_signer_new(job->ask.arena, &job->settings, &m.headers);
    dkim_signer_body(signer, m.body.p, m.body.n);
    if (!dkim_signer_finish(signer, &job->key, 1, &value, &problem)) {
        fprintf(stderr, "%s: %.*s\n", job->ask.command, STR_ARG(problem));
        return EX_SOFTWARE;
    }
    print_signature(&m, value);
    fwrite(m.text.p, 1, m.text.n, stdout);
    return EX_OK;
}

static int run(struct job *job, int argc, char **argv)
{
    bool help = false;
    bool understood = read_words(job, argc, argv, &help);
    if (!understood || help) {
        fputs(usage, understood ? stdout : stderr);
        return understood ? EX_OK : EX_USAGE;
    }
    if (!check_words(job))
        return EX_USAGE;
    if (!load_key(job))
        return EX_NOPERM;
    int status = sign(job);
    private_key_release(job->key.key);
    return status;
}

int dkim_sign_command(int argc, char **argv)
{
    struct job job = {.ask = {.arena = arena_new(0), .command = "assay dkim sign"}};
    int status = run(&job, argc, argv);
    ask_close(&job.ask);
    return status;
}
