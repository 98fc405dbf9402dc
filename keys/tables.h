/* tables.h - OpenDKIM's KeyTable and SigningTable as text (opendkim.conf(5)).
 *
 * A line is a key and its value with white space between; '#' begins a comment. */
#ifndef ASSAY_KEYS_TABLES_H
#define ASSAY_KEYS_TABLES_H

#include "conf/conf.h"

struct table_row {
    struct str name, value; /* first column, and the rest of the line, trimmed */
    unsigned line;
};

struct table {
    struct table_row *rows;
    size_t n;
};

/* The rows of a table's text; they point into it. A line without a value is complained of. */
void table_parse(struct str text, const char *path, struct arena *a, struct conf_problems *problems,
                 struct table *out);

/* A row of a KeyTable: name -> domain:selector:path. */
struct key_row {
    struct str domain;   /* normalised; "%": the author's domain */
    struct str selector; /* normalised */
    struct str path;
};

/* False and *problem (a phrase in `a`) if the value is none of this kind. */
bool key_row_parse(struct str value, struct arena *a, struct key_row *out, struct str *problem);

/* What is wrong with the first column of a SigningTable, which would match no author; NULL if
 * nothing is. `patterns`: the table has the prefix refile:. A phrase in `a`. */
const char *signing_row_problem(struct str name, bool patterns, struct arena *a);

/* The name that a SigningTable row's value gives; "%": the author's domain. What stands behind a
 * colon (the i= of OpenDKIM's signature) is optional in DKIM and not used. */
struct str signing_row_key(struct str value);

#endif
