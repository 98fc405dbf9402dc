/* findings.c - keeps the findings, and prints them for people and for programs.
 *
 * Errors: none. */
#include "milter/commands/doctor/findings.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "keys/repair.h"

#define CLEAN_MAX 300

static const struct {
    enum doctor_area area;
    const char *name;
} checks[CHECK_COUNT] = {
#define DOCTOR_CHECK(id, area, name, judge) {area, name},
#include "milter/commands/doctor/checks.def"
#undef DOCTOR_CHECK
};

static const struct {
    const char *word, *title;
} areas[AREA_COUNT] = {
    [AREA_MACHINE] = {"machine", "This machine"},
    [AREA_MTA] = {"mta", "The mail server"},
    [AREA_ADDRESSES] = {"addresses", "Addresses that mail leaves from"},
    [AREA_DOMAINS] = {"domains", "Domains"},
    [AREA_REPORTS] = {"reports", "DMARC reports"},
};

static const char *const levels[] = {
    [LEVEL_GOOD] = "good",       [LEVEL_UNSEEN] = "unseen", [LEVEL_NOTE] = "note",
    [LEVEL_WARNING] = "warning", [LEVEL_GRAVE] = "grave",
};

struct finding *find(struct findings *f, enum doctor_check check, enum doctor_level level,
                     struct str subject, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = str_vprintf(f->arena, format, args);
    va_end(args);
    f->v = arena_extend(f->arena, f->v, f->n, &f->cap, sizeof *f->v);
    f->v[f->n] = (struct finding){.check = check, .level = level, .subject = subject, .what = text};
    return &f->v[f->n++];
}

struct str clean(struct findings *f, struct str text)
{
    return str_safe(f->arena, text, CLEAN_MAX, true);
}

struct str command_about(const char *command, struct str subject, struct findings *f)
{
    return str_printf(f->arena, "%s %.*s", command, STR_ARG(shell_word(f->arena, subject)));
}

static size_t count_level(const struct findings *f, enum doctor_level level)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += f->v[i].level == level;
    return n;
}

int findings_status(const struct findings *f)
{
    return count_level(f, LEVEL_GRAVE) ? 2 : count_level(f, LEVEL_WARNING) ? 1 : 0;
}

/* --- For people --------------------------------------------------------------------------------*/

#define MARGIN     25 /* columns of level and check */
#define WIDTH_MIN  60
#define WIDTH_MAX  120
#define WIDTH_PIPE 100

static size_t width_of_terminal(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
        return WIDTH_PIPE;
    return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col > WIDTH_MAX ? WIDTH_MAX : size.ws_col;
}

/* Prints the words of a text, wrapped behind the margin. */
static void print_wrapped(struct str text, size_t column, size_t width)
{
    struct str word;
    bool first = true;
    while (str_split(&text, ' ', &word)) {
        if (!first && column + 1 + word.n > width) {
            printf("\n%*s", MARGIN, "");
            column = MARGIN;
            first = true;
        }
        printf("%s%.*s", first ? "" : " ", STR_ARG(word));
        column += word.n + !first;
        first = false;
    }
    printf("\n");
}

static void print_part(const char *title, struct str text, size_t width)
{
    if (!text.n)
        return;
    printf("%*s%s: ", MARGIN, "", title);
    print_wrapped(text, MARGIN + strlen(title) + 2, width);
}

/* Commands and records are not wrapped, so that people can copy them. */
static void print_command(struct str command)
{
    if (command.n)
        printf("%*srun: %.*s\n", MARGIN, "", STR_ARG(command));
}

static void print_record(struct str record)
{
    struct str line;
    if (!record.n)
        return;
    printf("%*spublish:\n", MARGIN, "");
    while (str_split(&record, '\n', &line))
        if (line.n)
            printf("    %.*s\n", STR_ARG(line));
}

static void print_finding(const struct finding *finding, size_t width)
{
    struct str subject = finding->subject;
    printf("  %-8s %-13s ", levels[finding->level], checks[finding->check].name);
    size_t column = MARGIN;
    if (subject.n) {
        printf("%.*s: ", STR_ARG(subject));
        column += subject.n + 2;
    }
    print_wrapped(finding->what, column, width);
    print_part("why", finding->why, width);
    print_part("to do", finding->mend, width);
    print_command(finding->command);
    print_record(finding->publish);
}

static void print_sum(const struct findings *f)
{
    size_t grave = count_level(f, LEVEL_GRAVE), warnings = count_level(f, LEVEL_WARNING);
    if (!grave && !warnings)
        printf("\nNothing is wrong");
    else
        printf("\n%zu grave, %zu warning%s", grave, warnings, warnings == 1 ? "" : "s");
    printf(" (%zu good, %zu to note, %zu not seen)\n", count_level(f, LEVEL_GOOD),
           count_level(f, LEVEL_NOTE), count_level(f, LEVEL_UNSEEN));
}

void findings_print(const struct findings *f, bool all)
{
    size_t width = width_of_terminal();
    for (int area = 0; area < AREA_COUNT; area++) {
        bool titled = false;
        for (size_t i = 0; i < f->n; i++) {
            const struct finding *finding = &f->v[i];
            if ((int)checks[finding->check].area != area || (!all && finding->level == LEVEL_GOOD))
                continue;
            if (!titled)
                printf("%s\n", areas[area].title);
            titled = true;
            print_finding(finding, width);
        }
    }
    print_sum(f);
}

/* --- For programs ------------------------------------------------------------------------------*/

void findings_json(const struct findings *f, struct json *j)
{
    json_number(j, "status", findings_status(f));
    for (int level = LEVEL_GOOD; level <= LEVEL_GRAVE; level++)
        json_number(j, levels[level], (int64_t)count_level(f, (enum doctor_level)level));
    json_array(j, "findings");
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *finding = &f->v[i];
        json_object(j, NULL);
        json_text(j, "area", str_of(areas[checks[finding->check].area].word));
        json_text(j, "check", str_of(checks[finding->check].name));
        json_text(j, "level", str_of(levels[finding->level]));
        json_text_or_null(j, "subject", finding->subject);
        json_text(j, "what", finding->what);
        json_text_or_null(j, "why", finding->why);
        json_text_or_null(j, "mend", finding->mend);
        json_text_or_null(j, "command", finding->command);
        json_text_or_null(j, "publish", finding->publish);
        json_end(j, '}');
    }
    json_end(j, ']');
}
