/* source.h - the text of a configuration: files with their @includes joined, and where each line
 * came from. */
#ifndef ASSAY_CONF_SOURCE_H
#define ASSAY_CONF_SOURCE_H

#include "conf/conf.h"

struct conf_source {
    struct arena *arena, *names; /* for the text, and for the names of files */
    struct conf_problems *problems;
    struct strbuf text;        /* fit for libconfig */
    struct conf_place *places; /* of each line of text */
    size_t n_lines, cap;
    size_t name_end; /* of the word that the text ends with, blanks aside; 0: it ends otherwise */
    unsigned long n_names;
    struct conf_problems doubts;  /* about what is read; lives in `names` */
    struct conf_place hint_place; /* the first word that libconfig cannot take; no file: none, */
    struct str hint;              /* and what is wrong with it */
    unsigned brackets;            /* [ that are open */
    bool after_text;              /* a text is the last thing that was read, blanks aside; */
    bool after_sign;              /* or the = or : behind a name */
    bool endless; /* files include each other: what was read is not worth looking at */
};

/* The name of a setting as it was written: in the joined text each has its number behind it. */
struct str source_name(const char *joined);

/* What a place points to lives in `names`, all else in `a`. */
void source_init(struct conf_source *s, struct arena *a, struct arena *names,
                 struct conf_problems *problems);

/* Adds a file or a text with everything that it includes. What is wrong is added to the problems;
 * what could be read can still be looked at for more of them. */
void source_add_file(struct conf_source *s, struct str path);
void source_add_text(struct conf_source *s, struct str text, const char *name);

/* Where a line of the joined text (1: the first) came from. */
struct conf_place source_place(const struct conf_source *s, unsigned line);

/* The whole file, at most 64 MB; absent, with errno set, if it cannot be read. */
struct str source_read(struct arena *a, const char *path);

#endif
