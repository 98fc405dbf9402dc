/* main.c - assay-reference: the field's libraries - libspf2, libopendkim, libopendmarc - in a
 * process that can do nothing but compute. assay starts it and talks to it over a socket.
 *
 * Errors: sentences on standard error, and the exit status: 64 for a call that is none, 69 if a
 * library or the sandbox cannot be used. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "reference/worker/worker.h"

#define EXIT_USAGE       64
#define EXIT_UNAVAILABLE 69

static void say_usage(FILE *f)
{
    fprintf(f, "assay-reference is started by assay, which asks it what libspf2, libopendkim and\n"
               "libopendmarc conclude. By hand:\n"
               "  assay-reference --version             the libraries and their versions\n"
               "  assay-reference --try WHAT            attempts WHAT in the sandbox\n"
               "  assay-reference --try-outside WHAT    the same outside of it\n"
               "  assay-reference --help                what can be attempted\n");
}

static int fail_worker(const char *problem)
{
    fprintf(stderr, "assay-reference: %s\n", problem);
    return EXIT_UNAVAILABLE;
}

static const char *start_libraries(void)
{
    if (!spf2_start())
        return "libspf2 does not start";
    if (!opendkim_start())
        return "libopendkim does not start";
    if (!opendmarc_start())
        return "libopendmarc does not start: is " ASSAY_PUBLIC_SUFFIX_LIST
               " there (package publicsuffix)?";
    return NULL;
}

static struct hello hello(struct arena *a)
{
    return (struct hello){{
        [REFERENCE_LIBSPF2] = spf2_version(a),
        [REFERENCE_LIBOPENDKIM] = opendkim_version(a),
        [REFERENCE_LIBOPENDMARC] = opendmarc_version(a),
    }};
}

static int say_version(void)
{
    struct hello versions = hello(arena_new(0));
    printf("assay-reference " ASSAY_VERSION "%s\n",
           sandbox_is_built() ? "" : ", built with sanitizers and without its sandbox");
    for (size_t i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        printf("%.*s\n", STR_ARG(versions.versions[i]));
    return 0;
}

static int by_hand(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return say_version();
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        say_usage(stdout);
        printf("WHAT is one of\n");
        try_list();
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--try") == 0)
        return sandbox_is_built() ? try_attempt(argv[2], false)
                                  : fail_worker("this build has no sandbox");
    if (argc == 3 && strcmp(argv[1], "--try-outside") == 0)
        return try_attempt(argv[2], true);
    say_usage(stderr);
    return EXIT_USAGE;
}

static bool has_socket(void)
{
    int type;
    socklen_t size = sizeof type;
    return getsockopt(WORKER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int main(int argc, char **argv)
{
    const char *problem;
    if (argc != 1 || !has_socket())
        return by_hand(argc, argv);
    sandbox_follow_parent();
    if (!sandbox_has_parent())
        return EX_OK;
    problem = start_libraries();
    if (problem)
        return fail_worker(problem);
    struct hello versions = hello(arena_new(0));
    warm_up();
    if (!sandbox_enter(&sandbox_limits, &problem))
        return fail_worker(problem);
    serve(&versions);
}
